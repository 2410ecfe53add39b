"""Google's events -> the contract's, as pure functions.

Lost on the way: an occurrence that was changed without being moved is told as regular by windows and single reads
(Google's instances do not say; `series` knows). Categories, which Google has not. Attachments are links to Drive.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from providers.base.ports import EventView
from providers.formats.text import html_to_text
from providers.google.event_times import read, recurrence
from schemas.calendar import Event, EventOmitted, RecurrenceType, Reminder, ReminderOverride, ShowAs
from schemas.mail import BodyType, EmailAddress, EmailAttachment, Sensitivity
from schemas.meetings import (
    Attendee,
    AttendeePermission,
    AttendeeResponse,
    AttendeeType,
    MeetingInfo,
    MeetingResponseType,
    OnlineMeetingDetails,
    Organizer,
)
from schemas.outgoing import is_address
from schemas.recurrence import OccurrenceInfo, OccurrenceType

Json = Mapping[str, Any]
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_SENSITIVITY = {"private": Sensitivity.PRIVATE, "confidential": Sensitivity.CONFIDENTIAL, "public": Sensitivity.NORMAL}
_RESPONSES = {
    "accepted": AttendeeResponse.ACCEPTED,
    "tentative": AttendeeResponse.TENTATIVE,
    "declined": AttendeeResponse.DECLINED,
}


def event(raw: Json, calendar: str, view: EventView) -> Event:
    """An event, a master or an occurrence."""
    attached = _attachments(raw)
    return Event(
        id=raw["id"],
        etag=etag(raw),
        calendar_id=calendar,
        created_time=_instant(raw.get("created")),
        last_modified_time=_instant(raw.get("updated")),
        subject=raw.get("summary"),
        description=_description(raw.get("description"), view),
        location=raw.get("location"),
        start=read(raw.get("start")),
        end=read(raw.get("end")),
        organizer=_organizer(raw.get("organizer")),
        meeting_info=_meeting(raw),
        recurrence_type=_kind(raw),
        recurrence=recurrence(raw),
        occurrence_info=occurrence(raw, _type(raw)) if raw.get("recurringEventId") else None,
        i_cal_uid=raw.get("iCalUID"),
        show_as=_show_as(raw),
        sensitivity=_SENSITIVITY.get(raw.get("visibility", "")),
        html_link=raw.get("htmlLink"),
        has_attachments=bool(attached),
        attachments=attached or None,
        omitted=[EventOmitted.ATTENDEES] if raw.get("attendeesOmitted") else None,
        reminder=_reminder(raw.get("reminders")),
        native_properties=_native(raw, view),
    )


def etag(raw: Json) -> str | None:
    """Without the quotes."""
    value = raw.get("etag")
    return str(value).strip('"') if value else None


def occurrence(raw: Json, kind: OccurrenceType) -> OccurrenceInfo:
    """Where an instance stands in its series."""
    return OccurrenceInfo(
        id=raw["id"],
        type=kind,
        original_start=read(raw.get("originalStartTime")),
        start=read(raw.get("start")),
        master_id=raw.get("recurringEventId"),
    )


def _type(raw: Json) -> OccurrenceType:
    moved = read(raw.get("start")) != read(raw.get("originalStartTime"))
    return OccurrenceType.MODIFIED if moved else OccurrenceType.REGULAR


def _kind(raw: Json) -> RecurrenceType:
    if raw.get("recurringEventId"):
        return RecurrenceType.OCCURRENCE
    return RecurrenceType.MASTER if raw.get("recurrence") else RecurrenceType.SINGLE


def _instant(value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if value else None
    except ValueError:
        return None


def _description(text: str | None, view: EventView) -> str | None:
    """Google keeps one text that may be HTML."""
    if text is None or view.body_type is BodyType.HTML or not _TAG.search(text):
        return text
    return html_to_text(text)


def _person(raw: Json) -> EmailAddress:
    address = raw.get("email")
    sound = address if address and is_address(address) else None
    return EmailAddress(name=raw.get("displayName"), address=sound, raw=None if sound else address or raw.get("id"))


def _organizer(raw: Json | None) -> Organizer | None:
    return Organizer(email_address=_person(raw)) if raw else None


def _meeting(raw: Json) -> MeetingInfo | None:
    people = raw.get("attendees") or ()
    details = conference(raw)
    cancelled = raw.get("status") == "cancelled"
    if not (people or details or cancelled):
        return None
    return MeetingInfo(
        canceled=cancelled,
        attendees=[_attendee(one) for one in people if one.get("email") or one.get("id")] or None,
        response=_response(raw, people),
        attendee_permissions=_permissions(raw) if people else None,
        online_meeting_provider=_provider(raw) if details else None,
        online_meeting_details=details,
    )


def _attendee(raw: Json) -> Attendee:
    kind = AttendeeType.RESOURCE if raw.get("resource") else AttendeeType.REQUIRED
    return Attendee(
        email_address=_person(raw),
        type=AttendeeType.OPTIONAL if raw.get("optional") else kind,
        response=_RESPONSES.get(raw.get("responseStatus", "")),
        comment=raw.get("comment"),
    )


def _response(raw: Json, people: Any) -> MeetingResponseType | None:
    """The account's own; an organizer comes."""
    own = next((one for one in people if one.get("self")), None)
    if own is not None and own.get("responseStatus") in _RESPONSES:
        return MeetingResponseType(own["responseStatus"])
    if (raw.get("organizer") or {}).get("self"):
        return MeetingResponseType.ACCEPTED
    return MeetingResponseType.NO_RESPONSE if own is not None else None


def _permissions(raw: Json) -> list[AttendeePermission]:
    allowed = {
        AttendeePermission.INVITE_OTHERS: raw.get("guestsCanInviteOthers", True),
        AttendeePermission.MODIFY: raw.get("guestsCanModify", False),
        AttendeePermission.SEE_OTHERS: raw.get("guestsCanSeeOtherGuests", True),
    }
    return [permission for permission, is_allowed in allowed.items() if is_allowed]


def conference(raw: Json) -> OnlineMeetingDetails | None:
    """How to join."""
    points = (raw.get("conferenceData") or {}).get("entryPoints") or ()
    by_kind: dict[str, Json] = {}
    for point in points:
        by_kind.setdefault(str(point.get("entryPointType")), point)
    url = by_kind.get("video", {}).get("uri") or raw.get("hangoutLink")
    phone = by_kind.get("phone", {})
    if not (url or phone):
        return None
    return OnlineMeetingDetails(
        url=url,
        phone=str(phone["uri"]).removeprefix("tel:") if phone.get("uri") else None,
        pin=phone.get("pin"),
        region_code=phone.get("regionCode"),
        sip=by_kind.get("sip", {}).get("uri"),
        info_url=by_kind.get("more", {}).get("uri"),
    )


def _provider(raw: Json) -> str:
    kind = ((raw.get("conferenceData") or {}).get("conferenceSolution") or {}).get("key", {}).get("type")
    return str(kind or "hangoutsMeet")


def _show_as(raw: Json) -> ShowAs:
    if raw.get("eventType") == "outOfOffice":
        return ShowAs.OUT_OF_OFFICE
    if raw.get("transparency") == "transparent":
        return ShowAs.FREE
    return ShowAs.TENTATIVE if raw.get("status") == "tentative" else ShowAs.BUSY


def _reminder(raw: Json | None) -> Reminder | None:
    if raw is None:
        return None
    overrides = [ReminderOverride(minutes=one.get("minutes")) for one in raw.get("overrides") or ()]
    return Reminder(use_default=raw.get("useDefault"), overrides=overrides or None)


def _attachments(raw: Json) -> list[EmailAttachment]:
    return [
        EmailAttachment(
            id=str(one.get("fileId") or number),
            name=one.get("title"),
            mime_type=one.get("mimeType"),
            content_location=one.get("fileUrl"),
        )
        for number, one in enumerate(raw.get("attachments") or ())
    ]


def _native(raw: Json, view: EventView) -> dict[str, str] | None:
    """Extended properties, and plain fields of Google's event, by their names."""
    extended = raw.get("extendedProperties") or {}
    known = {**(extended.get("shared") or {}), **(extended.get("private") or {})}
    found = {name: known.get(name, raw.get(name)) for name in view.native_properties}
    return {name: value for name, value in found.items() if isinstance(value, str)} or None
