"""A recurrence set: rules, added and excluded starts (RFC 5545 3.8.5), and the lines it is written as."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from heapq import merge

from providers.base.errors import Invalid
from providers.formats import values
from providers.formats.contentlines import Line, read_line
from providers.formats.recurrence.expand import starts
from providers.formats.recurrence.rule import Rule, Unit, parse
from providers.formats.recurrence.wall import moment, wall_of

MAX_COUNT = 10_000  # of what callers hand in
MAX_TIMES = 96  # a day, of what callers hand in
MAX_RULES = 20  # of one series
MAX_DATES = 5_000  # RDATE and EXDATE of one series
ZoneOf = Callable[[str], tzinfo]  # what a TZID means
_NAMES = ("RRULE", "EXRULE", "RDATE", "EXDATE")


@dataclass(frozen=True, slots=True)
class Series:
    """`start` is a date, or a wall time in `zone`; so is every date here.

    `excluded_days` has the dates of EXDATEs that name a day of a series with times: they take the whole day away, as
    most programs understand them. `lengths` are those of added periods (RDATE;VALUE=PERIOD), by their starts.
    """

    start: date
    zone: tzinfo = UTC
    rules: tuple[Rule, ...] = ()
    excluded_rules: tuple[Rule, ...] = ()
    added: tuple[date, ...] = ()
    excluded: frozenset[date] = field(default_factory=frozenset)
    excluded_days: frozenset[date] = field(default_factory=frozenset)
    lengths: Mapping[date, timedelta] = field(default_factory=dict)

    def between(self, after: date, before: date) -> Iterator[date]:
        """The starts from `after` (inclusive) to `before` (exclusive), in order, each once. Raises `Invalid` when there
        are more than can be expanded."""
        alone = len(self.rules) == 1  # one rule counts the start as its first; several only where they pick it
        single = self.added if alone else (*self.added, self.start)
        more = [wall for wall in single if after <= wall < before]
        runs = [self._of(rule, after, before, always_first=alone) for rule in self.rules]
        taken = {wall for rule in self.excluded_rules for wall in self._of(rule, after, before, always_first=False)}
        last = None
        for wall in merge(sorted(more), *runs):
            if wall != last and wall not in taken and not self._is_out(wall):
                yield wall
            last = wall

    def _of(self, rule: Rule, after: date, before: date, *, always_first: bool) -> Iterator[date]:
        return starts(rule, self.start, after, before, self.zone, always_first=always_first)

    def has(self, wall: date) -> bool:
        """Whether the series starts at exactly that time."""
        return next(self.between(wall, wall + _after(wall)), None) == wall

    def _is_out(self, wall: date) -> bool:
        return wall in self.excluded or (isinstance(wall, datetime) and wall.date() in self.excluded_days)


def _after(wall: date) -> timedelta:
    return timedelta(seconds=1) if isinstance(wall, datetime) else timedelta(days=1)


def series(start: date, zone: tzinfo, lines: Iterable[Line], zone_of: ZoneOf | None = None) -> Series:
    """The series of these RRULE, EXRULE, RDATE and EXDATE lines. `zone_of` resolves a TZID. Raises `Invalid`."""
    found: dict[str, list[Line]] = {name: [] for name in _NAMES}
    for line in lines:
        if line.name in found and line.value.strip():
            found[line.name].append(line)
    if len(found["RRULE"]) + len(found["EXRULE"]) > MAX_RULES:
        raise Invalid(f"a series of more than {MAX_RULES} rules is not expanded")
    excluded = list(_dates(found["EXDATE"], start, zone, zone_of))
    days = frozenset(day for day in excluded if not isinstance(day, datetime)) if isinstance(start, datetime) else ()
    return Series(
        start,
        zone,
        tuple(parse(line.value) for line in found["RRULE"]),
        tuple(parse(line.value) for line in found["EXRULE"]),
        tuple(fit(day, start) for day in _dates(found["RDATE"], start, zone, zone_of)),
        frozenset(fit(day, start) for day in excluded if day not in days),
        frozenset(days),
        dict(_periods(found["RDATE"], start, zone, zone_of)),
    )


def _dates(lines: Sequence[Line], start: date, zone: tzinfo, zone_of: ZoneOf | None) -> Iterator[date]:
    """The dates and wall times (in `zone`) of RDATE and EXDATE; of periods their start."""
    pieces = [(line, piece) for line in lines for piece in line.value.split(",") if piece.strip()]
    if len(pieces) > MAX_DATES:
        raise Invalid(f"a series of more than {MAX_DATES} single dates is not read")
    for line, piece in pieces:
        day = values.moment(piece.partition("/")[0])
        if day is None:
            continue  # says nothing to anybody
        tzid = line.parameter("TZID")
        yield in_zone(day, start, zone, zone_of(tzid) if tzid and zone_of else zone)


def _periods(
    lines: Sequence[Line], start: date, zone: tzinfo, zone_of: ZoneOf | None
) -> Iterator[tuple[date, timedelta]]:
    """The starts and lengths of the periods among them; what ends before it starts has no length of its own."""
    for line in lines if isinstance(start, datetime) else ():
        for piece in line.value.split(","):
            first, slash, rest = piece.partition("/")
            if slash and (found := next(_dates([Line(line.name, first, line.parameters)], start, zone, zone_of), None)):
                begin, end = (
                    moment(fit(found, start), zone),
                    _dates([Line(line.name, rest, line.parameters)], start, zone, zone_of),
                )
                length = values.duration(rest) or next((moment(fit(one, start), zone) - begin for one in end), None)
                if length is not None and length > timedelta():
                    yield fit(found, start), length


def in_zone(day: date, start: date, zone: tzinfo, written_in: tzinfo) -> date:
    """A wall time of `written_in`, or a moment, as wall time in `zone`; a date, and what stands in a series of days, as
    it is written."""
    if not isinstance(day, datetime) or not isinstance(start, datetime):
        return day
    if day.tzinfo is None:
        if written_in is zone:
            return day
        day = day.replace(tzinfo=written_in)
    return wall_of(day, zone)


def fit(day: date, start: date) -> date:
    """A date or wall time in the terms of the series: of a series of days the day, of one with times that time."""
    if not isinstance(start, datetime):
        return day.date() if isinstance(day, datetime) else day
    return day if isinstance(day, datetime) else datetime.combine(day, start.time())


def checked(lines: Sequence[str], path: str = "recurrence.ical.rules") -> list[Line]:
    """Lines that a caller hands in. Raises `Invalid` with the path of the line that cannot be carried out."""
    return [_checked(text, f"{path}.{number}") for number, text in enumerate(lines)]


def _checked(text: str, path: str) -> Line:
    line = read_line(text.strip())
    if line is None or line.name not in _NAMES:
        raise Invalid(f"must be an RRULE, EXDATE, RDATE or EXRULE line, not {text[:40]!r}", path=path)
    try:
        if line.name in ("RRULE", "EXRULE"):
            _refuse_bombs(parse(line.value))
        elif any(values.moment(piece.partition("/")[0]) is None for piece in line.value.split(",")):
            raise Invalid(f"{line.name} has a value that is no date")
    except Invalid as error:
        raise Invalid(error.message, path=path) from None
    return line


def _refuse_bombs(rule: Rule) -> None:
    if rule.unit >= Unit.MINUTELY:
        raise Invalid(f"RRULE: FREQ={rule.unit.name} is not accepted; the shortest is HOURLY")
    if rule.count is not None and rule.count > MAX_COUNT:
        raise Invalid(f"RRULE: COUNT={rule.count} is not accepted; the largest is {MAX_COUNT}")
    if rule.count is not None and rule.until is not None:
        raise Invalid("RRULE: COUNT and UNTIL exclude each other")
    if max(1, len(rule.by_hour)) * max(1, len(rule.by_minute)) * max(1, len(rule.by_second)) > MAX_TIMES:
        raise Invalid(f"RRULE: more than {MAX_TIMES} occurrences a day are not accepted")
