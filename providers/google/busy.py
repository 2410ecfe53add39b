"""Whose time is taken: Google answers for 50 calendars and some months at a time, and says no more than "busy"."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.google.client import Client
from schemas.calendar import ShowAs
from schemas.schedules import FreeBusyItem, FreeBusySchedule

_CALENDARS = 50
_SPAN = timedelta(days=60)  # longer ranges are refused beyond about three months
_ERRORS = {
    "notFound": "there is no such calendar, or it is not shared with this account",
    "groupTooBig": "the group has too many members",
    "tooManyCalendarsRequested": "too many calendars were asked for at once",
    "internalError": "Google could not read this calendar",
}


async def schedules(
    client: Client, emails: Sequence[str], time_min: datetime, time_max: datetime
) -> list[FreeBusySchedule]:
    """See `Calendars.busy`. What is busy on both sides of a seam is told once."""
    found: dict[str, list[FreeBusyItem]] = {email: [] for email in emails}
    errors: dict[str, str] = {}
    for low, high in _spans(time_min, time_max):
        for start in range(0, len(emails), _CALENDARS):
            answer = await _asked(client, emails[start : start + _CALENDARS], low, high)
            for email, told in answer.items():
                if told.get("errors"):
                    reason = str(told["errors"][0].get("reason"))
                    errors[email] = _ERRORS.get(reason, f"this calendar cannot be read ({reason})")
                for span in told.get("busy", ()):
                    _add(found.setdefault(email, []), span)
    return [
        FreeBusySchedule(email=email, error=errors[email])
        if email in errors
        else FreeBusySchedule(email=email, items=found[email])
        for email in emails
    ]


async def _asked(client: Client, emails: Sequence[str], low: datetime, high: datetime) -> dict[str, Any]:
    body = {
        "timeMin": _written(low),
        "timeMax": _written(high),
        "calendarExpansionMax": _CALENDARS,
        "items": [{"id": email} for email in emails],
    }
    answer = await client.call(client.apis.free_busy.query(body=body))
    calendars: dict[str, Any] = answer.get("calendars", {})
    return calendars


def _add(items: list[FreeBusyItem], span: Any) -> None:
    start, end = datetime.fromisoformat(span["start"]), datetime.fromisoformat(span["end"])
    if items and items[-1].start == start:  # told on both sides of a seam
        items.pop()
    items.append(FreeBusyItem(start=start, end=end, status=ShowAs.BUSY))


def _spans(low: datetime, high: datetime) -> Iterator[tuple[datetime, datetime]]:
    while low < high:
        yield low, min(low + _SPAN, high)
        low += _SPAN


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
