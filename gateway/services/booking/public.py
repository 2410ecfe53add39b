"""What strangers may do with a profile: by the application's client id and the profile's name, without credentials."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from gateway.identity import Application
from gateway.services.booking.booking import Booking, Order, for_strangers
from gateway.services.booking.profile import Profile
from gateway.services.booking.profiles import Profiles
from gateway.services.booking.times import Question
from gateway.services.booking.visitors import BOOKING, LOOKING, Visitors
from gateway.services.identity import Identity
from gateway.store.meeting_values import Meeting
from providers.base.errors import Invalid, NotFound, ProviderError, RateLimited
from schemas.booking import BookingTimesOutDto, CreateMeetingDto, CreateMeetingResponse

AT_ONCE = 32  # requests of strangers on one profile in one process
_MAX_KEY = 255


class PublicBooking:
    """Times and meetings for visitors. Of each profile so many are served at a time, and each visitor so often; the
    others are asked to wait. `address`: where a visitor comes from, None where that is not known."""

    def __init__(self, identity: Identity, profiles: Profiles, booking: Booking, visitors: Visitors) -> None:
        self._identity, self._profiles, self._booking, self._visitors = identity, profiles, booking, visitors
        self._under_way: Counter[int] = Counter()

    async def profile(self, client_id: str, name: str) -> tuple[Application, Profile]:
        """The profile of a booking link. Raises `NotFound`."""
        application = await self._identity.application_by_client_id(client_id) if _plain(client_id, name) else None
        if application is None:
            raise NotFound("There is no such booking page")
        try:
            return application, await self._profiles.load_named(application, name)
        except NotFound:
            raise NotFound("There is no such booking page") from None

    async def times(
        self,
        client_id: str,
        name: str,
        question: Question,
        *,
        required: str | None = None,
        token: str | None = None,
        address: str | None = None,
    ) -> BookingTimesOutDto:
        """The times of a profile; with a `token` those to which its meeting can be moved. Raises `NotFound`, `Invalid`,
        `RateLimited`, `Unavailable`."""
        self._visitors.admit(address, LOOKING)
        _, profile = await self.profile(client_id, name)
        async with self._served(profile):
            return await self._booking.offer(profile, replace(question, strangers=True), required, token)

    async def book(
        self,
        client_id: str,
        name: str,
        body: CreateMeetingDto,
        *,
        required: str | None = None,
        hold_minutes: int | None = None,
        key: str | None = None,
        token: str | None = None,
        address: str | None = None,
    ) -> CreateMeetingResponse:
        """Book or hold a slot, or move the meeting of a `token` to it. Raises as `Booking.take`, and `RateLimited`."""
        self._visitors.admit(address, BOOKING)
        _, profile = await self.profile(client_id, name)
        if key is not None and not (0 < len(key) <= _MAX_KEY and key.isprintable()):
            raise Invalid(f"Idempotency-Key: must have 1 to {_MAX_KEY} printable characters", path="Idempotency-Key")
        async with self._served(profile):
            return await self._booking.take(profile, body, Order(hold_minutes, key, public=True), required, token)

    async def cancel(self, meeting: Meeting, address: str | None = None) -> None:
        """Cancel the meeting of a signed link. Raises as `Booking.cancel`, and `RateLimited`."""
        self._visitors.admit(address, BOOKING)
        try:
            await self._booking.cancel(meeting)
        except ProviderError as error:
            raise for_strangers(error) from error

    async def link_of(self, meeting: Meeting) -> tuple[str, Profile] | None:
        """The client id and the profile that make up the booking link of a meeting; None when the profile is gone."""
        try:
            profile = await self._profiles.load_any(meeting.application_id, meeting.profile_id)
        except NotFound:
            return None
        client_id = await self._profiles.client_id(meeting.application_id)
        return None if client_id is None else (client_id, profile)

    @asynccontextmanager
    async def _served(self, profile: Profile) -> AsyncIterator[None]:
        if self._under_way[profile.id] >= AT_ONCE:
            raise RateLimited("Many people are looking at this page: try again in a moment", retry_after=2)
        self._under_way[profile.id] += 1
        try:
            yield
        except ProviderError as error:
            raise for_strangers(error) from error
        finally:
            self._under_way[profile.id] -= 1
            if not self._under_way[profile.id]:
                del self._under_way[profile.id]


def _plain(*texts: str) -> bool:
    return not any("\0" in text for text in texts)
