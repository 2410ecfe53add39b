"""Work hours, free/busy and meeting times (contract: tags Calendars, Booking)."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from schemas.base import Instant, Model
from schemas.calendar import ShowAs
from schemas.outgoing import is_address
from schemas.when import ClockTime, DayOfWeek, TimeInterval, TimeZoneName, in_order

_READ_ONLY = {"readOnly": True}
_WRITE_ONLY = {"writeOnly": True}
_MAX_MINUTES = 60 * 24 * 31


def _address(value: str) -> str:
    if not is_address(value):
        raise ValueError(f"{value[:80]!r} is not an e-mail address")
    return value


Address = Annotated[str, AfterValidator(_address), Field(json_schema_extra={"format": "email"})]
AnyAddress = Annotated[str, Field(max_length=1000, json_schema_extra={"format": "email"})]


class WorkingInterval(Model):
    """Local time span; one that ends before it starts runs over midnight."""

    start: ClockTime | None = None
    end: ClockTime | None = None


class DayWorkSchedule(Model):
    """Working hours of a weekday."""

    day_of_week: DayOfWeek | None = None
    working_intervals: list[WorkingInterval] | None = None


class WeekWorkSchedule(Model):
    """Weekly working hours."""

    day_schedules: list[DayWorkSchedule] | None = None
    timezone: Annotated[TimeZoneName | None, Field(description="IANA name")] = None
    source: Annotated[str | None, Field(description="where the hours come from")] = None


class AvailabilityInterval(Model):
    """Date span with its own daily hours."""

    date_start_inclusive: date | None = None
    date_end_inclusive: date | None = None
    hours: list[WorkingInterval] | None = None

    @field_validator("date_end_inclusive")
    @classmethod
    def _not_before_start(cls, last: date | None, info: ValidationInfo) -> date | None:
        return in_order(info.data.get("date_start_inclusive"), last, "dateStartInclusive")


class AvailabilityIntervals(Model):
    """Date-specific hours."""

    intervals: list[AvailabilityInterval] | None = None


class _Window(Model):
    """A span of moments that a request is about."""

    time_min: Instant | None = None
    time_max: Instant | None = None

    @field_validator("time_max")
    @classmethod
    def _after_time_min(cls, last: datetime | None, info: ValidationInfo) -> datetime | None:
        if last is not None and last == info.data.get("time_min"):
            raise ValueError("must be after timeMin")
        return in_order(info.data.get("time_min"), last, "timeMin")


class FreeBusyRequest(_Window):
    """Whose schedule to read; what is no address is answered with an `error`, like one that nobody knows."""

    emails: list[AnyAddress] | None = None


class FreeBusyItem(Model):
    """Schedule entry."""

    start: Instant | None = None
    end: Instant | None = None
    status: ShowAs | None = None


class FreeBusySchedule(Model):
    """Schedule of one address."""

    email: Annotated[str | None, Field(json_schema_extra={"format": "email"})] = None
    items: list[FreeBusyItem] | None = None
    error: Annotated[str | None, Field(description="set when this address could not be read")] = None
    work_hours: WeekWorkSchedule | None = None


class FreeBusySchedulePage(Model):
    """Schedules."""

    records: list[FreeBusySchedule]


class WorkHoursRequest(Model):
    """Whose working hours to read; of what is no address none are known."""

    emails: list[AnyAddress] | None = None


class WorkHoursResponseItem(Model):
    """Working hours of one address."""

    email: str | None = None
    work_hours: WeekWorkSchedule | None = None


class WorkHoursResponse(Model):
    """Working hours."""

    items: list[WorkHoursResponseItem]


class MeetingAttendee(Model):
    """Person to find a time for."""

    email: str | None = None
    timezone: TimeZoneName | None = None
    work_hours: WeekWorkSchedule | None = None
    error: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    busy_intervals: Annotated[
        list[TimeInterval] | None, Field(description="additional blocked spans", json_schema_extra=_WRITE_ONLY)
    ] = None
    free_intervals: Annotated[
        list[TimeInterval] | None, Field(description="search only inside these spans", json_schema_extra=_WRITE_ONLY)
    ] = None


class SuggestMeetingTimesRequest(_Window):
    """Constraints for a meeting."""

    duration_minutes: Annotated[int | None, Field(ge=1, le=_MAX_MINUTES)] = None
    availability_step: Annotated[int, Field(ge=1, le=_MAX_MINUTES, description="minutes between slot starts")] = 30
    attendees: list[MeetingAttendee] | None = None
    default_timezone: Annotated[TimeZoneName | None, Field(description="IANA name for attendees without one")] = None
    default_work_hours: WeekWorkSchedule | None = None
    availability_intervals: AvailabilityIntervals | None = None
    free_statuses: Annotated[tuple[ShowAs, ...], Field(description="statuses that count as free")] = (ShowAs.FREE,)
    buffer_between_minutes: Annotated[
        int | None, Field(ge=0, le=_MAX_MINUTES, description="minutes to keep free after the meeting")
    ] = None


class SuggestMeetingTimesResponse(Model):
    """Slots that suit everybody."""

    items: list[TimeInterval]
    attendees: list[MeetingAttendee] | None = None
