"""What a meeting's event says: sealed with the claim, written into the host's calendar afterwards."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.identity import Account
from gateway.services.booking.profile import Profile
from gateway.services.booking.templates import filled, is_markup, substitutes
from gateway.store.meeting_values import Meeting
from providers.base.ports import EventWrite
from schemas.booking import CreateMeetingDto, SchedulerInfo
from schemas.calendar import Event, ShowAs
from schemas.mail import BodyType, EmailAddress
from schemas.meetings import Attendee, AttendeeType, MeetingInfo
from schemas.when import EventDateTime

_SUBJECT = "Meeting"
_MOST = 500  # characters of a title

Plan = Mapping[str, Any]  # JSON


def plan(profile: Profile, body: CreateMeetingDto, links: Mapping[str, str]) -> Plan:
    """The texts with their variables replaced, and whom to invite. Raises `Invalid` with the path of a missing one."""
    says, values = profile.says, substitutes(profile.says, body, links)
    booker, markup = body.booker, is_markup(profile.says.description or "")
    fallback = f"{_SUBJECT}: {booker.name}" if booker.name else _SUBJECT
    guests = [person for person in (booker, *(body.invitees or ())) if person.email]
    return {
        "subject": (filled(says.subject, values, one_line=True) or fallback)[:_MOST],
        "description": filled(says.description, values, markup=markup),
        "markup": markup,
        "location": filled(says.location, values, one_line=True) or None,
        "conference": bool(says.start_conference),
        "zone": profile.zone.key,
        "guests": [{"email": person.email, "name": person.name} for person in _once(guests)],
        "request": body.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def event_write(plan: Plan, meeting: Meeting, colleagues: Sequence[Account], *, conference: bool = True) -> EventWrite:
    """The event of a meeting, with its fixed UID; `colleagues` meet too, without being hosts."""
    zone = plan["zone"]
    people = [*(_attendee(**guest) for guest in plan["guests"])]
    known = {guest["email"].lower() for guest in plan["guests"]}
    people += [_attendee(each.email, each.name) for each in colleagues if each.email.lower() not in known]
    online = bool(plan["conference"]) and conference
    info = MeetingInfo(attendees=people or None, online_meeting=online or None)
    event = Event(
        subject=plan["subject"],
        description=plan["description"] or None,
        location=plan["location"],
        start=EventDateTime(date_time=meeting.starts_at, timezone=zone),
        end=EventDateTime(date_time=meeting.ends_at, timezone=zone),
        show_as=ShowAs.BUSY,
        meeting_info=info if people or online else None,
    )
    given = {name: getattr(event, name) for name in event.model_fields_set if getattr(event, name) is not None}
    body_type = BodyType.HTML if plan["markup"] else BodyType.TEXT
    return EventWrite(Event(**given), notify=True, body_type=body_type, uid=meeting.uid)


def moved_write(plan: Plan, meeting: Meeting) -> EventWrite:
    """What changes when the meeting is moved."""
    zone = plan["zone"]
    start = EventDateTime(date_time=meeting.new_starts_at, timezone=zone)
    return EventWrite(Event(start=start, end=EventDateTime(date_time=meeting.new_ends_at, timezone=zone)))


def request(plan: Plan) -> CreateMeetingDto:
    """What whoever booked asked for."""
    return CreateMeetingDto.model_validate(plan["request"])


def _attendee(email: str, name: str | None) -> Attendee:
    return Attendee(email_address=EmailAddress(address=email, name=name), type=AttendeeType.REQUIRED)


def _once(people: Sequence[SchedulerInfo]) -> list[SchedulerInfo]:
    return list({(person.email or "").lower(): person for person in reversed(people)}.values())[::-1]
