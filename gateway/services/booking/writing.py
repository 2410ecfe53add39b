"""Meetings at the provider: written after the claim, under a UID that was fixed before, and settled in any case.

A write that failed frees the time. One whose answer was lost is `unknown`: the calendar is searched for the UID before
anything else is done, so there is never a second event, and the time stays claimed until it is known that there is
none. What a process that died leaves behind is found by `next_try_at`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from gateway.identity import Account
from gateway.services.booking.plan import Plan, event_write, moved_write
from gateway.services.identity import Identity
from gateway.services.sessions import Sessions
from gateway.store.meeting_values import ENDS, LEASE, Meeting, MeetingState
from gateway.store.meetings import Meetings
from gateway.store.vault import Vault
from gateway.work.pump import Pump
from providers.base.collection import PageRequest, Ref
from providers.base.errors import (
    NotFound,
    ProviderError,
    Retryable,
    Timeout,
    Unauthorized,
    Unavailable,
    Uncertain,
    Unsupported,
)
from providers.base.ports import Calendars, EventQuery, Events
from providers.base.provider import Session
from schemas.calendar import Event

log = logging.getLogger("postroom.booking")
T = TypeVar("T")

PATIENCE = 25.0  # seconds that whoever asked waits; the write goes on
#: When the calendar is searched for an event that may be there, counted from one look to the next.
LOOKS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15))
_GRACE = 8.0  # seconds that a stopping process waits for its writes
_LOST = "The calendar's answer was lost: the meeting may be booked, look before you book it again"
_ABSENT = "The calendar does not have the event: it was not written"


class Writing:
    """Writes, moves and removes the events of meetings; `told` is called with the account of whom something is told."""

    def __init__(
        self,
        meetings: Meetings,
        sessions: Sessions,
        identity: Identity,
        vault: Vault,
        told: Callable[[int], None] = lambda account_id: None,
    ) -> None:
        self._meetings, self._sessions, self._identity, self._vault = meetings, sessions, identity, vault
        self._told = told
        self._running: set[asyncio.Task[Any]] = set()

    def pump(self) -> Pump:
        """Keyed by the meeting: holds that lapse, and what nobody settled."""
        return Pump("meeting", self._meetings.due, self.run, every=5.0)

    async def close(self) -> None:
        """Wait for writes under way, for some seconds."""
        if self._running:
            await asyncio.wait(self._running, timeout=_GRACE)

    def seal(self, plan: Plan) -> bytes:
        """The plan as it is kept."""
        return self._vault.seal(dict(plan))

    def plan(self, meeting: Meeting) -> Plan:
        """What the meeting's event says."""
        plan: Plan = self._vault.unseal(meeting.sealed_plan)
        return plan

    async def write(self, meeting: Meeting) -> Meeting:
        """Put a claimed meeting into the host's calendar. Raises what the provider says, after which the time is free;
        `Uncertain` when nobody knows."""
        return await self._wait(self._write(meeting))

    async def remove(self, meeting: Meeting) -> None:
        """Take a booked meeting out of the calendar. Raises as `write`; the meeting stays then."""
        await self._wait(self._remove(meeting))

    async def shift(self, moving: Meeting) -> Meeting:
        """Take the event of a meeting to its new time. Raises as `write`; the meeting stays where it was then."""
        return await self._wait(self._shift(moving))

    async def is_gone(self, meeting: Meeting) -> bool:
        """Whether the event of a booked meeting is no longer in the calendar where it was put: its owner removed or
        moved it. False when that cannot be found out."""
        try:
            found = await self._at(meeting, lambda calendars, events: events.get(_ref(meeting)))
        except NotFound:
            return True
        except ProviderError:
            return False
        moved = found.start is None or found.start.instant() != meeting.starts_at or _ends(found) != meeting.ends_at
        return moved or _is_called_off(found)

    async def run(self, key: int) -> None:
        """Do what is due for one meeting."""
        await self._meetings.lapse(key)
        meeting = await self._meetings.due_one(key)
        if meeting is None:
            return
        if meeting.state in (MeetingState.WRITING, MeetingState.UNKNOWN):
            await self._wait(self._look(meeting))
        elif meeting.state is MeetingState.BOOKED:
            await self._wait(self._verify(meeting))
        elif meeting.state is MeetingState.CANCELLING:
            await self._again(meeting, self._delete)
        elif meeting.state is MeetingState.MOVING:
            await self._again(meeting, self._update)

    async def _write(self, meeting: Meeting) -> Meeting:
        try:
            calendar, event = await self._create(meeting)
        except (Uncertain, Timeout) as error:
            return await self._doubt(meeting, error)
        except ProviderError as error:
            await self._meetings.fail(meeting, error.message)
            raise
        except Exception as error:  # ours: whether it came before or after the write, the calendar knows
            log.exception("meeting %d could not be written", meeting.id)
            return await self._doubt(meeting, error)
        return await self._booked(meeting, calendar, event)

    async def _create(self, meeting: Meeting) -> tuple[str, Event]:
        plan = self.plan(meeting)
        members = await self._meetings.members(meeting.id)
        if meeting.account_id not in members:  # given up by others while this process stood still
            raise Unavailable("The gateway stood still while it booked: nothing is booked")
        people = [await self._identity.anybody(each) for each in members]
        colleagues = [each for each in people if each is not None and each.id != meeting.account_id]

        async def create(calendars: Calendars, events: Events) -> tuple[str, Event]:
            calendar = await calendars.primary()
            draft = event_write(plan, meeting, colleagues)
            try:
                return calendar, await events.create(calendar, draft)
            except Unsupported:
                if not plan["conference"]:
                    raise
            plain = event_write(plan, meeting, colleagues, conference=False)
            return calendar, await events.create(calendar, plain)

        return await self._at(meeting, create)

    async def _doubt(self, meeting: Meeting, error: Exception) -> Meeting:
        words = getattr(error, "message", None) or "the gateway failed while it was written"
        doubted = await self._changed(meeting, MeetingState.UNKNOWN, LOOKS[0], error=words)
        found = await self._sought(doubted)
        if found is None:
            raise Uncertain(_LOST) from error
        return found

    async def _sought(self, meeting: Meeting) -> Meeting | None:
        """The meeting as booked, if the calendar has its event; None when it has not, or cannot say."""
        try:
            found = await self._find(meeting)
        except ProviderError:
            return None
        return None if found is None else await self._booked(meeting, *found)

    async def _find(self, meeting: Meeting) -> tuple[str, Event] | None:
        async def find(calendars: Calendars, events: Events) -> tuple[str, Event] | None:
            calendar = await calendars.primary()
            page = await events.find(calendar, EventQuery(i_cal_uid=meeting.uid), PageRequest(limit=1))
            return (calendar, page.records[0]) if page.records else None

        return await self._at(meeting, find)

    async def _look(self, meeting: Meeting) -> None:
        """Nobody settled it. Only when the calendar has said often enough that there is no event, there is none."""
        try:
            found = await self._find(meeting)
        except ProviderError as error:
            final = isinstance(error, Unauthorized) and error.final
            await (self._meetings.fail(meeting, error.message) if final else self._later(meeting, error.message))
            return
        if found is not None:
            await self._booked(meeting, *found)
        elif meeting.attempts >= len(LOOKS):
            await self._meetings.fail(meeting, _ABSENT)
        else:
            await self._later(meeting, meeting.error or _ABSENT)

    async def _verify(self, meeting: Meeting) -> None:
        """The calendar's word about a booked meeting: its owner may have deleted the event, or moved it."""
        try:
            event = await self._at(meeting, lambda calendars, events: events.get(_ref(meeting)))
        except NotFound:
            event = None
        except ProviderError as error:
            over = meeting.ends_at <= datetime.now(UTC) or (isinstance(error, Unauthorized) and error.final)
            after = None if over else LOOKS[-1]
            await self._meetings.change(meeting, MeetingState.BOOKED, after, error=error.message)
            return
        starts, ends = (event.start, event.end) if event is not None else (None, None)
        if event is None or starts is None or ends is None or _is_called_off(event):
            told = await self._meetings.cancelled(meeting)
        elif (starts.instant(), ends.instant()) == (meeting.starts_at, meeting.ends_at):
            await self._meetings.settled(meeting)
            told = False
        else:
            told = await self._meetings.follow(meeting, starts.instant(), ends.instant())
        if told:
            self._told(meeting.account_id)

    async def _later(self, meeting: Meeting, words: str) -> None:
        after = LOOKS[min(meeting.attempts, len(LOOKS) - 1)]
        await self._meetings.change(meeting, MeetingState.UNKNOWN, after, error=words, attempts=meeting.attempts + 1)

    async def _booked(self, meeting: Meeting, calendar: str, event: Event) -> Meeting:
        event_id = event.id or ""
        if await self._meetings.book(meeting, calendar, event_id):
            self._told(meeting.account_id)
            done = replace(meeting, state=MeetingState.BOOKED, revision=meeting.revision + 1)
            return replace(done, calendar_id=calendar, event_id=event_id)
        return await self._overtaken(meeting, calendar, event_id)

    async def _overtaken(self, meeting: Meeting, calendar: str, event_id: str) -> Meeting:
        """Somebody else settled it meanwhile: a process that stood still was taken for dead. An event of a meeting that
        was given up has no claim, so it goes again."""
        present = await self._meetings.get(meeting.id)
        if present is not None and present.state not in ENDS:
            return present
        await self._at(meeting, lambda calendars, events: events.delete(Ref(event_id, calendar), notify=True))
        raise Unavailable("The gateway stood still while it booked: nothing is booked")

    async def _remove(self, meeting: Meeting) -> None:
        begun = await self._changed(meeting, MeetingState.CANCELLING, LEASE)
        try:
            await self._delete(begun)
        except (Uncertain, Timeout):
            raise
        except ProviderError as error:
            await self._meetings.change(begun, MeetingState.BOOKED, error=error.message)
            raise

    async def _delete(self, meeting: Meeting) -> None:
        try:
            await self._at(meeting, lambda calendars, events: events.delete(_ref(meeting), notify=True))
        except NotFound:
            pass  # its owner was faster
        if await self._meetings.cancelled(meeting):
            self._told(meeting.account_id)

    async def _shift(self, moving: Meeting) -> Meeting:
        try:
            return await self._update(moving)
        except (Uncertain, Timeout):
            raise
        except ProviderError as error:
            await self._meetings.moved(moving, done=False, error=error.message)
            raise

    async def _update(self, moving: Meeting) -> Meeting:
        draft = moved_write(self.plan(moving), moving)
        await self._at(moving, lambda calendars, events: events.update(_ref(moving), draft))
        if await self._meetings.moved(moving, done=True):
            self._told(moving.account_id)
        assert moving.new_starts_at is not None and moving.new_ends_at is not None
        return replace(
            moving,
            state=MeetingState.BOOKED,
            revision=moving.revision + 1,
            starts_at=moving.new_starts_at,
            ends_at=moving.new_ends_at,
        )

    async def _again(self, meeting: Meeting, step: Callable[[Meeting], Awaitable[object]]) -> None:
        """What nobody finished is done again: it does no harm to do it twice."""
        try:
            await self._wait(step(meeting))
        except (Retryable, Uncertain) as error:
            await self._meetings.change(meeting, meeting.state, LOOKS[-1], error=error.message)
        except ProviderError as error:
            await self._give_up(meeting, error)

    async def _give_up(self, meeting: Meeting, error: ProviderError) -> None:
        if meeting.state is MeetingState.MOVING:
            await self._meetings.moved(meeting, done=False, error=error.message)
        else:
            await self._meetings.change(meeting, MeetingState.BOOKED, error=error.message)

    async def _changed(self, meeting: Meeting, state: MeetingState, after: timedelta, **more: Any) -> Meeting:
        """Raises `Uncertain` when somebody else is at it."""
        if not await self._meetings.change(meeting, state, after, **more):
            raise Uncertain("The meeting is being changed by somebody else at this moment")
        return replace(meeting, state=state, revision=meeting.revision + 1)

    async def _at(self, meeting: Meeting, work: Callable[[Calendars, Events], Awaitable[T]]) -> T:
        """Do something in the host's calendars. Raises `Unsupported`, and as `Sessions.native`."""
        async with self._sessions.native(await self._host(meeting)) as session:
            return await work(*_ports(session))

    async def _host(self, meeting: Meeting) -> Account:
        account = await self._identity.anybody(meeting.account_id)
        if account is None:
            raise NotFound("The account of the meeting is gone")
        return account

    async def _wait(self, work: Awaitable[T]) -> T:
        """Run to the end, whatever becomes of whoever asked. Raises `Uncertain` when it takes too long."""
        task = asyncio.create_task(_run(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        if not done:
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            raise Uncertain("The calendar has not answered yet: the change may still happen, look before you repeat it")
        return await task


async def _run(work: Awaitable[T]) -> T:
    return await work


def _ports(session: Session) -> tuple[Calendars, Events]:
    if session.calendars is None or session.events is None:
        raise Unsupported("This account's provider has no calendars")
    return session.calendars, session.events


def _ref(meeting: Meeting) -> Ref:
    return Ref(meeting.event_id or "", meeting.calendar_id)


def _is_called_off(event: Event) -> bool:
    return event.meeting_info is not None and bool(event.meeting_info.canceled)


def _ends(event: Event) -> object:
    return event.end.instant() if event.end else None
