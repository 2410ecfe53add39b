"""Booking a slot: checking, claiming and writing it; holds, confirmation, cancelling and moving."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from gateway.identity import Account, Application
from gateway.services.availability.clock import moment
from gateway.services.availability.explain import Kind, Refusal
from gateway.services.availability.roster import Required
from gateway.services.availability.rules import to_read
from gateway.services.availability.spans import Span
from gateway.services.booking.links import Links, invalid_token
from gateway.services.booking.plan import plan, request
from gateway.services.booking.profile import Profile, mode
from gateway.services.booking.profiles import Profiles
from gateway.services.booking.teams import check_named, teams
from gateway.services.booking.times import Known, Question, Times, interval
from gateway.services.booking.writing import Writing
from gateway.store.meeting_values import ENDS, Meeting, MeetingState, Outcome, Team, Wish
from gateway.store.meetings import Meetings
from providers.base.errors import (
    Invalid,
    NotFound,
    ProviderError,
    RateLimited,
    Taken,
    TooLate,
    Unavailable,
    Uncertain,
)
from schemas.booking import (
    BookingTimesOutDto,
    ConfirmReservationOutDto,
    CreateMeetingDto,
    CreateMeetingResponse,
    EventScheduleDetailsOutDto,
)

LONGEST_HOLD, LONGEST_PUBLIC_HOLD = 24 * 60, 60  # minutes
PUBLIC_HOLDS = 50  # slots of one profile that visitors may hold at a time
_FRESH = 20  # times that come with a refusal
_AHEAD = 7 * 86_400  # seconds in which they are looked for
_BUSY = frozenset({Kind.EVENT, Kind.BUFFER})


@dataclass(frozen=True, slots=True)
class Order:
    """How a slot is asked for beside the body. `public`: by somebody without credentials."""

    hold_minutes: int | None = None
    key: str | None = None
    public: bool = False


class Booking:
    """Books slots of profiles; see `Writing` for what happens at the provider."""

    def __init__(self, times: Times, profiles: Profiles, meetings: Meetings, writing: Writing, links: Links) -> None:
        self._times, self._profiles, self._meetings = times, profiles, meetings
        self._writing, self._links = writing, links

    async def offer(
        self, profile: Profile, question: Question, required: str | None = None, token: str | None = None
    ) -> BookingTimesOutDto:
        """What a request for times is answered, whoever asks: the times of the profile in a mode, or those to which the
        meeting of a signed token can be moved. Raises `Invalid`, and as `Times.times` and `times_to_move`."""
        if token:
            return await self.times_to_move(profile, await self.by_token(token), question)
        return await self._times.times(profile.required(mode(required)), question)

    async def take(
        self,
        profile: Profile,
        body: CreateMeetingDto,
        order: Order,
        required: str | None = None,
        token: str | None = None,
    ) -> CreateMeetingResponse:
        """Book or hold a slot in a mode, or move the meeting of a signed token to it. Raises as `book` and `move`."""
        if token:
            return await self.move(profile, await self.by_token(token), body)
        return await self.book(profile.required(mode(required)), body, order)

    async def book(self, profile: Profile, body: CreateMeetingDto, order: Order) -> CreateMeetingResponse:
        """Book a slot or hold it.

        Raises `Invalid` with the path, `Taken` with other times when somebody was faster, `RateLimited` when visitors
        hold too many slots, what the provider says (the slot is free then), `Uncertain` when nobody knows."""
        hold = await self._hold(profile, order)
        span, body = _span(body), _without_twins(profile, body)
        check_named(profile.roster, body)
        uid = f"{uuid4()}@postroom"
        sealed = self._writing.seal(plan(profile, body, self._variables(uid)))
        known = await self._times.know(profile, _around(profile, span), int(time.time()))
        wish = Wish(
            profile.application_id,
            profile.id,
            uid,
            body.time.start,
            body.time.end,
            profile.buffer,
            sealed,
            hold=hold,
            key=order.key,
            public=order.public,
        )
        meeting = await self._claim(known, span, body, wish)
        if meeting.state is MeetingState.HELD:
            return CreateMeetingResponse(created=False, **_reservation(meeting))
        if meeting.fresh:
            meeting = await self._writing.write(meeting)
        return self._created(meeting)

    async def confirm(self, meeting: Meeting) -> ConfirmReservationOutDto:
        """Turn a hold into an event; once confirmed it answers the same again.

        Raises `NotFound` when the hold has lapsed or was given up, and as `book`; the hold stays then."""
        begun = await self._meetings.confirm(meeting.id)
        meeting = begun or await self._meetings.get(meeting.id) or meeting
        if begun is not None:
            meeting = await self._writing.write(begun)
        if meeting.state in (MeetingState.WRITING, MeetingState.UNKNOWN):
            raise TooLate("The reservation is being confirmed at this moment")
        if meeting.state is not MeetingState.BOOKED or meeting.event_id is None:
            raise NotFound(f"reservation {meeting.id} has lapsed or was given up: choose a time again")
        return ConfirmReservationOutDto(id=meeting.event_id, reschedule_token=self._links.token(meeting.uid))

    async def release(self, meeting: Meeting) -> None:
        """Give a hold up. Raises `NotFound` when it has lapsed, `TooLate` when it was confirmed."""
        if await self._meetings.release(meeting.id):
            return
        present = await self._meetings.get(meeting.id)
        if present is not None and present.state in (MeetingState.LAPSED, MeetingState.CANCELLED, MeetingState.FAILED):
            raise NotFound(f"reservation {meeting.id} has lapsed or was given up")
        raise TooLate("The reservation was confirmed: it is an event now, delete that")

    async def reservation(self, application: Application, account: Account | None, number: int) -> Meeting:
        """A hold of a profile of this account, or with None of a group's. Raises `NotFound`."""
        meeting = await self._meetings.get(number)
        if meeting is not None and meeting.application_id == application.id:
            profile = await self._of(meeting)
            if profile is not None and profile.owner == (account.id if account else None):
                return meeting
        raise NotFound(f"there is no reservation {number}")

    async def by_token(self, token: str) -> Meeting:
        """The meeting of a signed link. Raises `Invalid` (invalidRescheduleToken)."""
        meeting = await self._meetings.by_uid(self._links.uid(token))
        if meeting is None:
            raise invalid_token()
        return meeting

    def existing(self, meeting: Meeting) -> EventScheduleDetailsOutDto:
        """A meeting as its token shows it."""
        return EventScheduleDetailsOutDto(
            start_time=meeting.starts_at,
            end_time=meeting.ends_at,
            meeting_dto=request(self._writing.plan(meeting)),
            deleted=meeting.state is not MeetingState.BOOKED,
        )

    def subject(self, meeting: Meeting) -> str:
        """The title of its event."""
        return str(self._writing.plan(meeting)["subject"])

    async def cancel(self, meeting: Meeting) -> None:
        """Cancel a booked meeting. Raises `TooLate` when it is past or no more, and what the provider says."""
        _changeable(meeting)
        await self._writing.remove(meeting)

    async def times_to_move(self, profile: Profile, meeting: Meeting, question: Question) -> BookingTimesOutDto:
        """The times to which a meeting can be moved: when everybody in it is free; of one that is no more, all times.
        Raises as `Times.times`, and `TooLate`."""
        if meeting.state in ENDS and meeting.profile_id == profile.id:
            found = await self._times.times(profile, question)
            return found.model_copy(update={"existing_meeting": self.existing(meeting)})
        team = await self._team(profile, meeting)
        own = (moment(meeting.starts_at), moment(meeting.ends_at))
        found = await self._times.times(team, question, meeting.id, own)
        return found.model_copy(update={"existing_meeting": self.existing(meeting)})

    async def move(self, profile: Profile, meeting: Meeting, body: CreateMeetingDto) -> CreateMeetingResponse:
        """Move a booked meeting to another slot; the same people meet.

        Raises `Invalid` (wrongReschedulingEmail) for another booker, `TooLate` when it is past or no more, `Taken`, and
        what the provider says: the meeting stays where it was then."""
        _changeable(meeting)
        self._check_booker(meeting, body)
        team, span = await self._team(profile, meeting), _span(body)
        own = (moment(meeting.starts_at), moment(meeting.ends_at))
        known = await self._times.know(team, _around(profile, span), int(time.time()), meeting.id, own)
        if known.at(span) is None:
            raise self._refusal(known, span)
        moving = await self._meetings.move(meeting, body.time.start, body.time.end)
        if moving is None:
            raise self._taken(known, span)
        return self._created(await self._writing.shift(moving))

    async def _claim(self, known: Known, span: Span, body: CreateMeetingDto, wish: Wish) -> Meeting:
        slot = known.at(span)
        if slot is None:
            repeated = await self._meetings.repeated(wish)
            if repeated is not None:
                return repeated
            raise self._refusal(known, span)
        candidates = teams(known.profile.roster, slot, body)
        outcome = await self._begin(wish, candidates)
        if outcome.meeting is None:
            raise self._taken(known, span)
        return outcome.meeting

    async def _begin(self, wish: Wish, candidates: Sequence[Team]) -> Outcome:
        """Claim; should meetings be in the way that are no longer in their calendars, forget those and try again."""
        outcome = await self._meetings.begin(wish, candidates)
        if outcome.meeting is not None or not outcome.settled:
            return outcome
        gone = [number for number in outcome.settled if await self._forget_gone(number)]
        return await self._meetings.begin(wish, candidates) if gone else outcome

    async def _forget_gone(self, number: int) -> bool:
        meeting = await self._meetings.get(number)
        if meeting is None or not await self._writing.is_gone(meeting):
            return False
        await self._meetings.forget_claims(number)
        return True

    def _refusal(self, known: Known, span: Span) -> ProviderError:
        """Why a span is no slot."""
        start, length = span[0], known.rules.duration
        if span[1] - start != length:
            words = f"time.end: slots of this profile take {length // 60} minutes"
            return Invalid(words, path="time.end")
        refused = next(iter(known.refused((start, start + 1))), None)
        if refused is None:
            step = known.rules.step_minutes
            return Invalid(f"time.start: slots of this profile begin every {step} minutes", path="time.start")
        kinds = {block.kind for block in refused.blocks}
        if kinds & {Kind.NOTICE, Kind.GAP} or _outside(refused):
            return Invalid(f"time.start: {_why(refused, start)}", path="time.start")
        if kinds & _BUSY:
            return self._taken(known, span)
        if Kind.UNKNOWN in kinds:
            return known.failure() or Unavailable("A calendar cannot be read at the moment: nothing was booked")
        return Invalid("time.start: is outside the hours of this profile", path="time.start")

    def _taken(self, known: Known, span: Span) -> Taken:
        """Other times, of what has been read around the wanted one."""
        start = max(span[0] - 86_400, known.now)
        found = [slot for slot in known.within((start, span[0] + _AHEAD)) if (slot.start, slot.end) != span]
        near = sorted(sorted(found, key=lambda slot: abs(slot.start - span[0]))[:_FRESH], key=lambda slot: slot.start)
        items = [
            interval(known.profile, slot).model_dump(mode="json", by_alias=True, exclude_none=True) for slot in near
        ]
        return Taken("The time was taken meanwhile: choose another", original={"items": items})

    async def _hold(self, profile: Profile, order: Order) -> timedelta | None:
        if order.hold_minutes is None:
            return None
        most = LONGEST_PUBLIC_HOLD if order.public else LONGEST_HOLD
        if not 1 <= order.hold_minutes <= most:
            raise Invalid(f"reserveForMinutes: is from 1 to {most}", path="reserveForMinutes")
        if order.public and await self._meetings.holds(profile.id) >= PUBLIC_HOLDS:
            raise RateLimited("Too many times are held for visitors at the moment", retry_after=60)
        return timedelta(minutes=order.hold_minutes)

    def _variables(self, uid: str) -> dict[str, str]:
        return {"rescheduleToken": self._links.token(uid), "manageUrl": self._links.manage_url(uid)}

    def _created(self, meeting: Meeting) -> CreateMeetingResponse:
        if meeting.state in (MeetingState.WRITING, MeetingState.UNKNOWN):
            raise TooLate("The meeting is being booked at this moment")
        token = self._links.token(meeting.uid)
        return CreateMeetingResponse(
            created=True, id=meeting.event_id, group_xid=meeting.group_xid, reschedule_token=token
        )

    async def _of(self, meeting: Meeting) -> Profile | None:
        try:
            return await self._profiles.load_any(meeting.application_id, meeting.profile_id)
        except NotFound:
            return None

    async def _team(self, profile: Profile, meeting: Meeting) -> Profile:
        """The profile as if only those of the meeting were attached, all of whom must be free."""
        if meeting.profile_id != profile.id:
            raise invalid_token()
        members = await self._meetings.members(meeting.id)
        if not members:  # it has no time of its own any more: what its calendar shows is somebody else's doing
            raise TooLate("The meeting was cancelled, or changed in its calendar: it cannot be moved from here")
        members = [profile.twins.get(number, number) for number in members]
        accounts = {number: profile.accounts[number] for number in members if number in profile.accounts}
        if len(accounts) < len(members):
            raise TooLate("Somebody in this meeting is no longer attached to the profile: cancel it and book another")
        return replace(profile.among(list(members)).required(Required.ALL), accounts=accounts)

    def _check_booker(self, meeting: Meeting, body: CreateMeetingDto) -> None:
        booked, given = request(self._writing.plan(meeting)).booker.email, body.booker.email
        if booked and given and booked.lower() != given.lower():
            words = "schedulerInfo.email: the meeting was booked with another address"
            raise Invalid(words, path="schedulerInfo.email", code="wrongReschedulingEmail")


def _without_twins(profile: Profile, body: CreateMeetingDto) -> CreateMeetingDto:
    """The request with one account for each mailbox."""
    named = dict.fromkeys(profile.twins.get(account, account) for account in body.account_ids or ())
    return body.model_copy(update={"account_ids": list(named)}) if named else body


def for_strangers(error: ProviderError) -> ProviderError:
    """An error as somebody without credentials may hear it: nothing of the provider's words, no dead tokens."""
    if isinstance(error, (Taken, TooLate)) or (isinstance(error, Invalid) and (error.path or error.code)):
        return error
    if isinstance(error, RateLimited):
        return RateLimited("Many people are asking at the moment: try again", retry_after=error.retry_after)
    if isinstance(error, Uncertain):
        return Uncertain("The calendar's answer was lost: look whether it happened before you try again")
    return Unavailable("The calendar cannot be reached at the moment: nothing was changed")


def _span(body: CreateMeetingDto) -> Span:
    start, end = body.time.start, body.time.end
    if start.microsecond or end.microsecond:
        raise Invalid("time: slots begin at whole seconds", path="time.start")
    if end <= start:
        raise Invalid("time.end: is not after time.start", path="time.end")
    if start <= datetime.now(UTC):
        raise Invalid("time.start: is in the past", path="time.start")
    return moment(start), moment(end)


def _around(profile: Profile, span: Span) -> Span:
    """So much is read that other times can be offered, too."""
    return to_read(profile.rules(), (span[0] - 86_400, span[0] + _AHEAD))


def _changeable(meeting: Meeting) -> None:
    if meeting.state is MeetingState.MOVING:
        raise TooLate("The meeting is being moved at this moment")
    if meeting.state is not MeetingState.BOOKED:
        raise TooLate("The meeting was cancelled")
    if meeting.starts_at <= datetime.now(UTC):
        raise TooLate("The meeting has begun or is over")


def _outside(refused: Refusal) -> bool:
    """Whether it is the profile itself that excludes the time."""
    return any(block.kind is Kind.RULE and block.member is None for block in refused.blocks)


def _why(refused: Refusal, start: int) -> str:
    kinds = {block.kind for block in refused.blocks if block.member is None}
    if Kind.GAP in kinds:
        return "the clock skips this time"
    if Kind.NOTICE in kinds:
        return "is past" if start <= time.time() else "is sooner than this profile can be booked"
    return "is outside the times of this profile"


def _reservation(meeting: Meeting) -> dict[str, int]:
    return {"reservation_id": meeting.id, "reservation_id_on_the_wire": meeting.id}
