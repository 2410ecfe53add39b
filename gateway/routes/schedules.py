"""Free/busy, work hours and suggested times of an account (contract: tag FreeBusySchedule; setting hours is ours)."""

from gateway.http.route import Route
from gateway.identity import Account
from gateway.routes.scopes import READ_CALENDAR, WRITE_CALENDAR
from gateway.services.meeting_times import MeetingTimes
from gateway.services.work_hours import WorkHours
from providers.base.provider import Session
from schemas.schedules import (
    FreeBusyRequest,
    FreeBusySchedulePage,
    SuggestMeetingTimesRequest,
    SuggestMeetingTimesResponse,
    WeekWorkSchedule,
    WorkHoursRequest,
    WorkHoursResponse,
)


async def free_busy(
    body: FreeBusyRequest, account: Account, session: Session, times: MeetingTimes
) -> FreeBusySchedulePage:
    """Read schedules of several addresses; one that cannot be read has an `error`."""
    return await times.free_busy(account, session, body)


async def work_hours(
    body: WorkHoursRequest, account: Account, session: Session, times: MeetingTimes
) -> WorkHoursResponse:
    """Read working hours of several addresses."""
    return await times.work_hours(account, session, body)


async def suggest(
    body: SuggestMeetingTimesRequest, account: Account, session: Session, times: MeetingTimes
) -> SuggestMeetingTimesResponse:
    """Find slots that suit all attendees; those from outside by the intervals that the request names."""
    return await times.suggest(account, session, body)


async def own_hours(account: Account, session: Session, hours: WorkHours) -> WeekWorkSchedule:
    """Read the account's working hours: its own, the provider's, or office hours; `source` tells which."""
    return await hours.of(account, session)


async def set_hours(body: WeekWorkSchedule, account: Account, hours: WorkHours) -> WeekWorkSchedule:
    """Set the account's working hours; without `daySchedules` they are forgotten."""
    return await hours.put(account, body)


_TAG, _CALENDARS, _OWN = "FreeBusySchedule", "/v1/calendars", "/v1/book/account/workHours"
ROUTES = (
    Route("POST", f"{_CALENDARS}/freeBusy", "freeBusy", READ_CALENDAR, free_busy, FreeBusySchedulePage, tag=_TAG),
    Route(
        "POST", f"{_CALENDARS}/workHours", "calendarWorkhours", READ_CALENDAR, work_hours, WorkHoursResponse, tag=_TAG
    ),
    Route(
        "POST",
        f"{_CALENDARS}/suggestMeetingTimes",
        "suggestMeetingTimes",
        READ_CALENDAR,
        suggest,
        SuggestMeetingTimesResponse,
        tag=_TAG,
    ),
    Route("GET", _OWN, "workHours", READ_CALENDAR, own_hours, WeekWorkSchedule, tag="Booking"),
    Route("PUT", _OWN, "setWorkHours", WRITE_CALENDAR, set_hours, WeekWorkSchedule, tag="Booking"),
    Route("GET", "/v1/book/workHours", "legacyWorkHours", READ_CALENDAR, own_hours, WeekWorkSchedule, tag="Legacy"),
)
