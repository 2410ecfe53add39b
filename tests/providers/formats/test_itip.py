"""Meeting messages for servers that send none themselves (RFC 5546, RFC 6047)."""

import icalendar

from providers.formats import contentlines, itip
from providers.formats.contentlines import Component
from providers.formats.ical import exceptions, occurrences
from schemas.mail import MeetingMessageMethod
from schemas.meetings import MeetingResponseType
from tests.providers.formats.ical.test_writing import _NOW, _series


def _sent(message: itip.Invitation) -> list[Component]:
    """The events of a message, which icalendar reads without an error and whose every zone is described."""
    parsed = icalendar.Calendar.from_ical(message.text)
    assert parsed["METHOD"] == message.method
    assert not [error for component in parsed.walk() for error in component.errors]
    (text,) = contentlines.parse(message.text)
    zones = {zone.value("TZID") for zone in text.of("VTIMEZONE")}
    events = text.of("VEVENT")
    assert {line.parameter("TZID") for event in events for line in event.lines} - {None} <= zones
    assert itip.method_of(None, message.text) is MeetingMessageMethod(message.method.lower())
    return events


def test_a_request_has_the_series_and_its_changes_without_alarms() -> None:
    message = itip.request(_series(), _NOW)
    events = _sent(message)
    assert [event.get("RECURRENCE-ID") is not None for event in events] == [False, True]
    assert not [child for event in events for child in event.children]
    assert [guest.address for guest in message.recipients] == ["ann@example.com", "room@example.com"]
    assert message.content_type == "text/calendar; method=REQUEST; charset=UTF-8"
    assert {event.value("DTSTAMP") for event in events} == {"20260201T120000Z"}
    assert [event.value("SEQUENCE") for event in events] == ["3", "3"]


def test_a_cancellation_is_newer_than_what_it_cancels() -> None:
    events = _sent(itip.cancel(_series(), _NOW))
    assert {event.value("STATUS") for event in events} == {"CANCELLED"}
    assert {event.value("SEQUENCE") for event in events} == {"4"}


def test_one_occurrence_is_called_off() -> None:
    resource = _series()
    found = occurrences.planned_at(resource, "2026-04-20")
    assert found is not None
    (event,) = _sent(itip.cancel(resource, _NOW, [exceptions.standalone(found)]))
    planned = event.get("RECURRENCE-ID")
    assert planned is not None and planned.value == "20260420T090000"
    assert event.get("RRULE") is None


def test_who_is_taken_off_the_list_is_told() -> None:
    guests = itip.request(_series(), _NOW).recipients[1:]
    message = itip.cancel(_series(), _NOW, guests=guests)
    assert [guest.address for guest in message.recipients] == ["room@example.com"]
    assert [len(event.all("ATTENDEE")) for event in _sent(message)] == [1, 0]


def test_a_reply_says_the_own_answer_to_the_organizer() -> None:
    resource = _series()
    event = exceptions.respond(resource, ["ann@example.com"], MeetingResponseType.DECLINED, _NOW)
    message = itip.reply(resource, event, ["ann@example.com"], _NOW, "Away; sorry")
    (sent,) = _sent(message)
    assert [guest.address for guest in message.recipients] == ["bob@example.com"]
    (line,) = sent.all("ATTENDEE")
    assert line.parameter("PARTSTAT") == "DECLINED"
    assert (sent.value("SEQUENCE"), sent.value("COMMENT")) == ("3", "Away\\; sorry")
