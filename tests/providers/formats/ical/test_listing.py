"""Occurrences page by page: in order, each once, whatever the size of the pages, and bounded whatever the rule."""

from datetime import UTC, datetime

import pytest

from providers.base.errors import Invalid
from providers.formats.ical.listing import run, window
from providers.formats.ical.resource import Resource, resources

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
MOVED = """BEGIN:VEVENT
UID:s
RECURRENCE-ID:20260309T090000Z
DTSTART:20260401T100000Z
DTEND:20260401T110000Z
END:VEVENT"""
FUTURE = """BEGIN:VEVENT
UID:s
RECURRENCE-ID;RANGE=THISANDFUTURE:20260316T090000Z
DTSTART:20260316T120000Z
DTEND:20260316T130000Z
END:VEVENT"""
GONE = """BEGIN:VEVENT
UID:s
RECURRENCE-ID:20260323T090000Z
DTSTART:20260323T090000Z
STATUS:CANCELLED
END:VEVENT"""


def series(rule: str = "FREQ=WEEKLY", *overrides: str, start: str = "20260302T090000Z") -> Resource:
    master = f"BEGIN:VEVENT\nUID:s\nDTSTART:{start}\nDURATION:PT1H\nRRULE:{rule}\nEND:VEVENT"
    [found] = resources("\n".join(["BEGIN:VCALENDAR", master, *overrides, "END:VCALENDAR", ""]).encode())
    return found


def hours(resource: Resource, count: int, limit: int) -> list[str]:
    """The first starts of a series, read in pages."""
    found: list[str] = []
    cursor = None
    while len(found) < count:
        page, cursor = run(resource, cursor, limit)
        found += [f"{one.span.start.moment:%m-%d %H}" for one in page]
        if cursor is None:
            break
    return found[:count]


def listed(texts: dict[str, Resource], limit: int, most: int = 1000) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    cursor = None
    while len(found) < most:
        page, cursor = window(texts.items(), BEGIN, END, cursor, limit)
        assert len(page) <= limit
        found += [(item, one.key) for item, _, one in page]
        if cursor is None:
            break
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_a_series_with_everything(limit: int) -> None:
    resource = series("FREQ=WEEKLY", MOVED, FUTURE, GONE)
    assert hours(resource, 6, limit) == ["03-02 09", "04-01 10", "03-16 12", "03-30 12", "04-06 12", "04-13 12"]


def test_a_series_ends() -> None:
    page, cursor = run(series("FREQ=WEEKLY;COUNT=3"), None, 3)
    assert len(page) == 3
    assert cursor is None
    assert run(series("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), None, 3)[1] is None, "which never comes again"


@pytest.mark.parametrize("limit", [1, 2, 5, 500])
def test_a_window_over_several_texts(limit: int) -> None:
    texts = {
        "a": series("FREQ=MONTHLY", MOVED),
        "b": series("FREQ=MONTHLY;COUNT=5"),
        "c": series("FREQ=WEEKLY", FUTURE, GONE),
    }
    whole = listed(texts, 10_000)
    assert listed(texts, limit) == whole
    assert len(set(whole)) == len(whole) == 11 + 5 + 43


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=MINUTELY;BYSECOND=1,2", "FREQ=DAILY;COUNT=1000000000"])
def test_bombs_are_read_as_far_as_a_page_goes(rule: str) -> None:
    found = listed({"calm": series("FREQ=WEEKLY"), "bomb": series(rule)}, 20, 60)
    assert len(found) >= 60
    assert run(series(rule, FUTURE), None, 10)[1] is not None
    assert len(window([("x", series(rule, FUTURE))], BEGIN, END, None, 10)[0]) == 10


@pytest.mark.parametrize("cursor", ["x", "", "20260302", "99999999T000000Z.a", "20260302T090000Z"])
def test_cursors_that_are_none(cursor: str) -> None:
    with pytest.raises(Invalid):
        window([("a", series())], BEGIN, END, cursor, 3)
    if cursor != "20260302T090000Z":
        with pytest.raises(Invalid):
            run(series(), cursor, 3)
