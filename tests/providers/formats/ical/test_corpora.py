"""Every calendar that icalendar and recurring-ical-events ship: read without loss, shown, expanded as expected."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import icalendar
import pytest

from providers.base.errors import Invalid, ProviderError, Unsupported
from providers.formats import contentlines
from providers.formats.contentlines import Component
from providers.formats.ical import occurrences, read, tasks
from providers.formats.ical.resource import Resource, calendar, of
from providers.formats.ical.spans import When
from schemas.calendar import Event
from tests.providers.formats import oracle
from tests.providers.formats.calendars import icalendar_texts, recurring_texts

_FIRST, _LAST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
Texts = Callable[[], dict[str, bytes]]
_BOTH = pytest.mark.parametrize("texts", [icalendar_texts, recurring_texts])

#: Where occurrences differ from those of recurring-ical-events, and why that is right.
_DIFFERENCES = {
    "calendars/example.ics": "a day that ends when it starts lasts a day: the contract's end is exclusive",
    "calendars/Germany_Holidays.ics": "the same",
    "calendars/issue_526_calendar_with_different_events.ics": "a TZID that nothing explains is floating",
    "calendars/issue_526_calendar_with_event_subset.ics": "the same",
    "calendars/issue_526_calendar_with_events.ics": "the same",
    "calendars/issue_526_calendar_with_shuffeled_events.ics": "the same",
    "calendars/end_before_start_event.ics": "an end before the start is no end",
    "calendars/issue_132_swapped_start_and_end.ics": "the same",
    "calendars/issue_18_cancel_status.ics": "a cancelled override is a deleted occurrence",
    "calendars/issue_201_mixed_datetime_and_date.ics": "a day with an end at midnight is a day",
    "calendars/issue_75_range_parameter.ics": "an UNTIL that is a date means all of that day",
    "calendars/issue_178_custom_component_contains_other.ics": "an event within an unknown component is none",
}

#: What icalendar reads differently after we wrote it: lines that break the grammar, which are left out or repaired.
_BROKEN = {
    "calendars/big_bad_calendar.ics",
    "calendars/broken_ical.ics",
    "calendars/fuzz_testcase_0_char_in_component_name.ics",
    "calendars/issue_348_exception_parsing_value.ics",
    "calendars/issue_351_whitespace_in_property_and_params.ics",
    "calendars/pr_480_summary_with_colon.ics",
    "calendars/small_bad_calendar.ics",
    "events/event_with_escaped_character3.ics",
    "events/event_with_escaped_characters.ics",
    "calendars/issue_61_time_zone_error.ics",
}
_SMALL = 60_000  # octets; icalendar takes seconds for larger ones


def _calendars(data: bytes) -> Iterator[Component]:
    """Those of the text; a lone component gets a calendar around it."""
    for component in contentlines.parse(data):
        yield component if component.name == "VCALENDAR" else calendar([component])


def _resources(data: bytes) -> Iterator[Resource]:
    for text in _calendars(data):
        yield from of(text)


@_BOTH
def test_what_was_read_is_written(texts: Texts) -> None:
    for name, data in texts().items():
        found = contentlines.parse(data)
        written = b"".join(map(contentlines.write, found))
        assert contentlines.parse(written) == found, name
        assert max((len(line) for line in written.split(b"\r\n")), default=0) <= 75, name


@_BOTH
def test_icalendar_reads_what_is_written_as_what_was_read(texts: Texts) -> None:
    """An independent reader finds the same properties before and after."""
    compared = 0
    for name, data in texts().items():
        if len(data) > _SMALL:
            continue
        written = b"".join(map(contentlines.write, contentlines.parse(data)))
        try:
            before = icalendar.Calendar.from_ical(data, multiple=True)
        except (ValueError, IndexError, KeyError):
            continue  # icalendar refuses some of its own samples
        after = icalendar.Calendar.from_ical(written, multiple=True)
        same = [_sorted(one) for one in after] == [_sorted(one) for one in before]
        assert same or name in _BROKEN, name
        compared += 1
    assert compared > 80


def _sorted(component: Any) -> list[bytes]:
    """Its lines in any order: components of different kinds may change places."""
    return sorted(component.to_ical().replace(b"\r\n ", b"").split(b"\r\n"))


@_BOTH
def test_every_event_and_task_is_shown(texts: Texts) -> None:
    shown = 0
    for name, data in texts().items():
        for resource in _resources(data):
            event = read.master(resource, "1")
            assert Event.model_validate_json(event.to_json()) == event, name
            shown += 1
        for text in _calendars(data):
            for _, task in tasks.tasks(text):
                assert task.to_json()
    assert shown > 100


@_BOTH
def test_every_event_expands_or_says_why_not(texts: Texts) -> None:
    refused = Counter[type]()
    for name, data in texts().items():
        for resource in _resources(data):
            try:
                found = list(islice(occurrences.between(resource, _FIRST, _LAST), 100))
                read.series_info(resource, "1").to_json()
            except ProviderError as error:
                refused[type(error)] += 1
                continue
            for one in found[:20]:
                event = read.occurrence(resource, one, "1")
                assert Event.model_validate_json(event.to_json()) == event, name
                if one.planned is not None and one.key is not None:
                    again = occurrences.planned_at(resource, one.key)
                    assert again is not None and again.span == one.span, name
    assert refused.keys() <= {Invalid, Unsupported}


def _ours(data: bytes) -> list[tuple[str, str, str]]:
    found = ((resource.uid, one.span) for resource in _resources(data) for one in _between(resource))
    return sorted((uid, _shown(span.start), _shown(span.end)) for uid, span in found)


def _between(resource: Resource) -> Iterator[occurrences.Occurrence]:
    return occurrences.between(resource, _FIRST, _LAST)


def _shown(when: When) -> str:
    return (when.wall if when.all_day else when.moment).isoformat()


@_BOTH
def test_occurrences_are_those_of_recurring_ical_events(texts: Texts) -> None:
    differ, compared = set(), 0
    for name, data in texts().items():
        try:
            theirs = oracle.between(data, _FIRST, _LAST)
        except oracle.Unanswered:
            continue
        try:
            same = _ours(data) == theirs
        except ProviderError:
            same = False
        compared += 1
        if not same:
            differ.add(name)
    assert differ <= _DIFFERENCES.keys(), sorted(differ - _DIFFERENCES.keys())
    assert compared > 60
