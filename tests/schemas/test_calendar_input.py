"""Bad calendar input is refused with the path of the field; good input keeps its meaning."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from schemas.calendar import Event
from schemas.contacts import Contact
from schemas.meetings import AttendeeResponse, MeetingResponse, MeetingResponseType
from schemas.recurrence import RecurrenceSimpleRange
from schemas.schedules import FreeBusyRequest, SuggestMeetingTimesRequest, WeekWorkSchedule

_NOON = {"dateTime": "2026-03-01T12:00:00+01:00", "timezone": "Europe/Berlin"}
_DAY = {"dateOnly": "2026-03-01"}
_ATTENDEE = "meetingInfo.attendees.0"
_HOURS = "daySchedules.0.workingIntervals.0"
_MIDNIGHT, _BEFORE = "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"


def _attending(attendee: dict[str, Any]) -> dict[str, Any]:
    return {"meetingInfo": {"attendees": [attendee]}}


def _pattern(pattern: dict[str, Any]) -> dict[str, Any]:
    return {"recurrence": {"simple": {"pattern": pattern}}}


def _rules(*lines: str) -> dict[str, Any]:
    return {"recurrence": {"ical": {"rules": list(lines)}}}


def _working(interval: dict[str, Any]) -> dict[str, Any]:
    return {"daySchedules": [{"workingIntervals": [interval]}]}


@pytest.mark.parametrize(
    ("model", "body", "path", "words"),
    [
        (Event, {"start": _NOON, "end": {"dateTime": "2026-03-01T10:59:59Z"}}, "end", "is before start"),
        (Event, {"start": _DAY, "end": _DAY}, "end", "exclusive"),
        (Event, {"start": _DAY, "end": {"dateOnly": "2026-02-01"}}, "end", "is before start"),
        (Event, {"start": _DAY, "end": _NOON}, "end", "both have dateOnly"),
        (Event, {"start": _DAY | _NOON}, "start", "exclude each other"),
        (Event, {"start": {"timezone": "Europe/Berlin"}}, "start", "missing"),
        (Event, {"start": {"dateTime": "2026-03-01T12:00:00"}}, "start.dateTime", "timezone info"),
        (Event, {"start": {"dateTime": "9999-12-31T23:59:59-12:00"}}, "start", "year"),
        (Event, {"start": _NOON | {"timezone": "Mars/Olympus"}}, "start.timezone", "IANA"),
        (Event, {"start": _NOON | {"timezone": "../../etc/passwd"}}, "start.timezone", "IANA"),
        (Event, {"subject": "a\x00b"}, "subject", "NUL"),
        (Event, _attending({"type": "required"}), _ATTENDEE, "address: is missing"),
        (Event, _attending({"emailAddress": {"name": "Ann"}}), _ATTENDEE, "address: is missing"),
        (Event, _attending({"emailAddress": {"address": "ann"}}), _ATTENDEE, "not an e-mail"),
        (Event, _pattern({"interval": 0}), "recurrence.simple.pattern.interval", "greater"),
        (Event, _rules("RRULE:FREQ=DAILY\r\nX:1"), "recurrence.ical.rules.0", "single line"),
        (Event, {"showAs": "away"}, "showAs", "free"),
        (FreeBusyRequest, {"timeMin": _MIDNIGHT, "timeMax": _BEFORE}, "timeMax", "before timeMin"),
        (FreeBusyRequest, {"timeMin": _MIDNIGHT, "timeMax": _MIDNIGHT}, "timeMax", "after timeMin"),
        (SuggestMeetingTimesRequest, {"durationMinutes": 0}, "durationMinutes", "greater"),
        (WeekWorkSchedule, _working({"start": "25:00:00"}), f"{_HOURS}.start", "HH:MM:SS"),
        (Contact, {"birthday": "2023-02-29"}, "birthday", "YYYY-MM-DD"),
        (Contact, {"photo": {"content": "not base64!"}}, "photo.content", "Base64"),
    ],
)  # fmt: skip
def test_bad_input_names_its_field(model: type[BaseModel], body: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    (error,) = caught.value.errors()
    assert ".".join(map(str, error["loc"])) == path
    assert words in error["msg"]


def test_a_record_says_its_uid_in_both_spellings() -> None:
    shown = json.loads(Event(id="1", i_cal_uid="u@example.com").to_json())
    assert shown == {"id": "1", "iCalUid": "u@example.com", "iCalUId": "u@example.com"}


def test_the_vendors_spelling_of_tentative_is_understood() -> None:
    assert MeetingResponse.model_validate({"response": "tentitive"}).response is MeetingResponseType.TENTATIVE
    assert AttendeeResponse("tentitive") is AttendeeResponse.TENTATIVE
    assert json.loads(MeetingResponse(response=MeetingResponseType.TENTATIVE).to_json()) == {"response": "tentative"}


def test_a_meeting_of_no_length_and_a_day_are_fine() -> None:
    assert Event.model_validate({"start": _NOON, "end": _NOON}).end is not None
    assert Event.model_validate({"start": _DAY, "end": {"dateOnly": "2026-03-02"}}).end is not None


def test_the_wall_time_is_that_of_the_zone_whatever_the_offset_given() -> None:
    event = Event.model_validate({"start": {"dateTime": "2026-07-01T08:00:00-05:00", "timezone": "Asia/Kathmandu"}})
    assert event.start is not None
    assert str(event.start.wall) == "2026-07-01 18:45:00"
    assert json.loads(event.to_json())["start"] == {"dateTime": "2026-07-01T13:00:00Z", "timezone": "Asia/Kathmandu"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1980-02-29", "1980-02-29"),
        ("--02-29", "--02-29"),
        ("0000-02-29", "--02-29"),
        ("1980-05-04T00:00:00Z", "1980-05-04"),
    ],
)
def test_birthdays_have_a_date_and_maybe_a_year(given: str, kept: str) -> None:
    assert Contact(birthday=given).birthday == kept


def test_the_end_of_a_recurrence_is_a_date_even_where_a_moment_was_sent() -> None:
    given = RecurrenceSimpleRange.model_validate({"recurrenceEnd": "2026-04-01T00:00:00Z"})
    assert str(given.recurrence_end) == "2026-04-01"
