"""Random questions around a moment, for comparing with the oracle."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

from gateway.services.availability.explain import Kind, refusals
from gateway.services.availability.grid import STEPS
from gateway.services.availability.hours import DatedHours, DayHours, Hours
from gateway.services.availability.members import Event, Member
from gateway.services.availability.periods import Period
from gateway.services.availability.roster import Group, Required, Roster
from gateway.services.availability.rules import Rules
from gateway.services.availability.slots import slots
from tests.gateway.services.availability.oracle import Oracle

T = TypeVar("T")
MINUTE, HOUR, DAY = 60, 3600, 86_400
BUSY = st.sampled_from(("free", "busy", "tentative", "outOfOffice"))
STATUSES = ("free", "busy", "tentative", "outOfOffice", "unknown")
ZONES = sorted(available_timezones())
OTHERS = ("Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York", "UTC")
IDS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Case:
    rules: Rules
    roster: Roster
    members: tuple[Member, ...]
    window: tuple[int, int]
    now: int


@cache
def turns(zone: str, year: int) -> tuple[int, ...]:
    """The hours of a year of UTC within which the clock of a zone is changed; its first of July where it never is."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    hours = range(int(start.timestamp()), int(start.replace(year=year + 1).timestamp()), HOUR)
    offsets = [datetime.fromtimestamp(hour, ZoneInfo(zone)).utcoffset() for hour in hours]
    changed = tuple(hour for hour, old, new in zip(hours, offsets, offsets[1:], strict=False) if old != new)
    return changed or (int(start.replace(month=7).timestamp()),)


def minutes(least: int, most: int) -> st.SearchStrategy[int]:
    """Seconds of a whole number of minutes, often of quarters of an hour."""
    quarters = st.integers(-(-least // 15), most // 15).map(lambda n: n * 15 * MINUTE)
    return quarters | st.integers(least, most).map(lambda n: n * MINUTE)


@st.composite
def often(draw: st.DrawFn, usual: st.SearchStrategy[T], rare: st.SearchStrategy[T]) -> T:
    """Mostly what is usual: slots that nobody can take prove little."""
    return draw(rare if draw(st.integers(0, 5)) == 5 else usual)


@st.composite
def intervals(draw: st.DrawFn) -> DayHours:
    start = draw(minutes(0, 1439))
    return DayHours(start, start + draw(minutes(420, 1440) | minutes(1, 1440)))


DAYS = often(st.lists(intervals(), min_size=1, max_size=2), st.just([])).map(tuple)


@st.composite
def some_hours(draw: st.DrawFn, zone: ZoneInfo, near: date) -> Hours:
    days = st.integers(-2, 2).map(lambda n: near + timedelta(days=n))
    dated = st.builds(lambda a, b, hours: DatedHours(min(a, b), max(a, b), hours), days, days, DAYS)
    week = draw(st.lists(DAYS, min_size=1, max_size=3))  # the same few days over and over: smaller cases
    other = draw(often(st.just(zone.key), st.sampled_from(OTHERS)))
    return Hours(ZoneInfo(other), tuple((week * 7)[:7]), tuple(draw(st.lists(dated, max_size=2))))


@st.composite
def spans(draw: st.DrawFn, around: int) -> tuple[int, int]:
    start = around + draw(minutes(-2880, 2880))
    return start, start + draw(often(minutes(0, 180), minutes(0, 900)))


@st.composite
def events(draw: st.DrawFn, around: int) -> Event:
    start, end = draw(spans(around))
    return Event(start + draw(st.sampled_from((0, 0, 1, 30))), end, draw(often(BUSY, st.sampled_from(STATUSES))))


@st.composite
def members(draw: st.DrawFn, number: int, zone: ZoneInfo, around: int, near: date) -> Member:
    unknown = draw(often(st.just([]), st.lists(spans(around), max_size=1)))
    within = draw(often(st.none(), st.lists(spans(around), min_size=1, max_size=3)))
    hours = draw(st.none() | some_hours(zone, near))
    return Member(number, draw(st.lists(events(around), max_size=6)), hours, unknown, within and disjoint(within))


def disjoint(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that neither meet nor touch: the oracle knows none that are joined."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not kept or start > kept[-1][1]:
            kept.append((start, end))
    return kept


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    ids = often(st.lists(st.sampled_from(IDS), min_size=1, max_size=2, unique=True), st.just([])).map(tuple)
    required, names = st.sampled_from(Required), draw(st.lists(st.sampled_from("abc"), max_size=2, unique=True))
    return Roster(draw(required), draw(ids), tuple(Group(name, draw(ids), draw(required)) for name in names))


@st.composite
def some_rules(draw: st.DrawFn, zone: ZoneInfo, around: int, near: date) -> Rules:
    moments = st.none() | minutes(-2880, 2880).map(lambda n: around + n)
    rarely = often(st.none(), moments)
    lengths = st.builds(Period, days=st.integers(0, 3), seconds=minutes(1, 1440))
    return Rules(
        zone=zone,
        duration_minutes=draw(often(st.sampled_from((5, 15, 30, 45, 60, 90)), st.integers(1, 240))),
        step_minutes=draw(st.sampled_from(STEPS)),
        buffer_minutes=draw(st.sampled_from((0, 0, 5, 15)) | st.integers(0, 90)),
        start_after_minutes=draw(often(st.just(60), st.sampled_from((0, 1440)))),
        start=draw(rarely),
        end=draw(rarely),
        available_for=draw(often(st.none(), lengths)),
        hours=draw(often(st.none(), some_hours(zone, near))),
        free_statuses=frozenset(draw(st.sets(st.sampled_from(STATUSES), max_size=2)) | {"free"}),
    )


@st.composite
def cases(draw: st.DrawFn, key: str, turn: int) -> Case:
    """A question about the days on both sides of a moment."""
    zone, start = ZoneInfo(key), turn + draw(st.integers(-2000, -600)) * MINUTE
    near = datetime.fromtimestamp(turn, zone).date()
    return Case(
        draw(some_rules(zone, turn, near)),
        draw(rosters()),
        tuple(draw(members(each, zone, turn, near)) for each in draw(often(st.just(IDS), st.just(IDS[2:])))),
        (start, start + draw(st.integers(60, 3000)) * MINUTE),
        turn + draw(often(minutes(-4000, -2000), minutes(-2000, 1000))),
    )


def differences(case: Case) -> list[str]:
    """Where code and oracle differ about a case."""
    question = (case.rules, case.roster, case.members, case.window, case.now)
    oracle, found = Oracle(*question), slots(*question)
    refused = refusals(*question)
    pairs = {
        "slots": ({slot.start: (set(slot.members), slot.groups) for slot in found}, oracle.slots()),
        "lengths": ({slot.end - slot.start for slot in found} - {case.rules.duration_minutes * MINUTE}, set()),
        "order": ([slot.start for slot in found], sorted({slot.start for slot in found})),
        "refusals": (
            {r.start: {(b.kind, b.member) for b in r.blocks} for r in refused if r.blocks[0].kind is not Kind.GAP},
            oracle.refusals(),
        ),
        "gaps": ([r.wall for r in refused if r.blocks[0].kind is Kind.GAP], oracle.gaps()),
    }
    return [f"{name}: {ours} is not {theirs}" for name, (ours, theirs) in pairs.items() if ours != theirs]
