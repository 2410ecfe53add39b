"""Times and meetings for visitors, without credentials (contract: tag Availability)."""

from gateway.browsers import Browser
from gateway.http.route import ANYONE, Route
from gateway.routes.booking_parameters import (
    Explain,
    From,
    FromDate,
    Hold,
    IdempotencyKey,
    Length,
    PageToken,
    Required,
    Some,
    Token,
    question,
)
from gateway.services.booking.public import PublicBooking
from schemas.booking import BookingTimesOutDto, CreateMeetingDto, CreateMeetingResponse


async def times(
    aurinko_client_id: str,
    name: str,
    public: PublicBooking,
    browser: Browser,
    required: Required = None,
    from_date: FromDate = None,
    interval_length: Length = None,
    page_token: PageToken = None,
    limit: Some = None,
    offset: From = None,
    explain: Explain = False,
    reschedule_token: Token = None,
) -> BookingTimesOutDto:
    """List bookable slots as a visitor."""
    asked = question(from_date, interval_length, page_token, limit, offset, explain)
    address = browser.address
    return await public.times(
        aurinko_client_id, name, asked, required=required, token=reschedule_token, address=address
    )


async def book(
    aurinko_client_id: str,
    name: str,
    body: CreateMeetingDto,
    public: PublicBooking,
    browser: Browser,
    required: Required = None,
    reserve_for_minutes: Hold = None,
    reschedule_token: Token = None,
    idempotency_key: IdempotencyKey = None,
) -> CreateMeetingResponse:
    """Book a slot as a visitor, hold it, or move a meeting to it."""
    return await public.book(
        aurinko_client_id,
        name,
        body,
        required=required,
        hold_minutes=reserve_for_minutes,
        key=idempotency_key,
        token=reschedule_token,
        address=browser.address,
    )


_PATH, _TAG = "/v1/book/{aurinkoClientId}/{name}/meeting", "Availability"
ROUTES = (
    Route("GET", _PATH, "getMeetingTimes", ANYONE, times, BookingTimesOutDto, tag=_TAG),
    Route("POST", _PATH, "createMeeting", ANYONE, book, CreateMeetingResponse, tag=_TAG),
)
