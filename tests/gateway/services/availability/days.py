"""Short words for the tests: moments by the wall clock, hours, one person's slots."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.services.availability.clock import moment, zone_named
from gateway.services.availability.explain import Kind, refusals
from gateway.services.availability.hours import Hours, day_hours, week
from gateway.services.availability.members import Event, Member
from gateway.services.availability.roster import Required, Roster
from gateway.services.availability.rules import Rules
from gateway.services.availability.slots import slots

ME = Roster(Required.ONE, (1,))
LONG_AGO = 0
BERLIN = "Europe/Berlin"
HOUR = 3600
DAY = ("2024-07-01 00:00", "2024-07-02 00:00")
WORKDAYS = range(5)


def at(zone: str, text: str, fold: int = 0) -> int:
    """The moment at which the clock of a zone shows `2024-03-31 09:00`."""
    return moment(datetime.fromisoformat(text).replace(tzinfo=zone_named(zone), fold=fold))


def hours(zone: str, *intervals: str, days: Sequence[int] = range(7), **more: Any) -> Hours:
    """`hours("Europe/Berlin", "09:00-17:00")`."""
    read = tuple(day_hours(*interval.split("-")) for interval in intervals)
    return Hours(ZoneInfo(zone), week(dict.fromkeys(days, read)), **more)


def busy(zone: str, *texts: str, status: str = "busy") -> list[Event]:
    """`busy(zone, "2024-03-31 09:00/10:00")`."""
    pairs = ((text[:16], f"{text[:10]} {text[17:]}") for text in texts)
    return [Event(at(zone, start), at(zone, end), status) for start, end in pairs]


def rules(zone: str, minutes: int = 60, **more: Any) -> Rules:
    more.setdefault("step_minutes", 60)
    return Rules(ZoneInfo(zone), minutes, **more)


def shown(zone: str, moments: Sequence[int]) -> list[str]:
    """What the clock shows, `31 09:00`."""
    return [datetime.fromtimestamp(each, ZoneInfo(zone)).strftime("%d %H:%M") for each in moments]


def starts(given: Rules, first: str, last: str, now: int = LONG_AGO, roster: Roster = ME, **member: Any) -> list[str]:
    """The slots of member 1 that start between two wall times."""
    zone = given.zone.key
    found = slots(given, roster, [Member(1, **member)], (at(zone, first), at(zone, last)), now)
    return shown(zone, [slot.start for slot in found])


def reasons(given: Rules, first: str, last: str, now: int = LONG_AGO, **member: Any) -> dict[str, set[Kind]]:
    """What blocks member 1 at each time that is not offered."""
    zone = given.zone.key
    found = refusals(given, ME, [Member(1, **member)], (at(zone, first), at(zone, last)), now)
    return {refusal.wall.strftime("%d %H:%M"): {block.kind for block in refusal.blocks} for refusal in found}


OPEN = hours(BERLIN, "08:00-13:00")
