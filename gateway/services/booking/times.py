"""The times that a profile offers, and why it does not offer the others."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from gateway.identity import Account
from gateway.services.availability.explain import Refusal, refusals
from gateway.services.availability.hours import Hours
from gateway.services.availability.members import HELD, Event, Member
from gateway.services.availability.periods import period
from gateway.services.availability.roster import Required
from gateway.services.availability.rules import Rules, to_read
from gateway.services.availability.slots import Slot, slot_at, slots
from gateway.services.availability.spans import Span
from gateway.services.availability.windows import window
from gateway.services.booking.profile import Profile
from gateway.services.booking.templates import fields
from gateway.services.schedules import Schedules, Seen
from gateway.services.work_hours import WorkHours, hours, office, zone_of
from gateway.store.meeting_values import Claim
from gateway.store.meetings import Meetings
from providers.base.errors import Invalid, ProviderError
from schemas.booking import BookingMeetingInterval, BookingTimesOutDto, SlotBlock, SlotRefusal
from schemas.schedules import WeekWorkSchedule

EXPLAINED = "P7D"  # window of an explanation that names none
_LONGEST = 14 * 86_400  # seconds that are explained
#: Accounts of which one page tells, where one of them is enough.
ACCOUNTS = 100


@dataclass(frozen=True, slots=True)
class Question:
    """What a request for times names. `explain` adds what is not offered, with the accounts unless for `strangers`."""

    from_date: date | None = None
    interval_length: str | None = None
    page_token: str | None = None
    limit: int | None = None
    offset: int | None = None
    explain: bool = False
    strangers: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A profile with everything that is known of its members around a span, at a moment."""

    profile: Profile
    rules: Rules
    members: Sequence[Member]
    seen: Mapping[int, Seen]
    now: int

    def at(self, span: Span) -> Slot | None:
        """The slot of exactly this span, if it is offered."""
        return slot_at(self.rules, self.profile.roster, self.members, span, self.now)

    def within(self, span: Span) -> list[Slot]:
        """The slots that start within a span."""
        return slots(self.rules, self.profile.roster, self.members, span, self.now)

    def refused(self, span: Span) -> list[Refusal]:
        """What is not offered within a span."""
        return refusals(self.rules, self.profile.roster, self.members, span, self.now)

    def failure(self) -> ProviderError | None:
        """Why nothing at all can be said: nobody's calendar could be read."""
        errors = [seen.error for seen in self.seen.values()]
        return errors[0] if errors and all(errors) else None


class Times:
    """Answers what can be booked."""

    def __init__(self, schedules: Schedules, work_hours: WorkHours, meetings: Meetings) -> None:
        self._schedules, self._work_hours, self._meetings = schedules, work_hours, meetings

    async def times(
        self, profile: Profile, question: Question, but: int = 0, own: Span | None = None
    ) -> BookingTimesOutDto:
        """One window of slots; `but` and `own` as in `know`.

        Raises `Invalid` with the parameter's path, and what reading the calendars raises when none can be read."""
        asked = question.interval_length or (EXPLAINED if question.explain else None)
        length = period(asked, "intervalLength") if asked else None
        rules, now = profile.rules(), int(time.time())
        shown = window(rules, now, question.from_date, length)
        part, following = _part(profile, question)
        known = await self.know(part, to_read(rules, shown.span), now, but, own)
        if error := known.failure():
            raise error
        says = profile.says
        return BookingTimesOutDto(
            items=[interval(profile, slot) for slot in known.within(shown.span)],
            start_time=says.start_time,
            end_time=says.end_time,
            time_available_for=says.time_available_for,
            duration_minutes=rules.duration_minutes,
            availability_step=rules.step_minutes,
            subject=says.subject,
            additional_fields=fields(says),
            next_page_token=following,
            next_from_date=shown.next,
            limit=question.limit,
            offset=question.offset,
            done=following is None and shown.next is None,
            total_size=len(profile.roster.everyone()),
            timezone=profile.zone.key,
            explanations=_explained(known, shown.span, question.strangers) if question.explain else None,
        )

    async def know(self, profile: Profile, span: Span, now: int, but: int = 0, own: Span | None = None) -> Known:
        """Read what is to be known about a span. `but` a meeting that is being moved from `own`, its present time."""
        [known] = await self.know_all([profile], span, now, but, own)
        return known

    async def know_all(
        self, profiles: Sequence[Profile], span: Span, now: int, but: int = 0, own: Span | None = None
    ) -> list[Known]:
        """The same of several profiles: accounts that they share are read once."""
        accounts = {number: account for profile in profiles for number, account in profile.accounts.items()}
        need = {number for profile in profiles if not profile.has_hours for number in profile.accounts}
        stored = await self._work_hours.stored(sorted(need)) if need else {}
        seen = await self._schedules.read(list(accounts.values()), span, ask_hours=sorted(need - stored.keys()))
        # Claims are read last: an event that was written since the calendars were read is claimed still.
        first, last = (datetime.fromtimestamp(at, UTC) for at in span)
        claims = await self._meetings.taken(list(accounts), first, last, but)
        if doubtful := sorted({claim.meeting_id for claim in claims if claim.doubtful}):
            await self._meetings.look_at(doubtful)  # for whoever asks next: a host may have deleted the event

        def member(profile: Profile, account: Account) -> Member:
            found = seen[account.id]
            return Member(
                account.id,
                events=[*_without(found.events, own), *_held(profile, account, claims)],
                hours=_hours(profile, account, stored.get(account.id) or found.hours),
                unknown=found.unknown,
            )

        return [
            Known(
                profile,
                profile.rules(),
                [member(profile, account) for account in profile.accounts.values()],
                {number: seen[number] for number in profile.accounts},
                now,
            )
            for profile in profiles
        ]


def interval(profile: Profile, slot: Slot) -> BookingMeetingInterval:
    """A slot on the wire; those of group profiles say who is free."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (slot.start, slot.end))
    if profile.owner is not None:
        return BookingMeetingInterval(start=start, end=end)
    accounts = [int(member) for member in slot.members]
    return BookingMeetingInterval(start=start, end=end, group_xids=list(slot.groups), account_ids=accounts)


def _hours(profile: Profile, account: Account, found: WeekWorkSchedule | None) -> Hours | None:
    """The account's hours, unless the profile has its own; dates of the profile replace them in the account's zone."""
    if profile.has_hours:
        return None
    zone = ZoneInfo(zone_of(account))
    try:
        return hours(found or office(account), zone, profile.says.availability_intervals)
    except Invalid:  # the provider's are not as they should be
        return hours(office(account), zone, profile.says.availability_intervals)


def _held(profile: Profile, account: Account, claims: Iterable[Claim]) -> list[Event]:
    """What is claimed of an account. The pause after a meeting counts once: as its own, or as the profile's."""
    return [
        Event(int(claim.start.timestamp()), _end(claim, profile.buffer), HELD)
        for claim in claims
        if claim.account_id == account.id
    ]


def _end(claim: Claim, buffer: int) -> int:
    return int(claim.end.timestamp()) - min(claim.pause, buffer) * 60


def _without(events: Sequence[Event], own: Span | None) -> Sequence[Event]:
    """The events, less the one that is being moved."""
    number = next((at for at, one in enumerate(events) if (one.start, one.end) == own), None)
    return events if number is None else [*events[:number], *events[number + 1 :]]


def _part(profile: Profile, question: Question) -> tuple[Profile, str | None]:
    """The accounts that this page tells of, and the token of the next ones. Where all must be free, or groups are
    attached, they cannot be told apart."""
    everyone = [int(member) for member in profile.roster.everyone()]
    if profile.roster.required is Required.ALL or profile.roster.groups or not everyone:
        return profile, None
    first, size = _offset(question), question.limit or ACCOUNTS
    shown = everyone[first : first + size]
    accounts = {account: profile.accounts[account] for account in shown if account in profile.accounts}
    following = str(first + size) if first + size < len(everyone) else None
    return replace(profile.among(shown), accounts=accounts), following


def _offset(question: Question) -> int:
    token = question.page_token
    if token is None:
        return question.offset or 0
    if not (token.isascii() and token.isdigit() and len(token) < 10):
        raise Invalid("pageToken: is not one of this call", path="pageToken", code="token.notValid")
    return int(token)


def _explained(known: Known, span: Span, strangers: bool) -> list[SlotRefusal]:
    """What is not offered. Strangers are told each kind of reason once, and of nobody."""
    shown = (span[0], min(span[1], span[0] + _LONGEST))
    return [
        SlotRefusal(
            start=datetime.fromtimestamp(refusal.start, UTC),
            wall=refusal.wall.isoformat(timespec="minutes"),
            blocks=_blocks(refusal, strangers),
        )
        for refusal in known.refused(shown)
    ]


def _blocks(refusal: Refusal, strangers: bool) -> list[SlotBlock]:
    if strangers:
        return [SlotBlock(kind=kind) for kind in dict.fromkeys(block.kind for block in refusal.blocks)]
    return [
        SlotBlock(kind=block.kind, account_id=None if block.member is None else int(block.member))
        for block in refusal.blocks
    ]
