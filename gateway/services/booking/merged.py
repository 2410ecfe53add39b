"""Which of several group profiles are free at a time: their accounts are read once, whoever shares them."""

import time

from gateway.identity import Application
from gateway.services.availability.clock import moment
from gateway.services.availability.rules import to_read
from gateway.services.availability.slots import throughout
from gateway.services.availability.spans import Span
from gateway.services.availability.windows import bounded
from gateway.services.booking.profile import mode
from gateway.services.booking.profiles import Profiles
from gateway.services.booking.times import Known, Times
from schemas.booking import BookingAvailableProfilesInDto, BookingAvailableProfilesOutDto

_MOST = 200  # profiles in one request; the first by id


class MergedAvailability:
    """Asks group profiles."""

    def __init__(self, profiles: Profiles, times: Times) -> None:
        self._profiles, self._times = profiles, times

    async def available(
        self, application: Application, body: BookingAvailableProfilesInDto
    ) -> BookingAvailableProfilesOutDto:
        """The profiles, by id, that are free throughout the window. Raises `Invalid` with the path."""
        span, required = bounded((moment(body.time_min), moment(body.time_max))), mode(body.required)
        found = await self._profiles.load_groups(application, body.profile_names, body.profile_ids)
        asked = [profile.required(required) for profile in found[:_MOST]]
        wide = [to_read(profile.rules(), span) for profile in asked] or [span]
        reach = (min(one[0] for one in wide), max(one[1] for one in wide))
        known = await self._times.know_all(asked, reach, int(time.time()))
        return BookingAvailableProfilesOutDto(profile_ids=[one.profile.id for one in known if _free(one, span)])


def _free(known: Known, span: Span) -> bool:
    return throughout(known.rules, known.profile.roster, known.members, span, known.now) is not None
