"""Booking profiles of an account and their meetings (contract: tags Booking, Availability, Legacy)."""

from gateway.http.parameters import Id
from gateway.http.route import Route
from gateway.identity import Account, Application
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
from gateway.routes.scopes import READ_CALENDAR, WRITE_CALENDAR
from gateway.services.booking.booking import Booking, Order
from gateway.services.booking.profiles import Profiles, out
from schemas.booking import (
    BookingInDto,
    BookingOutDto,
    BookingPage,
    BookingSuccessOutDto,
    BookingTimesOutDto,
    BookingUpdateDto,
    ConfirmReservationOutDto,
    ConfirmSlotDeleteOutDto,
    CreateMeetingDto,
    CreateMeetingResponse,
)


async def create(body: BookingInDto, application: Application, account: Account, profiles: Profiles) -> BookingOutDto:
    """Create a booking profile."""
    return out(await profiles.create(application, account, body))


async def find(account: Account, profiles: Profiles, limit: Limit = 50, offset: Offset = 0) -> BookingPage:
    """List booking profiles."""
    return await profiles.page(account, limit=limit, offset=offset)


async def get(id: Id, application: Application, account: Account, profiles: Profiles) -> BookingOutDto:
    """Read a booking profile."""
    return out(await profiles.get(application, account, id))


async def update(
    id: Id, body: BookingUpdateDto, application: Application, account: Account, profiles: Profiles
) -> BookingSuccessOutDto:
    """Change a booking profile; omitted fields stay, null clears."""
    await profiles.update(application, account, id, body)
    return BookingSuccessOutDto()


async def delete(id: Id, application: Application, account: Account, profiles: Profiles) -> BookingSuccessOutDto:
    """Delete a booking profile; what was booked stays."""
    await profiles.delete(application, account, id)
    return BookingSuccessOutDto()


async def times(
    id: Id,
    application: Application,
    account: Account,
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
    """List bookable slots."""
    profile = await profiles.load(application, account, id)
    asked = question(from_date, interval_length, page_token, limit, offset, explain)
    return await booking.offer(profile, asked, required, reschedule_token)


async def book(
    id: Id,
    body: CreateMeetingDto,
    application: Application,
    account: Account,
    profiles: Profiles,
    booking: Booking,
    required: Required = None,
    reserve_for_minutes: Hold = None,
    reschedule_token: Token = None,
) -> CreateMeetingResponse:
    """Book a slot, hold it, or move a meeting to it."""
    profile = await profiles.load(application, account, id)
    return await booking.take(profile, body, Order(reserve_for_minutes), required, reschedule_token)


async def confirm(id: Id, application: Application, account: Account, booking: Booking) -> ConfirmReservationOutDto:
    """Turn a reservation into an event."""
    return await booking.confirm(await booking.reservation(application, account, id))


async def release(id: Id, application: Application, account: Account, booking: Booking) -> ConfirmSlotDeleteOutDto:
    """Drop a reservation."""
    await booking.release(await booking.reservation(application, account, id))
    return ConfirmSlotDeleteOutDto()


_LIST, _ONE = "/v1/book/account/profiles", "/v1/book/account/profiles/{id}"
_HOLD = "/v1/book/account/reservations/{id}"
_OLD, _OLD_ONE = "/v1/book/profiles", "/v1/book/profiles/{id}"
_READ, _WRITE, _TAG = READ_CALENDAR, WRITE_CALENDAR, "Booking"
ROUTES = (
    Route("POST", _LIST, "create", _WRITE, create, BookingOutDto, tag=_TAG, once=True),
    Route("GET", _LIST, "getAccBookings", _READ, find, BookingPage, tag=_TAG),
    Route("GET", _ONE, "getBooking", _READ, get, BookingOutDto, tag=_TAG),
    Route("PATCH", _ONE, "updateBooking", _WRITE, update, BookingSuccessOutDto, tag=_TAG),
    Route("DELETE", _ONE, "deleteBooking", _WRITE, delete, BookingSuccessOutDto, tag=_TAG),
    Route("GET", f"{_ONE}/meeting", "bookingAccountMeetingTimes", _READ, times, BookingTimesOutDto, tag=_TAG),
    Route(
        "POST",
        f"{_ONE}/meeting",
        "bookingAccountCreateMeeting",
        _WRITE,
        book,
        CreateMeetingResponse,
        tag=_TAG,
        once=True,
    ),
    Route(
        "POST",
        f"{_HOLD}/confirm",
        "bookingAccountReservationConfirm",
        _WRITE,
        confirm,
        ConfirmReservationOutDto,
        tag=_TAG,
        once=True,
    ),
    Route("DELETE", _HOLD, "bookingAccountReservationDelete", _WRITE, release, ConfirmSlotDeleteOutDto, tag=_TAG),
    Route("POST", _OLD, "legacyCreateBooking", _WRITE, create, BookingOutDto, tag="Legacy", once=True),
    Route("GET", _OLD, "legacyGetBookings", _READ, find, BookingPage, tag="Legacy"),
    Route("GET", _OLD_ONE, "legacyGetBooking", _READ, get, BookingOutDto, tag="Legacy"),
    Route("PATCH", _OLD_ONE, "legacyUpdateBooking", _WRITE, update, BookingSuccessOutDto, tag="Legacy"),
    Route("DELETE", _OLD_ONE, "legacyDeleteBooking", _WRITE, delete, BookingSuccessOutDto, tag="Legacy"),
)
