"""What a profile says about its slots, and what follows from it for a given now."""

from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.services.availability.grid import STEPS
from gateway.services.availability.hours import Hours
from gateway.services.availability.periods import Period, moment_after
from gateway.services.availability.spans import ALWAYS, Span
from providers.base.errors import Invalid

_LONGEST = 7 * 24 * 60  # minutes; of a slot and of a buffer
_FURTHEST = 366 * 24 * 60  # minutes; of the notice
FREE = frozenset({"free"})


@dataclass(frozen=True, slots=True)
class Rules:
    """The package says what each means. Moments in seconds since 1970, minutes of elapsed time. Fields outside their
    bounds raise `Invalid` with the contract's name of the field."""

    zone: ZoneInfo
    duration_minutes: int
    step_minutes: int = 30
    buffer_minutes: int = 0
    start_after_minutes: int = 60
    start: int | None = None
    end: int | None = None
    available_for: Period | None = None
    hours: Hours | None = None
    free_statuses: frozenset[str] = FREE

    def __post_init__(self) -> None:
        if self.step_minutes not in STEPS:
            raise Invalid(f"A step is one of {STEPS} minutes, not {self.step_minutes}", path="availabilityStep")
        _check("durationMinutes", self.duration_minutes, 1, _LONGEST)
        _check("bufferBetweenMinutes", self.buffer_minutes, 0, _LONGEST)
        _check("startAfterMinutes", self.start_after_minutes, 0, _FURTHEST)

    @property
    def duration(self) -> int:
        """Seconds."""
        return self.duration_minutes * 60

    @property
    def buffer(self) -> int:
        """Seconds."""
        return self.buffer_minutes * 60


class Limits(NamedTuple):
    """A slot starts at `notice` and at `first` or later and ends at `last` or before."""

    notice: int
    first: int
    last: int


def limits(rules: Rules, now: int) -> Limits:
    """The limits of a profile at a moment."""
    first, last = (ALWAYS[0] if rules.start is None else rules.start), (ALWAYS[1] if rules.end is None else rules.end)
    if rules.available_for is not None:
        last = min(last, moment_after(rules.zone, max(first, now), rules.available_for))
    return Limits(now + rules.start_after_minutes * 60, first, last)


def to_read(rules: Rules, window: Span) -> Span:
    """How far calendars must be known, so that slots that start within the window can be judged."""
    return window[0] - rules.buffer, window[1] + rules.duration + rules.buffer


def _check(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise Invalid(f"{field} is from {least} to {most}, not {value}", path=field)
