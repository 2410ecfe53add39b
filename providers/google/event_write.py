"""Events as callers write them -> bodies for Google's insert and patch, as pure functions.

Not kept by Google: `outOfOffice` (a kind of event there, which stays busy), `personal` (becomes private), categories.
`tentative` becomes the event's status. A list of attendees replaces the old one; the answers of those who stay, stay.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from providers.base.errors import Invalid
from providers.base.ports import EventWrite
from providers.formats.text import text_to_html
from providers.google import event_times
from schemas.calendar import Event, Reminder, ShowAs
from schemas.mail import BodyType, Sensitivity
from schemas.meetings import Attendee, AttendeePermission, AttendeeType, MeetingInfo

Json = Mapping[str, Any]
_VISIBILITY = {
    Sensitivity.NORMAL: "default",
    Sensitivity.PRIVATE: "private",
    Sensitivity.PERSONAL: "private",
    Sensitivity.CONFIDENTIAL: "confidential",
}
_MAX_OVERRIDES, _MAX_MINUTES = 5, 40_320
_PLAIN = {"subject": "summary", "location": "location"}


def body(write: EventWrite, raw: Json) -> dict[str, Any]:
    """What changes; `raw` is the event as it is, empty for a new one. Raises `Invalid` with the path."""
    event, names = write.event, write.event.model_fields_set
    found: dict[str, Any] = {name: getattr(event, field) for field, name in _PLAIN.items() if field in names}
    if "description" in names:
        found["description"] = _description(event.description, write.body_type)
    if {"start", "end"} & names or not raw:
        start, end = event_times.moved(raw, event.start, event.end)
        found |= {"start": event_times.write(start), "end": event_times.write(end)}
    if "recurrence" in names:
        found["recurrence"] = _recurrence(event, raw)
    if "show_as" in names:
        found |= _show_as(event.show_as)
    if "sensitivity" in names:
        found["visibility"] = _VISIBILITY.get(event.sensitivity or Sensitivity.NORMAL)
    if "reminder" in names:
        found["reminders"] = _reminders(event.reminder)
    if "meeting_info" in names:
        found |= _meeting(event.meeting_info, raw)
    return found if raw else {name: _dense(value) for name, value in found.items() if value is not None}


def _dense(value: Any) -> Any:
    return {name: part for name, part in value.items() if part is not None} if isinstance(value, dict) else value


def _description(text: str | None, body_type: BodyType) -> str | None:
    """Text that would be taken for HTML is written as such."""
    if text is None or body_type is BodyType.HTML or "<" not in text:
        return text
    return text_to_html(text)


def _recurrence(event: Event, raw: Json) -> list[str] | None:
    if event.recurrence is None:
        return None
    if raw.get("recurringEventId"):
        raise Invalid("an occurrence has no recurrence of its own", path="recurrence")
    start = event.start or event_times.read(raw.get("start"))
    if start is None:
        raise Invalid("is required", path="start")
    return event_times.rules_of(event.recurrence, start, event_times.recurrence(raw))


def _show_as(value: ShowAs | None) -> dict[str, Any]:
    transparency = "transparent" if value is ShowAs.FREE else "opaque"
    return {"transparency": transparency, "status": "tentative" if value is ShowAs.TENTATIVE else "confirmed"}


def _reminders(reminder: Reminder | None) -> dict[str, Any]:
    if reminder is None or (reminder.use_default and not reminder.overrides):
        return {"useDefault": reminder is None or bool(reminder.use_default), "overrides": []}
    overrides = reminder.overrides or []
    if len(overrides) > _MAX_OVERRIDES:
        raise Invalid(f"Google keeps at most {_MAX_OVERRIDES}", path="reminder.overrides")
    for number, one in enumerate(overrides):
        if one.minutes is None or not 0 <= one.minutes <= _MAX_MINUTES:
            message = f"Google takes 0 to {_MAX_MINUTES} minutes before the start"
            raise Invalid(message, path=f"reminder.overrides.{number}.minutes")
    return {"useDefault": False, "overrides": [{"method": "popup", "minutes": one.minutes} for one in overrides]}


def _meeting(info: MeetingInfo | None, raw: Json) -> dict[str, Any]:
    if info is None:
        return {"attendees": []}
    found: dict[str, Any] = {}
    if "attendees" in info.model_fields_set:
        if raw.get("attendeesOmitted"):
            raise Invalid(
                "Google did not name all attendees: the list cannot be replaced", path="meetingInfo.attendees"
            )
        found["attendees"] = _attendees(info.attendees or [], raw.get("attendees") or ())
    if info.attendee_permissions is not None:
        allowed = set(info.attendee_permissions)
        found |= {
            "guestsCanInviteOthers": AttendeePermission.INVITE_OTHERS in allowed,
            "guestsCanModify": AttendeePermission.MODIFY in allowed,
            "guestsCanSeeOtherGuests": AttendeePermission.SEE_OTHERS in allowed,
        }
    if info.online_meeting and not raw.get("conferenceData"):
        key = {"type": info.online_meeting_provider or "hangoutsMeet"}
        found["conferenceData"] = {"createRequest": {"requestId": uuid.uuid4().hex, "conferenceSolutionKey": key}}
    return found


def _attendees(wanted: Sequence[Attendee], known: Sequence[Json]) -> list[dict[str, Any]]:
    by_address = {str(one.get("email", "")).lower(): one for one in known}
    people = []
    for number, one in enumerate(wanted):
        address = (one.email_address and one.email_address.address) or ""
        if not address:
            raise Invalid("Google invites by addresses", path=f"meetingInfo.attendees.{number}.emailAddress.address")
        old = by_address.get(address.lower(), {})
        person = {name: old[name] for name in ("responseStatus", "comment", "additionalGuests") if name in old}
        person |= {"email": address, "optional": one.type is AttendeeType.OPTIONAL}
        if one.email_address and one.email_address.name:
            person["displayName"] = one.email_address.name
        if one.type is AttendeeType.RESOURCE:
            person["resource"] = True
        people.append(person)
    return people
