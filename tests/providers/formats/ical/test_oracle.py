"""Random series with excluded, added and moved occurrences: as recurring-ical-events expands them, over changes of the
clock. Skipped, loudly, where it cannot be installed."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from providers.formats import contentlines
from providers.formats.contentlines import Component, Line
from providers.formats.ical import occurrences
from providers.formats.ical.resource import calendar, of
from providers.formats.ical.spans import When, line
from providers.formats.recurrence.expand import starts
from providers.formats.recurrence.rule import Rule, Unit, write
from providers.formats.recurrence.wall import in_gap
from providers.formats.timezones.calendar_zones import named
from tests.providers.formats import oracle
from tests.providers.formats.recurrence.strategies import ZONES, dates, limited, rules, walls


@st.composite
def series(draw: st.DrawFn) -> tuple[Component, datetime, datetime]:
    """A calendar with one series, and a window. The start matches its rule: the oracle leaves out those that do not."""
    timed = draw(st.booleans())
    zone = named(draw(st.sampled_from(ZONES)))
    rule: Rule = draw(rules(timed=timed, shortest=Unit.DAILY))
    assume(not (rule.unit is Unit.WEEKLY and rule.by_set_pos))  # dateutil errs in the first week
    begin: date = draw(walls if timed else dates)
    start = next(starts(rule, begin, begin, begin + timedelta(days=2000), always_first=False), None)
    assume(start is not None and start.year < 2037)
    assert start is not None
    rule = draw(limited(rule, start))
    until = rule.until  # written against RFC 5545, a day means the whole day for us, a wall time that of the zone
    assume(until is None or (timed == (isinstance(until, datetime) and until.tzinfo is not None)))
    found = list(starts(rule, start, start, start + timedelta(days=400), zone.rules))[:40]
    assume(found and not (timed and any(in_gap(wall, zone.rules) for wall in found if isinstance(wall, datetime))))
    length = timedelta(minutes=draw(st.integers(1, 3000))) if timed else timedelta(days=draw(st.integers(1, 4)))
    picked = draw(st.lists(st.sampled_from(found), unique=True, max_size=4))
    master = Component(
        "VEVENT", [Line("UID", "u"), line("DTSTART", When(start, zone)), line("DTEND", When(start + length, zone))]
    )
    master.lines.append(Line("RRULE", write(rule)))
    events = [master]
    for wall in picked:
        if draw(st.booleans()):
            master.lines.append(line("EXDATE", When(wall, zone)))
        else:
            moved = wall + timedelta(days=draw(st.integers(-3, 3)), hours=draw(st.integers(0, 5)) if timed else 0)
            moved_end = moved + length
            events.append(
                Component(
                    "VEVENT",
                    [
                        Line("UID", "u"), line("RECURRENCE-ID", When(wall, zone)), line("DTSTART", When(moved, zone)),
                        line("DTEND", When(moved_end, zone)),
                    ],
                )
            )  # fmt: skip
    if draw(st.booleans()):
        extra = start + timedelta(days=draw(st.integers(1, 300)), minutes=7 if timed else 0)
        master.lines.append(line("RDATE", When(extra, zone)))
    first = datetime.combine(start if not isinstance(start, datetime) else start.date(), datetime.min.time(), UTC)
    first += timedelta(days=draw(st.integers(-10, 200)))
    return calendar(events), first, first + timedelta(days=draw(st.integers(1, 200)))


@settings(max_examples=100, deadline=None)
@given(series())
def test_random_series(given_series: tuple[Component, datetime, datetime]) -> None:
    text, first, last = given_series
    (resource,) = of(text)
    ours = sorted(
        (one.span.start.wall if one.span.start.all_day else one.span.start.moment).isoformat()
        for one in occurrences.between(resource, first, last)
    )
    written = contentlines.write(text)
    assert ours == sorted(start for _, start, _ in oracle.between(written, first, last)), written.decode()
