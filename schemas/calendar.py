"""Calendars and events (contract: tags Calendars, Events, CalendarSync)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from schemas.base import HeaderText, Instant, Model, Text
from schemas.mail import EmailAttachment, Sensitivity
from schemas.meetings import MeetingInfo, OnlineMeetingDetails, Organizer
from schemas.recurrence import OccurrenceInfo, Recurrence
from schemas.when import EventDateTime, in_order

_READ_ONLY = {"readOnly": True}


class CalendarMode(StrEnum):
    """Calendar family to list (Office365 only)."""

    USER = "user"
    GROUP = "group"


class ShowAs(StrEnum):
    """Availability shown for an interval."""

    FREE = "free"
    BUSY = "busy"
    TENTATIVE = "tentative"
    OUT_OF_OFFICE = "outOfOffice"
    UNKNOWN = "unknown"


class AccessRole(StrEnum):
    """What the account may do in a calendar."""

    OWNER = "owner"
    WRITER = "writer"
    READER = "reader"


class RecurrenceType(StrEnum):
    """Whether an event stands alone, describes a series, or is one of its occurrences."""

    SINGLE = "single"
    MASTER = "master"
    OCCURRENCE = "occurrence"


class EventOmitted(StrEnum):
    """A field that this call did not load; absent data is unknown, not empty."""

    DESCRIPTION = "description"
    ATTENDEES = "attendees"
    ATTACHMENTS = "attachments"


class ReminderOverride(Model):
    """Reminder lead time; negative after the start."""

    minutes: int | None = None


class Reminder(Model):
    """Reminder settings."""

    use_default: Annotated[bool | None, Field(description="Google only")] = None
    overrides: list[ReminderOverride] | None = None


class CalendarCreate(Model):
    """New calendar."""

    name: Annotated[HeaderText | None, Field(max_length=255)] = None
    color: HeaderText | None = None
    description: Text | None = None


class CalendarUpdate(Model):
    """Calendar changes."""

    name: Annotated[HeaderText | None, Field(max_length=255)] = None
    description: Text | None = None


class Calendar(Model):
    """Calendar."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    name: str | None = None
    color: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    description: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    access_role: Annotated[AccessRole | None, Field(json_schema_extra=_READ_ONLY)] = None
    primary: Annotated[bool | None, Field(json_schema_extra=_READ_ONLY)] = None
    multiple_reminders_supported: Annotated[bool | None, Field(json_schema_extra=_READ_ONLY)] = None
    default_reminders: list[ReminderOverride] | None = None
    group_name: str | None = None
    group_mail: str | None = None


class CalendarsPage(Model):
    """Token page of calendars."""

    next_page_token: str | None = None
    length: int
    records: list[Calendar]


class Event(Model):
    """Calendar event.

    As a body: what is absent stays as it is, null clears. Records say the UID in both spellings in use.
    """

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    etag: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    calendar_id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    created_time: Annotated[Instant | None, Field(json_schema_extra=_READ_ONLY)] = None
    last_modified_time: Annotated[Instant | None, Field(json_schema_extra=_READ_ONLY)] = None
    subject: Text | None = None
    description: Text | None = None
    location: Text | None = None
    start: EventDateTime | None = None
    end: Annotated[EventDateTime | None, Field(description="exclusive, of all-day events too")] = None
    organizer: Annotated[Organizer | None, Field(json_schema_extra=_READ_ONLY)] = None
    meeting_info: MeetingInfo | None = None
    recurrence_type: Annotated[RecurrenceType | None, Field(json_schema_extra=_READ_ONLY)] = None
    recurrence: Recurrence | None = None
    occurrence_info: OccurrenceInfo | None = None
    i_cal_uid: Annotated[
        str | None, Field(alias="iCalUid", description="spelling used on event records", json_schema_extra=_READ_ONLY)
    ] = None
    global_id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    show_as: ShowAs | None = None
    sensitivity: Sensitivity | None = None
    categories: Annotated[list[str] | None, Field(json_schema_extra=_READ_ONLY)] = None
    html_link: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    has_attachments: Annotated[bool | None, Field(json_schema_extra=_READ_ONLY)] = None
    attachments: list[EmailAttachment] | None = None
    omitted: Annotated[list[EventOmitted] | None, Field(json_schema_extra=_READ_ONLY)] = None
    reminder: Reminder | None = None
    i_cal_u_id: Annotated[
        str | None,
        Field(
            alias="iCalUId",
            description="same value as iCalUid",
            validate_default=True,
            json_schema_extra=_READ_ONLY,
        ),
    ] = None
    native_properties: Annotated[
        dict[str, str] | None, Field(description="only when asked for", json_schema_extra=_READ_ONLY)
    ] = None

    @field_validator("i_cal_u_id")
    @classmethod
    def _same_as_i_cal_uid(cls, value: str | None, info: ValidationInfo) -> str | None:
        return info.data.get("i_cal_uid") if value is None else value

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: EventDateTime | None, info: ValidationInfo) -> EventDateTime | None:
        """Both are dates or both moments; a moment may end when it starts, a date may not: its end is exclusive."""
        start = info.data.get("start")
        if start is None or end is None:
            return end
        if start.all_day != end.all_day:
            raise ValueError("start and end must both have dateOnly (all-day) or both have dateTime")
        in_order(start.instant(), end.instant(), "start")
        if end.date_only is not None and end.date_only <= start.date_only:
            raise ValueError("is exclusive: an all-day event ends on the day after its last day")
        return end


class EventsPageNext(Model):
    """Token page of events."""

    next_page_token: str | None = None
    length: int
    records: list[Event]


class EventsPage(Model):
    """Delta page of events; `nextDeltaToken` stands on the last page of a round only."""

    next_page_token: str | None = None
    next_delta_token: str | None = None
    length: int
    records: list[Event]


class EventOrId(Model):
    """Result of an event write; record only when returnRecord is true."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    etag: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    i_cal_u_id: Annotated[
        str | None, Field(alias="iCalUId", description="spelling used on write results", json_schema_extra=_READ_ONLY)
    ] = None
    global_id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    record: Event | None = None
    online_meeting_provider: str | None = None
    online_meeting_details: OnlineMeetingDetails | None = None


class SeriesInfo(Model):
    """Series description with its exceptions."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    global_id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    recurrence: Recurrence | None = None
    modified_occurrences: Annotated[list[OccurrenceInfo] | None, Field(json_schema_extra=_READ_ONLY)] = None
    deleted_occurrences: Annotated[list[OccurrenceInfo] | None, Field(json_schema_extra=_READ_ONLY)] = None
