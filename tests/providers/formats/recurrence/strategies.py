"""Random rules, starts and zones."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from providers.formats.recurrence.rule import Rule, Unit

ZONES = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "UTC",
    "Pacific/Apia", "America/Sao_Paulo",
)  # fmt: skip

dates = st.dates(date(1996, 1, 1), date(2030, 12, 31))
times = st.times().map(lambda clock: clock.replace(microsecond=0)) | st.sampled_from(
    [time(2, 30), time(), time(23, 59)]
)
walls = st.builds(datetime.combine, dates, times)


def _few(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(numbers, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))


def _either_end(highest: int) -> st.SearchStrategy[int]:
    return st.integers(1, highest) | st.integers(-highest, -1)


_weekdays = st.integers(0, 6)
_plain_days = st.lists(_weekdays, max_size=4, unique=True).map(lambda days: tuple(sorted((0, day) for day in days)))


def _numbered_days(highest: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    pairs = st.tuples(_either_end(highest), _weekdays)
    return st.lists(pairs, min_size=1, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))


def _most(unit: Unit, parts: dict[str, Any]) -> int:
    """How many starts a period has for certain."""
    clocks = max(1, len(parts.get("by_hour", ()))) * max(1, len(parts.get("by_minute", ())))
    return 4 if unit <= Unit.MONTHLY else clocks if unit is Unit.DAILY else clocks * max(1, len(parts["by_day"]))


@st.composite
def rules(draw: st.DrawFn, *, timed: bool, shortest: Unit = Unit.HOURLY) -> Rule:
    """A rule that RFC 5545 allows, without limits; none that is likely never to match (dateutil would not end)."""
    unit = draw(st.sampled_from([one for one in Unit if one <= (shortest if timed else Unit.DAILY)]))
    parts: dict[str, Any] = {"by_month": draw(st.just(()) | _few(st.integers(1, 12)))}
    if unit <= Unit.MONTHLY or (unit is not Unit.WEEKLY and not parts["by_month"]):
        parts["by_month_day"] = draw(st.just(()) | _few(_either_end(31)))
    if unit is Unit.YEARLY:
        parts["by_year_day"] = draw(st.just(()) | _few(_either_end(366)))
    parts["by_day"] = draw(_plain_days)
    if unit is Unit.YEARLY and parts["by_day"]:
        parts["by_week_no"] = draw(st.just(()) | _few(_either_end(53)))
    if unit <= Unit.MONTHLY and not parts.get("by_week_no") and draw(st.booleans()):
        parts["by_day"] = draw(_numbered_days(5 if unit is Unit.MONTHLY or parts["by_month"] else 53))
    if timed:
        parts["by_hour"] = draw(st.just(()) | _few(st.integers(0, 23)))
        parts["by_minute"] = draw(st.just(()) | _few(st.integers(0, 59)))
    if unit is not Unit.HOURLY and any(parts.values()):
        parts["by_set_pos"] = draw(st.just(()) | _few(_either_end(_most(unit, parts))))
    return Rule(unit, draw(st.integers(1, 5)), week_start=draw(st.sampled_from([0, 6, 2])), **parts)


@st.composite
def limited(draw: st.DrawFn, rule: Rule, start: date) -> Rule:
    """The rule as it is, with COUNT, or with an UNTIL of any form."""
    later = start + timedelta(days=draw(st.integers(0, 900)))
    forms = [None, later if not isinstance(later, datetime) else later.date()]
    if isinstance(later, datetime):
        forms += [later, later.replace(tzinfo=UTC)]
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return rule.but(count=draw(st.integers(1, 40)))
    return rule if kind == 1 else rule.but(until=draw(st.sampled_from(forms)))
