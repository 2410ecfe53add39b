"""Group booking profiles of an application and their meetings (contract: tag GroupBooking)."""

from gateway.http.parameters import Id
from gateway.http.route import APPLICATION, Route
from gateway.identity import Application
from gateway.routes.accounts import Limit, Offset
from gateway.routes.booking_parameters import (
    Explain,
    From,
    FromDate,
    Hold,
    Length,
    PageToken,
    Required,
    Some,
    Token,
    question,
)
from gateway.services.booking.booking import Booking, Order
from gateway.services.booking.merged import MergedAvailability
from gateway.services.booking.profiles import Profiles, group_out
from schemas.booking import (
    BookingAttachAccountsDto,
    BookingAttachedAccountsPage,
    BookingAttachedGroupsPage,
    BookingAttachGroupsDto,
    BookingAvailableProfilesInDto,
    BookingAvailableProfilesOutDto,
    BookingDetachGroupAccountsDto,
    BookingDetachGroupsDto,
    BookingSuccessOutDto,
    BookingTimesOutDto,
    ConfirmReservationOutDto,
    ConfirmSlotDeleteOutDto,
    CreateMeetingDto,
    CreateMeetingResponse,
    GroupBookingInDto,
    GroupBookingOutDto,
    GroupBookingPage,
    GroupBookingUpdateDto,
)

_OK = BookingSuccessOutDto()


async def create(body: GroupBookingInDto, application: Application, profiles: Profiles) -> GroupBookingOutDto:
    """Create a group booking profile."""
    return group_out(await profiles.create(application, None, body))


async def find(application: Application, profiles: Profiles, limit: Limit = 50, offset: Offset = 0) -> GroupBookingPage:
    """List group booking profiles."""
    return await profiles.group_page(application, limit=limit, offset=offset)


async def get(id: Id, application: Application, profiles: Profiles) -> GroupBookingOutDto:
    """Read a group booking profile."""
    return group_out(await profiles.get(application, None, id))


async def update(
    id: Id, body: GroupBookingUpdateDto, application: Application, profiles: Profiles
) -> BookingSuccessOutDto:
    """Change a group booking profile; omitted fields stay, null clears."""
    await profiles.update(application, None, id, body)
    return _OK


async def delete(id: Id, application: Application, profiles: Profiles) -> BookingSuccessOutDto:
    """Delete a group booking profile; what was booked stays."""
    await profiles.delete(application, None, id)
    return _OK


async def attach_groups(
    id: Id, body: BookingAttachGroupsDto, application: Application, profiles: Profiles
) -> BookingSuccessOutDto:
    """Attach groups of accounts, or add accounts to them."""
    await profiles.attach_groups(application, id, body)
    return _OK


async def attached_groups(
    id: Id, application: Application, profiles: Profiles, limit: Limit = 50, offset: Offset = 0
) -> BookingAttachedGroupsPage:
    """List attached groups."""
    return await profiles.groups(application, id, limit=limit, offset=offset)


async def detach_groups(
    id: Id, body: BookingDetachGroupsDto, application: Application, profiles: Profiles
) -> BookingSuccessOutDto:
    """Detach groups, or accounts of them."""
    await profiles.detach_groups(application, id, body)
    return _OK


async def attach_accounts(
    id: Id, body: BookingAttachAccountsDto, application: Application, profiles: Profiles
) -> BookingSuccessOutDto:
    """Attach accounts."""
    await profiles.attach_accounts(application, id, body)
    return _OK


async def attached_accounts(
    id: Id, application: Application, profiles: Profiles, limit: Limit = 50, offset: Offset = 0
) -> BookingAttachedAccountsPage:
    """List attached accounts."""
    return await profiles.accounts(application, id, limit=limit, offset=offset)


async def detach_accounts(
    id: Id, body: BookingDetachGroupAccountsDto, application: Application, profiles: Profiles
) -> BookingSuccessOutDto:
    """Detach accounts."""
    await profiles.detach_accounts(application, id, body)
    return _OK


async def available(
    body: BookingAvailableProfilesInDto, application: Application, merged: MergedAvailability
) -> BookingAvailableProfilesOutDto:
    """Which of the named profiles are free in a window; of all, when none is named."""
    return await merged.available(application, body)


async def times(
    id: Id,
    application: Application,
    profiles: Profiles,
    booking: Booking,
    required: Required = None,
    from_date: FromDate = None,
    interval_length: Length = None,
    page_token: PageToken = None,
    limit: Some = None,
    offset: From = None,
    explain: Explain = False,
    reschedule_token: Token = None,
) -> BookingTimesOutDto:
    """List bookable slots, with the accounts and groups that are free."""
    profile = await profiles.load(application, None, id)
    asked = question(from_date, interval_length, page_token, limit, offset, explain)
    return await booking.offer(profile, asked, required, reschedule_token)


async def book(
    id: Id,
    body: CreateMeetingDto,
    application: Application,
    profiles: Profiles,
    booking: Booking,
    required: Required = None,
    reserve_for_minutes: Hold = None,
    reschedule_token: Token = None,
) -> CreateMeetingResponse:
    """Book a slot, hold it, or move a meeting to it."""
    profile = await profiles.load(application, None, id)
    return await booking.take(profile, body, Order(reserve_for_minutes), required, reschedule_token)


async def confirm(id: Id, application: Application, booking: Booking) -> ConfirmReservationOutDto:
    """Turn a reservation into an event."""
    return await booking.confirm(await booking.reservation(application, None, id))


async def release(id: Id, application: Application, booking: Booking) -> ConfirmSlotDeleteOutDto:
    """Drop a reservation."""
    await booking.release(await booking.reservation(application, None, id))
    return ConfirmSlotDeleteOutDto()


_LIST, _ONE, _TAG = "/v1/book/group/profiles", "/v1/book/group/profiles/{id}", "GroupBooking"
_HOLD, _DONE = "/v1/book/group/reservations/{id}", BookingSuccessOutDto
_GROUPS, _ACCOUNTS = BookingAttachedGroupsPage, BookingAttachedAccountsPage
_ROWS = (
    ("POST", f"{_LIST}/dynamic/availability", "bookingGroupAvailability", available, BookingAvailableProfilesOutDto),
    ("GET", f"{_ONE}/meeting", "bookingGroupMeetingTimes", times, BookingTimesOutDto),
    ("GET", _LIST, "getGroupBookings", find, GroupBookingPage),
    ("GET", _ONE, "getGroupBooking", get, GroupBookingOutDto),
    ("PATCH", _ONE, "updateGroupBooking", update, _DONE),
    ("DELETE", _ONE, "deleteGroupBooking", delete, _DONE),
    ("POST", f"{_ONE}/attachGroups", "attachGroupsBooking", attach_groups, _DONE),
    ("GET", f"{_ONE}/attachGroups", "attachedGroupsBooking", attached_groups, _GROUPS),
    ("POST", f"{_ONE}/detachGroups", "detachGroupsBooking", detach_groups, _DONE),
    ("POST", f"{_ONE}/attachAccounts", "attachAccountsGroupBooking", attach_accounts, _DONE),
    ("GET", f"{_ONE}/attachAccounts", "attachedAccountsGroupBooking", attached_accounts, _ACCOUNTS),
    ("POST", f"{_ONE}/detachAccounts", "detachAccountsGroupBooking", detach_accounts, _DONE),
    ("DELETE", _HOLD, "bookingGroupReservationDelete", release, ConfirmSlotDeleteOutDto),
)
_ONCE = (
    ("POST", _LIST, "createGroupBooking", create, GroupBookingOutDto),
    ("POST", f"{_ONE}/meeting", "bookingGroupCreateMeeting", book, CreateMeetingResponse),
    ("POST", f"{_HOLD}/confirm", "bookingGroupReservationConfirm", confirm, ConfirmReservationOutDto),
)
ROUTES = (
    *(Route(method, path, name, APPLICATION, run, answer, tag=_TAG) for method, path, name, run, answer in _ROWS),
    *(
        Route(method, path, name, APPLICATION, run, answer, tag=_TAG, once=True)
        for method, path, name, run, answer in _ONCE
    ),
)
