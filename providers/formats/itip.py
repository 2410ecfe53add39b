"""iTIP (RFC 5546) as mail parts (RFC 6047): invitations, answers and cancellations for servers that send none, and what
an incoming part is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from providers.formats import contentlines, values
from providers.formats.contentlines import Component, Line
from providers.formats.ical import people
from providers.formats.ical.resource import Resource, calendar, sequence
from providers.formats.ical.write import describe_zones
from providers.formats.meeting_method import meeting_method
from schemas.mail import EmailAddress, MeetingMessageMethod

#: Not sent to others: alarms and private marks are the owner's own.
_PRIVATE = ("VALARM",)


@dataclass(frozen=True, slots=True)
class Invitation:
    """One iTIP message: `method` (REQUEST, REPLY or CANCEL), who gets it, and the iCalendar text."""

    method: str
    recipients: tuple[EmailAddress, ...]
    text: bytes

    @property
    def content_type(self) -> str:
        """The media type of the part."""
        return f"text/calendar; method={self.method}; charset=UTF-8"


def request(resource: Resource, now: datetime, events: Sequence[Component] | None = None) -> Invitation:
    """Invite to the event with all its changed occurrences, or to `events` of it only."""
    found = list(events) if events is not None else _all(resource)
    copies = [_sent(event, now) for event in found]
    return Invitation("REQUEST", _guests(found), _text(resource, "REQUEST", copies))


def cancel(
    resource: Resource,
    now: datetime,
    events: Sequence[Component] | None = None,
    guests: Sequence[EmailAddress] | None = None,
) -> Invitation:
    """Call off the event, `events` of it, or for `guests` only (who were taken off the list). The sequence is one
    higher than the last one sent (RFC 5546 3.2.5)."""
    found = list(events) if events is not None else _all(resource)
    copies = [_cancelled(_sent(event, now)) for event in found]
    if guests is not None:
        kept = {(guest.address or "").lower() for guest in guests}
        for copy in copies:
            copy.put(
                "ATTENDEE", [one for one in copy.all("ATTENDEE") if (people.address_of(one) or "").lower() in kept]
            )
    return Invitation(
        "CANCEL", tuple(guests) if guests is not None else _guests(found), _text(resource, "CANCEL", copies)
    )


def reply(
    resource: Resource, event: Component, own: Sequence[str], now: datetime, comment: str | None = None
) -> Invitation:
    """The account's own answer as it stands in `event`, to the organizer; the sequence stays (RFC 5546 3.2.3)."""
    mine = {address.lower() for address in own}
    copy = _sent(event, now)
    copy.children = []
    copy.put("ATTENDEE", [one for one in copy.all("ATTENDEE") if (people.address_of(one) or "").lower() in mine][:1])
    copy.put("COMMENT", [Line("COMMENT", values.escaped(comment))] if comment else [])
    organizer = people.organizer(event)
    recipients = (organizer.email_address,) if organizer and organizer.email_address else ()
    return Invitation("REPLY", recipients, _text(resource, "REPLY", [copy]))


def _all(resource: Resource) -> list[Component]:
    return [*([resource.master] if resource.master is not None else []), *resource.overrides]


def _sent(event: Component, now: datetime) -> Component:
    copy = event.copy()
    copy.children = [child for child in copy.children if child.name not in _PRIVATE]
    copy.put("DTSTAMP", [Line("DTSTAMP", values.written(now.astimezone(UTC)))])
    if copy.get("SEQUENCE") is None:
        copy.lines.append(Line("SEQUENCE", "0"))
    return copy


def _cancelled(event: Component) -> Component:
    event.put("STATUS", [Line("STATUS", "CANCELLED")])
    event.put("SEQUENCE", [Line("SEQUENCE", str(sequence(event) + 1))])
    return event


def _guests(events: Sequence[Component]) -> tuple[EmailAddress, ...]:
    """Every attendee with an address but the organizer, each once."""
    chairs = {(people.address_of(one) or "").lower() for event in events for one in event.all("ORGANIZER")}
    found: dict[str, EmailAddress] = {}
    for event in events:
        for line in event.all("ATTENDEE"):
            address = people.address_of(line)
            if address and address.lower() not in chairs:
                found.setdefault(address.lower(), people.person(line))
    return tuple(found.values())


def _text(resource: Resource, method: str, events: list[Component]) -> bytes:
    """The zones that are used come along."""
    used = {tzid for event in events for one in event.lines if (tzid := one.parameter("TZID"))}
    zones = [zone for zone in resource.calendar.of("VTIMEZONE") if values.text(zone.value("TZID") or "") in used]
    text = calendar([*zones, *events], method)
    describe_zones(text)
    return contentlines.write(text)


def method_of(named: str | None, data: bytes | None = None) -> MeetingMessageMethod | None:
    """What a text/calendar part is about: its `method` parameter, else the METHOD of its content. None for a part that
    is only an attached calendar. Raises `TooLarge`."""
    if not (named or "").strip() and data is not None:
        texts = (text for text in contentlines.parse(data) if text.name == "VCALENDAR")
        named = next((values.text(text.value("METHOD") or "") for text in texts), None)
    return meeting_method(named)
