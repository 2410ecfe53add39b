"""Where slots begin: multiples of the step on the wall clock of a zone."""

from zoneinfo import ZoneInfo

from gateway.services.availability.clock import changes, pieces

STEPS = (5, 10, 15, 20, 30, 60)  # minutes; each divides the hour, so the grid is the same every hour


def grid(zone: ZoneInfo, step: int, start: int, end: int) -> list[int]:
    """Every moment in `[start, end)`, if that is not empty, at which the clock shows a multiple of `step` minutes; in
    order."""
    seconds = step * 60
    found: list[int] = []
    for piece in pieces(zone, start, end):
        first = piece.start + -(piece.start + piece.offset) % seconds
        found.extend(range(first, piece.end, seconds))
    return found


def skipped(zone: ZoneInfo, step: int, start: int, end: int) -> list[tuple[int, int]]:
    """The multiples that the clock skips where it is put forward in `[start, end)`: moment of the change, wall time."""
    seconds = step * 60
    return [
        (change.moment, shown)
        for change in changes(zone, start, end)
        for first in [change.moment + change.before]
        for shown in range(first + -first % seconds, change.moment + change.after, seconds)
    ]
