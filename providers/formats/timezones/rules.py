"""Zones whose rules stand in the calendar itself (VTIMEZONE, RFC 5545 3.6.5)."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import islice

from providers.base.errors import Invalid
from providers.formats import values
from providers.formats.contentlines import Component, write
from providers.formats.contentlines import parse as parse_components
from providers.formats.recurrence.expand import starts
from providers.formats.recurrence.rule import Rule, parse

LAST_YEAR = 2060  # rules are followed up to here
_MAX_ONSETS = 1000  # of one observance
_EPOCH = datetime(1, 1, 1)
_NOTHING = timedelta()


@dataclass(frozen=True, slots=True, order=True)
class Onset:
    """From the moment `at` (naive, in UTC) the offset from UTC is `after`, which was `before`."""

    at: datetime
    before: timedelta
    after: timedelta
    daylight: bool
    name: str


class RuleZone(tzinfo):
    """The offsets that a list of onsets gives, with PEP 495 folds: a wall time in a gap has the offset before it."""

    def __init__(self, name: str, onsets: Sequence[Onset]) -> None:
        """`onsets` is in order and not empty."""
        self._name, self._onsets = name, onsets
        self._moments = [onset.at for onset in onsets]
        wider = [(max(onset.before, onset.after), min(onset.before, onset.after)) for onset in onsets]
        self._walls = (
            [at + most for at, (most, _) in zip(self._moments, wider, strict=True)],
            [at + least for at, (_, least) in zip(self._moments, wider, strict=True)],
        )

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """The offset at a wall time."""
        place = bisect_right(self._walls[dt.fold], dt.replace(tzinfo=None)) if dt is not None else 0
        return self._after(place)

    def dst(self, dt: datetime | None) -> timedelta:
        """How much of the offset is daylight saving."""
        onset = self._at(dt)
        return onset.after - onset.before if onset is not None and onset.daylight else _NOTHING

    def tzname(self, dt: datetime | None) -> str:
        """The TZNAME of the observance, or the TZID."""
        onset = self._at(dt)
        return onset.name if onset is not None and onset.name else self._name

    def fromutc(self, dt: datetime) -> datetime:
        """The wall time of a moment in UTC; `fold` is set the second time."""
        naive = dt.replace(tzinfo=None)
        place = bisect_right(self._moments, naive)
        local = naive + self._after(place)
        again = place > 0 and local < self._walls[0][place - 1] and self._onsets[place - 1].before > self._after(place)
        return local.replace(tzinfo=self, fold=int(again))

    def _after(self, place: int) -> timedelta:
        return self._onsets[place - 1].after if place else self._onsets[0].before

    def _at(self, dt: datetime | None) -> Onset | None:
        place = bisect_right(self._walls[dt.fold], dt.replace(tzinfo=None)) if dt is not None else 0
        return self._onsets[place - 1] if place else None

    def __repr__(self) -> str:
        return f"RuleZone({self._name!r})"

    def __reduce__(self) -> tuple[type["RuleZone"], tuple[str, Sequence[Onset]]]:
        return RuleZone, (self._name, self._onsets)


def zone_of(component: Component) -> RuleZone | None:
    """The zone that a VTIMEZONE describes; None when it describes none. What is written alike is worked out once."""
    return _zone(write(component))


@lru_cache(maxsize=200)
def _zone(text: bytes) -> RuleZone | None:
    component = parse_components(text)[0]
    name = values.text(component.value("TZID") or "")
    onsets = [onset for observance in component.children for onset in _onsets(observance)]
    return RuleZone(name, sorted(onsets)) if onsets else None


def _onsets(observance: Component) -> list[Onset]:
    begin = values.moment(observance.value("DTSTART") or "")
    before = values.offset(observance.value("TZOFFSETFROM") or "")
    after = values.offset(observance.value("TZOFFSETTO") or "")
    if not isinstance(begin, datetime) or after is None or observance.name not in ("STANDARD", "DAYLIGHT"):
        return []
    before = after if before is None else before
    name = values.text(observance.value("TZNAME") or "")
    walls = {begin.replace(tzinfo=None), *_repeated(observance, begin.replace(tzinfo=None), before)}
    found = [_onset(wall, before, after, observance.name == "DAYLIGHT", name) for wall in walls]
    return [onset for onset in found if onset is not None]


def _onset(wall: datetime, before: timedelta, after: timedelta, daylight: bool, name: str) -> Onset | None:
    try:
        return Onset(wall - before, before, after, daylight, name)
    except OverflowError:  # Outlook begins in the year 1
        return Onset(_EPOCH + timedelta(days=1), before, after, daylight, name) if wall.year < 2 else None


def _repeated(observance: Component, begin: datetime, before: timedelta) -> list[datetime]:
    """The onsets of RRULE (UNTIL is in UTC) and RDATE, as wall times."""
    end = datetime(LAST_YEAR, 1, 1)
    found: list[datetime] = []
    for line in observance.all("RRULE"):
        try:
            rule = parse(line.value)
        except Invalid:
            continue
        found.extend(_walls(rule, begin, before, end))
    for line in observance.all("RDATE"):
        dates = (values.moment(piece) for piece in line.value.split(",")[:_MAX_ONSETS])
        found.extend(day.replace(tzinfo=None) for day in dates if isinstance(day, datetime))
    return found


def _walls(rule: Rule, begin: datetime, before: timedelta, end: datetime) -> list[datetime]:
    until = rule.until
    limit = (
        (until.astimezone(UTC).replace(tzinfo=None) + before) if isinstance(until, datetime) and until.tzinfo else until
    )
    walls = starts(rule.but(until=limit), begin, begin, end)
    return [wall for wall in islice(walls, _MAX_ONSETS) if isinstance(wall, datetime)]
