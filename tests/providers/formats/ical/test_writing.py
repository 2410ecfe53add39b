"""Events are written as the body says, and nothing else of a text changes."""

from datetime import UTC, date, datetime
from typing import Any

import icalendar
import pytest

from providers.base.errors import Denied, Invalid
from providers.formats import contentlines, values
from providers.formats.ical import exceptions, occurrences, read
from providers.formats.ical.resource import Resource, resources
from providers.formats.ical.write import create, update
from schemas.calendar import Event, RecurrenceType
from schemas.mail import BodyType, EmailAddress
from schemas.meetings import MeetingResponseType

_NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
_OWN = EmailAddress(name="Ann", address="ann@example.com")
_YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)

_TEXT = b"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Apple Inc.//macOS 14.0//EN
X-OWN:kept,as;it\\,is
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:series@example.com
DTSTAMP:20260101T000000Z
DTSTART;TZID=W. Europe Standard Time:20260323T090000
DTEND;TZID=W. Europe Standard Time:20260323T100000
RRULE:FREQ=WEEKLY;UNTIL=20260511T070000Z
EXDATE;TZID=W. Europe Standard Time:20260406T090000
SUMMARY:Stand-up
SEQUENCE:3
ORGANIZER;CN=Bob:mailto:bob@example.com
ATTENDEE;CN=Ann;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;X-NUM-GUESTS=0:mailto:ann@example.com
ATTENDEE;CN="Room, 4";CUTYPE=ROOM;PARTSTAT=ACCEPTED:mailto:room@example.com
X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC
BEGIN:VALARM
ACTION:AUDIO
TRIGGER:-PT15M
X-WR-ALARMUID:A
END:VALARM
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:x
TRIGGER:-PT1H
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:series@example.com
DTSTAMP:20260101T000000Z
RECURRENCE-ID;TZID=W. Europe Standard Time:20260413T090000
DTSTART;TZID=W. Europe Standard Time:20260414T150000
DTEND;TZID=W. Europe Standard Time:20260414T160000
SUMMARY:Stand-up, moved
SEQUENCE:3
END:VEVENT
END:VCALENDAR
"""


def _series() -> Resource:
    (resource,) = resources(_TEXT)
    return resource


def _again(resource: Resource) -> Resource:
    """As it is read back, by us and by icalendar."""
    written = contentlines.write(resource.calendar)
    parsed = icalendar.Calendar.from_ical(written)
    assert not [error for component in parsed.walk() for error in component.errors]
    (found,) = resources(written)
    return found


def _body(**fields: Any) -> Event:
    return Event.model_validate(fields)


def _at(moment: str, zone: str = "Europe/Berlin") -> dict[str, str]:
    return {"dateTime": moment, "timezone": zone}


def _starts(resource: Resource) -> list[str]:
    found = (one.span.start.wall for one in occurrences.between(resource, *_YEAR))
    return sorted(f"{wall:%m-%d %H:%M}" for wall in found)


def test_the_series_is_understood() -> None:
    assert _starts(_series()) == [
        "03-23 09:00", "03-30 09:00", "04-14 15:00", "04-20 09:00", "04-27 09:00", "05-04 09:00", "05-11 09:00",
    ]  # fmt: skip
    info = read.series_info(_series(), "7")
    assert [one.id for one in info.modified_occurrences or ()] == ["7_20260413T070000Z"]
    assert [str(one.original_start.wall) for one in info.deleted_occurrences or () if one.original_start] == [
        "2026-04-06 09:00:00"
    ]
    event = read.master(_series(), "7", read.View(own=("ANN@example.com",)))
    assert event.recurrence_type is RecurrenceType.MASTER
    assert event.start is not None and event.start.timezone == "Europe/Berlin"
    assert event.meeting_info is not None and event.meeting_info.response is MeetingResponseType.NO_RESPONSE
    assert [one.minutes for one in (event.reminder and event.reminder.overrides) or ()] == [15, 60]
    assert event.recurrence is not None and event.recurrence.simple is not None


def test_a_change_touches_what_it_names_only() -> None:
    resource = _series()
    update(resource, _body(subject="Daily, really; yes\nno"), _NOW)
    written = contentlines.write(resource.calendar).decode().replace("\r\n ", "").split("\r\n")
    before, after = set(_TEXT.decode().split("\n")), set(written)
    assert before - after == {"SUMMARY:Stand-up"}
    assert after - before == {
        "SUMMARY:Daily\\, really\\; yes\\nno", "DTSTAMP:20260201T120000Z", "LAST-MODIFIED:20260201T120000Z",
    }  # fmt: skip
    assert read.master(_again(resource), "7").subject == "Daily, really; yes\nno"


def test_a_later_start_takes_everything_along() -> None:
    resource = _series()
    update(resource, _body(start=_at("2026-03-23T11:30:00+01:00")), _NOW)
    again = _again(resource)
    assert _starts(again) == [
        "03-23 11:30", "03-30 11:30", "04-14 15:00", "04-20 11:30", "04-27 11:30", "05-04 11:30", "05-11 11:30",
    ]  # fmt: skip
    assert again.main.value("SEQUENCE") == "4"
    assert again.span is not None and again.span.end.wall == datetime(2026, 3, 23, 12, 30)


def test_another_zone_keeps_the_wall_time_there() -> None:
    resource = _series()
    update(resource, _body(start=_at("2026-03-23T09:00:00-04:00", "America/New_York")), _NOW)
    again = _again(resource)
    assert again.span is not None and again.span.start.zone.name == "America/New_York"
    assert {wall[6:] for wall in _starts(again)} == {"09:00", "15:00"}
    assert values.text(again.calendar.of("VTIMEZONE")[0].value("TZID") or "") == "America/New_York"


def test_a_series_of_days() -> None:
    resource = _series()
    update(resource, _body(start={"dateOnly": "2026-03-23"}, end={"dateOnly": "2026-03-24"}), _NOW)
    again = _again(resource)
    assert again.overrides == []
    assert again.main.value("RRULE") == "FREQ=WEEKLY;UNTIL=20260511"
    assert len(_starts(again)) == 8


def test_no_recurrence_leaves_a_single_event() -> None:
    resource = _series()
    update(resource, _body(recurrence=None), _NOW)
    again = _again(resource)
    assert read.master(again, "7").recurrence_type is RecurrenceType.SINGLE
    assert _starts(again) == ["03-23 09:00"]


def test_another_pattern_keeps_what_still_fits() -> None:
    resource = _series()
    simple = {"pattern": {"frequency": "daily"}, "range": {"type": "byDate", "recurrenceEnd": "2026-04-14"}}
    update(resource, _body(recurrence={"simple": simple}), _NOW)
    again = _again(resource)
    assert "04-06 09:00" not in _starts(again)  # still deleted
    assert "04-13 09:00" not in _starts(again) and "04-14 15:00" in _starts(again)  # still moved
    assert len(_starts(again)) == 23 - 1


def test_of_two_notations_the_changed_one_counts() -> None:
    record = read.master(_series(), "7").model_dump(by_alias=True, mode="json")["recurrence"]
    simple_changed, rules_changed = _series(), _series()
    update(simple_changed, _body(recurrence=record | {"simple": {"pattern": {"frequency": "daily"}}}), _NOW)
    assert simple_changed.main.value("RRULE") == "FREQ=DAILY"
    update(rules_changed, _body(recurrence=record | {"ical": {"rules": ["RRULE:FREQ=MONTHLY"]}}), _NOW)
    assert rules_changed.main.value("RRULE") == "FREQ=MONTHLY"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("RRULE:FREQ=SECONDLY", "SECONDLY"),
        ("RRULE:FREQ=MINUTELY;INTERVAL=5", "MINUTELY"),
        ("RRULE:FREQ=DAILY;COUNT=1000000000", "COUNT"),
        ("RRULE:FREQ=DAILY;COUNT=3;UNTIL=20270101", "exclude"),
        ("RRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5,6,7,8,9,10;BYMINUTE=1,2,3,4,5,6,7,8,9,10", "a day"),
        ("DTSTART:20260101T000000", "must be"),
        ("EXDATE:tomorrow", "no date"),
        ("nonsense", "must be"),
    ],
)
def test_rules_that_are_not_accepted_name_their_place(rule: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        update(_series(), _body(recurrence={"ical": {"rules": ["RRULE:FREQ=DAILY", rule]}}), _NOW)
    assert caught.value.path == "recurrence.ical.rules.1"


def test_reminders_that_stay_are_not_touched() -> None:
    resource = _series()
    update(resource, _body(reminder={"overrides": [{"minutes": 15}, {"minutes": 1440}]}), _NOW)
    alarms = _again(resource).main.of("VALARM")
    assert [alarm.value("TRIGGER") for alarm in alarms] == ["-PT15M", "-P1D"]
    assert alarms[0].value("X-WR-ALARMUID") == "A"


def test_attendees_that_stay_keep_their_answers() -> None:
    resource = _series()
    people = [
        {"emailAddress": {"address": "ROOM@example.com"}, "response": "declined"},
        {"emailAddress": {"address": "cid@example.com", "name": 'C "the" D, Jr.'}, "type": "optional"},
    ]
    update(resource, _body(meetingInfo={"attendees": people}), _NOW)
    found = (read.master(_again(resource), "7").meeting_info or pytest.fail()).attendees or []
    assert [(one.email_address and one.email_address.address, one.type, one.response) for one in found] == [
        ("room@example.com", "resource", "accepted"),
        ("cid@example.com", "optional", None),
    ]
    assert found[1].email_address is not None and found[1].email_address.name == 'C "the" D, Jr.'


def test_one_occurrence_is_changed_and_another_deleted() -> None:
    resource = _series()
    first = occurrences.planned_at(resource, "2026-03-30")
    assert first is not None
    exceptions.update_occurrence(resource, first, _body(subject="Other", start=_at("2026-03-31T08:00:00Z")), _NOW)
    resource = _again(resource)
    assert "03-31 10:00" in _starts(resource) and "03-30 09:00" not in _starts(resource)
    moved = occurrences.planned_at(resource, "2026-04-13T09:00:00+02:00")
    assert moved is not None and exceptions.delete_occurrence(resource, moved, _NOW)
    assert occurrences.planned_at(_again(resource), "2026-04-13") is None
    assert _starts(_again(resource)) == [
        "03-23 09:00", "03-31 10:00", "04-20 09:00", "04-27 09:00", "05-04 09:00", "05-11 09:00",
    ]  # fmt: skip


def test_an_answer_changes_the_own_line_only() -> None:
    resource = _series()
    exceptions.respond(resource, ["ann@example.com"], MeetingResponseType.TENTATIVE, _NOW)
    line = _again(resource).main.all("ATTENDEE")[0]
    assert (line.parameter("PARTSTAT"), line.parameter("X-NUM-GUESTS")) == ("TENTATIVE", "0")
    assert resource.main.value("SEQUENCE") == "3"
    with pytest.raises(Denied):
        exceptions.respond(resource, ["zoe@example.com"], MeetingResponseType.ACCEPTED, _NOW)


def test_a_new_event() -> None:
    body = _body(
        subject="Lunch",
        description="<p>Menu</p>",
        start=_at("2026-10-25T00:30:00Z"),
        end=_at("2026-10-25T02:30:00Z"),
        showAs="tentative",
        sensitivity="private",
        meetingInfo={"attendees": [{"emailAddress": {"address": "bob@example.com"}}]},
        recurrence={"simple": {"pattern": {"frequency": "weekly"}, "range": {"type": "byCount", "count": 3}}},
    )
    again = _again(create(body, "u1", _NOW, _OWN, BodyType.HTML))
    event = read.master(again, "1", read.View(own=("ann@example.com",)))
    assert (event.subject, event.description, event.show_as, event.sensitivity) == (
        "Lunch",
        "Menu",
        "tentative",
        "private",
    )
    assert read.master(again, "1", read.View(body_type=BodyType.HTML)).description == "<p>Menu</p>"
    assert event.start == body.start and event.end == body.end
    assert event.organizer is not None and event.organizer.email_address == _OWN
    assert len(_starts(again)) == 3


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"subject": "x"}, "start"),
        ({"start": _at("2026-01-01T10:00:00Z"), "recurrence": {}}, "recurrence"),
    ],
)
def test_a_new_event_needs(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        create(_body(**fields), "u1", _NOW)
    assert caught.value.path == path


def test_an_end_alone_must_be_after_the_start() -> None:
    with pytest.raises(Invalid) as caught:
        update(_series(), _body(end=_at("2026-03-23T07:00:00Z")), _NOW)
    assert caught.value.path == "end"


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        # 02:30 does not exist on 29 March: it is 03:30, and the length stays
        ("Europe/Berlin", date(2026, 3, 29), ("2026-03-29T01:30:00+00:00", "2026-03-29T02:00:00+00:00")),
        # 02:30 comes twice on 25 October: the first one
        ("Europe/Berlin", date(2026, 10, 25), ("2026-10-25T00:30:00+00:00", "2026-10-25T02:00:00+00:00")),
        ("Europe/Berlin", date(2026, 7, 1), ("2026-07-01T00:30:00+00:00", "2026-07-01T01:00:00+00:00")),
    ],
)
def test_wall_times_over_changes_of_the_clock(zone: str, day: date, expected: tuple[str, str]) -> None:
    text = f"""BEGIN:VCALENDAR
BEGIN:VEVENT
UID:u
DTSTART;TZID={zone}:20260101T023000
DTEND;TZID={zone}:20260101T030000
RRULE:FREQ=DAILY
END:VEVENT
END:VCALENDAR"""
    (resource,) = resources(text.encode())
    found = occurrences.planned_at(resource, day.isoformat())
    assert found is not None
    assert (found.span.start.moment.isoformat(), found.span.end.moment.isoformat()) == expected


def test_the_window_is_exclusive_at_both_ends() -> None:
    (resource,) = resources(
        b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTART:20260101T100000Z\nDTEND:20260101T110000Z\nEND:VEVENT\nEND:VCALENDAR"
    )

    def inside(first: int, last: int) -> int:
        return len(list(occurrences.between(resource, _YEAR[0].replace(hour=first), _YEAR[0].replace(hour=last))))

    assert [inside(11, 12), inside(9, 10), inside(9, 11), inside(10, 12)] == [0, 0, 1, 1]
