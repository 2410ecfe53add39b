"""Booking profiles, the slots they offer, and meetings (contract: tags Booking, GroupBooking, Availability)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from schemas.base import HeaderText, Instant, Model, Text
from schemas.common import OkResponse
from schemas.schedules import Address, AvailabilityIntervals, WeekWorkSchedule
from schemas.when import in_order

_READ_ONLY = {"readOnly": True}
_MAX_TEXT = 20_000
_MOST = 1000  # ids in one request
_NAME = r"^[^/?#%\s\x00-\x1f\x7f]{1,100}$"

Minutes = Annotated[int, Field(ge=0, le=60 * 24 * 366)]
AccountId = Annotated[int, Field(ge=0, le=2**63 - 1)]
ExtId = Annotated[HeaderText, Field(min_length=1, max_length=200)]
Template = Annotated[Text, Field(max_length=_MAX_TEXT)]


class BookingRequiredMode(StrEnum):
    """Whether one or every attached account must be free."""

    ONE = "one"
    ALL = "all"


class BookingProfile(Model):
    """What a profile says, account's and group's alike."""

    name: Annotated[str | None, Field(pattern=_NAME, description="public name, last part of the booking link")] = None
    duration_minutes: Annotated[int | None, Field(ge=1, le=60 * 24 * 7, examples=[30])] = None
    availability_step: Annotated[
        int | None, Field(description="minutes between slot starts; 5, 10, 15, 20, 30 or 60")
    ] = None
    start_time: Annotated[Instant | None, Field(description="first moment offered; a past value means now")] = None
    end_time: Annotated[Instant | None, Field(description="last moment offered; a past value yields no slots")] = None
    time_available_for: Annotated[
        HeaderText | None,
        Field(max_length=40, description="ISO 8601 period counted from the start, such as P4W", examples=["P4W"]),
    ] = None
    subject: Annotated[Template | None, Field(description="event title, a template")] = None
    description: Annotated[Template | None, Field(description="event text, a template")] = None
    location: Annotated[Text | None, Field(max_length=2000)] = None
    work_hours: WeekWorkSchedule | None = None
    availability_intervals: AvailabilityIntervals | None = None
    context: Annotated[Text | None, Field(max_length=_MAX_TEXT, description="free client data")] = None
    start_conference: Annotated[bool | None, Field(description="create an online meeting with the event")] = None
    open_meeting_url: Annotated[
        Text | None, Field(max_length=2048, description="value of the template variable of that name")
    ] = None
    buffer_between_minutes: Annotated[Minutes | None, Field(description="minutes to keep free after a meeting")] = None
    start_after_minutes: Annotated[
        Minutes | None, Field(description="earliest slot relative to now, one hour when absent")
    ] = None
    client_org_id: Annotated[HeaderText | None, Field(max_length=200)] = None

    @field_validator("end_time")
    @classmethod
    def _not_before_start(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        return in_order(info.data.get("start_time"), end, "startTime")


class BookingInDto(BookingProfile):
    """Booking profile to create."""


class BookingUpdateDto(BookingProfile):
    """Booking profile changes; omitted fields stay."""


class BookingOutDto(BookingProfile):
    """Stored booking profile."""

    id: int


class BookingPage(Model):
    """Offset page of booking profiles."""

    offset: int
    total_size: int
    done: bool
    records: list[BookingOutDto]


class GroupBookingInDto(BookingProfile):
    """Group booking profile to create."""


class GroupBookingUpdateDto(BookingProfile):
    """Group booking profile changes; omitted fields stay."""


class GroupBookingOutDto(BookingProfile):
    """Stored group booking profile."""

    id: int


class GroupBookingPage(Model):
    """Offset page of group booking profiles."""

    offset: int
    total_size: int
    done: bool
    records: list[GroupBookingOutDto]


class BookingSuccessOutDto(OkResponse):
    """Acknowledgement used by booking writes."""


class ConfirmSlotDeleteOutDto(OkResponse):
    """Acknowledgement used when a reservation is dropped."""


class BookingAttachGroupDto(Model):
    """Group of accounts to attach."""

    ext_id: Annotated[ExtId, Field(description="group id chosen by the client")]
    account_ids: Annotated[list[AccountId], Field(default_factory=list, max_length=_MOST)]
    required: BookingRequiredMode = BookingRequiredMode.ONE


class BookingAttachGroupsDto(Model):
    """Groups to attach."""

    groups: Annotated[list[BookingAttachGroupDto], Field(min_length=1, max_length=_MOST)]


class BookingAttachedDto(Model):
    """Attached group."""

    ext_id: str
    account_ids: list[int]
    required: BookingRequiredMode


class BookingAttachedGroupsPage(Model):
    """Offset page of attached groups."""

    offset: int
    total_size: int
    done: bool
    records: list[BookingAttachedDto]


class BookingDetachGroupDto(Model):
    """Group, or accounts of a group, to remove."""

    ext_id: ExtId
    account_ids: Annotated[list[AccountId] | None, Field(max_length=_MOST)] = None


class BookingDetachGroupsDto(Model):
    """Groups to remove."""

    groups: Annotated[list[BookingDetachGroupDto], Field(min_length=1, max_length=_MOST)]


class BookingAttachAccountsDto(Model):
    """Accounts to attach."""

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=_MOST)]


class BookingDetachGroupAccountsDto(Model):
    """Accounts to remove."""

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=_MOST)]


class BookingAttachedAccountsDto(Model):
    """Attached accounts."""

    account_ids: list[int]


class BookingAttachedAccountsPage(Model):
    """Offset page of attached accounts."""

    offset: int
    total_size: int
    done: bool
    records: list[BookingAttachedAccountsDto]


class BookingAvailableProfilesInDto(Model):
    """Which profiles are free in a window."""

    time_min: Instant
    time_max: Instant
    profile_names: Annotated[list[HeaderText] | None, Field(max_length=_MOST)] = None
    profile_ids: Annotated[list[AccountId] | None, Field(max_length=_MOST)] = None
    required: BookingRequiredMode | None = None


class BookingAvailableProfilesOutDto(Model):
    """Free profiles."""

    profile_ids: list[int]


class SelectedMeetingTime(Model):
    """Chosen slot."""

    start: Instant
    end: Instant


class SchedulerInfo(Model):
    """Person who books."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    email: Address | None = None
    name: Annotated[HeaderText | None, Field(max_length=200)] = None


class CreateMeetingDto(Model):
    """Booking request."""

    time: SelectedMeetingTime
    group_xids: Annotated[list[ExtId] | None, Field(max_length=_MOST, description="groups named by the slot")] = None
    account_ids: Annotated[
        list[AccountId] | None, Field(max_length=_MOST, description="accounts named by the slot")
    ] = None
    name: Annotated[HeaderText | None, Field(max_length=200, description="booker; newer clients use schedulerInfo")] = (
        None
    )
    email: Annotated[Address | None, Field(description="booker; without it the event has no guest")] = None
    substitution_data: Annotated[
        dict[Annotated[Text, Field(max_length=100)], Annotated[Text, Field(max_length=5000)]] | None,
        Field(max_length=50, description="values for template variables"),
    ] = None
    scheduler_info: SchedulerInfo | None = None
    invitees: Annotated[list[SchedulerInfo] | None, Field(max_length=50)] = None

    @property
    def booker(self) -> SchedulerInfo:
        """Who books, whichever generation of client says it."""
        given = self.scheduler_info or SchedulerInfo()
        return SchedulerInfo(email=given.email or self.email, name=given.name or self.name)


class CreateMeetingResponse(Model):
    """Booking result."""

    created: bool
    id: Annotated[str | None, Field(description="event id, if an event was created")] = None
    reservation_id_on_the_wire: Annotated[
        int | None,
        Field(alias="ReservationId", description="unconfirmed reservation; capital R on the wire"),
    ] = None
    group_xid: str | None = None
    reservation_id: Annotated[
        int | None,
        Field(description="same value as ReservationId; the vendor Java client reads this spelling"),
    ] = None
    reschedule_token: str | None = None


class ConfirmReservationOutDto(Model):
    """Event created from a reservation."""

    id: str
    reschedule_token: str | None = None


class BookingMeetingInterval(Model):
    """Bookable slot."""

    start: Instant
    end: Instant
    group_xids: list[str] | None = None
    account_ids: list[int] | None = None


class AdditionalField(Model):
    """Template variable the booker fills in."""

    name: str
    type: str = "string"
    default: Annotated[str | None, Field(description="fields without a default are mandatory")] = None


class EventScheduleDetailsOutDto(Model):
    """Meeting that a reschedule token points at."""

    start_time: Instant
    end_time: Instant
    meeting_dto: CreateMeetingDto | None = None
    deleted: bool


class SlotBlock(Model):
    """One reason why a time is not offered; never what the event is."""

    kind: Annotated[str, Field(description="event, buffer, rule, notice, unknown or gap")]
    account_id: Annotated[int | None, Field(description="whom it holds for; left out for visitors")] = None


class SlotRefusal(Model):
    """A time on the grid that is not offered."""

    start: Instant
    wall: Annotated[str, Field(description="what the clock of the profile shows, or would show in a gap")]
    blocks: list[SlotBlock]


class BookingTimesOutDto(Model):
    """Bookable slots and what a booking page needs to show."""

    items: list[BookingMeetingInterval]
    start_time: Instant | None = None
    end_time: Instant | None = None
    time_available_for: str | None = None
    duration_minutes: int
    availability_step: int
    subject: str | None = None
    primary_color: Annotated[str | None, Field(description="application setting")] = None
    secondary_color: Annotated[str | None, Field(description="application setting")] = None
    additional_fields: list[AdditionalField] | None = None
    next_page_token: Annotated[str | None, Field(description="more accounts to merge for the same window")] = None
    next_from_date: Annotated[date | None, Field(description="start of the next window")] = None
    limit: int | None = None
    offset: int | None = None
    done: bool | None = None
    total_size: int | None = None
    existing_meeting: Annotated[EventScheduleDetailsOutDto | None, Field(description="meeting being moved")] = None
    timezone: Annotated[str | None, Field(description="the profile's own; slots begin by its clock")] = None
    explanations: Annotated[list[SlotRefusal] | None, Field(description="with explain=true: what is not offered")] = (
        None
    )


class BookingPayload(Model):
    """One booked meeting."""

    booking_id: Annotated[int, Field(description="the profile, as in the resource /booking/{id}")]
    calendar_id: str | None = None
    event_id: str | None = None
    id: Annotated[str | None, Field(description="the meeting; ours")] = None
    change_type: str | None = None
    sequence: int | None = None


def changed_fields(body: BookingProfile) -> dict[str, Any]:
    """What a body names, by field name; a null clears."""
    return {name: getattr(body, name) for name in body.model_fields_set}
