"""Meetings: who has which time of an account, and what became of it (design section 9).

Every change of state is compared with the `revision` that was read; see `claims` for what keeps meetings apart.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.errors import ExclusionViolation, UniqueViolation
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store import claims
from gateway.store.database import Database
from gateway.store.feed import Event, Origin, append
from gateway.store.meeting_values import LEASE, SETTLING, Claim, Meeting, MeetingState, Outcome, Team, Wish, meeting
from gateway.store.tables import MeetingClaimRow, MeetingRow

PORT = "bookings"


class Meetings:
    """Claims time and keeps what became of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, wish: Wish, teams: Sequence[Team]) -> Outcome:
        """Claim the time for the first team that has it free, those first whose host was booked longest ago.

        A repeated request (same profile and key) finds the meeting that it made."""
        try:
            async with self._database.session() as session:
                return await claims.begin(session, wish, teams)
        except IntegrityError as error:
            if isinstance(error.orig, UniqueViolation) and wish.key:
                async with self._database.read() as session:
                    return Outcome(await claims.repeated(session, wish))
            if isinstance(error.orig, ExclusionViolation):  # somebody who took no lock was faster
                return Outcome(None)
            raise

    async def repeated(self, wish: Wish) -> Meeting | None:
        """The meeting that an earlier request with the same key made."""
        async with self._database.read() as session:
            return await claims.repeated(session, wish)

    async def taken(self, accounts: Sequence[int], start: datetime, end: datetime, but: int = 0) -> Sequence[Claim]:
        """What is claimed of the accounts and may not show in their calendars yet; `but`: without this meeting's."""
        async with self._database.read() as session:
            return await claims.taken(session, accounts, start, end, but)

    async def get(self, meeting_id: int) -> Meeting | None:
        """One meeting, whosesoever: the caller checks whose it is."""
        async with self._database.read() as session:
            row = await session.get(MeetingRow, meeting_id)
        return meeting(row) if row else None

    async def by_uid(self, uid: str) -> Meeting | None:
        """The meeting of an iCalendar UID."""
        async with self._database.read() as session:
            row = await session.scalar(select(MeetingRow).where(col(MeetingRow.uid) == uid))
        return meeting(row) if row else None

    async def members(self, meeting_id: int) -> Sequence[int]:
        """The accounts that have a claim in it."""
        statement = select(col(MeetingClaimRow.account_id)).where(col(MeetingClaimRow.meeting_id) == meeting_id)
        async with self._database.read() as session:
            return (await session.scalars(statement.order_by(col(MeetingClaimRow.account_id)))).all()

    async def holds(self, profile_id: int) -> int:
        """How many slots of a profile visitors hold at the moment."""
        row = MeetingRow
        mine = col(row.profile_id) == profile_id, col(row.state) == MeetingState.HELD, col(row.public)
        statement = select(func.count()).select_from(row).where(*mine, col(row.expires_at) > func.now())
        async with self._database.read() as session:
            return await session.scalar(statement) or 0

    async def confirm(self, meeting_id: int) -> Meeting | None:
        """Begin to write a hold that has not lapsed; None for anything else."""
        row = MeetingRow
        mine = (col(row.id) == meeting_id, col(row.state) == MeetingState.HELD)
        statement = update(row).where(*mine, col(row.expires_at) > func.clock_timestamp())
        values = _next(MeetingState.WRITING, LEASE) | {"attempts": col(row.attempts) + 1}
        async with self._database.session() as session:
            found = await session.scalar(statement.values(values).returning(row))
        return meeting(found) if found else None

    async def release(self, meeting_id: int) -> bool:
        """Give a hold up; whether it was one."""
        row = MeetingRow
        statement = update(row).where(col(row.id) == meeting_id, col(row.state) == MeetingState.HELD)
        async with self._database.session() as session:
            ended = await session.scalar(statement.values(_next(MeetingState.CANCELLED)).returning(col(row.id)))
            if ended is not None:
                await claims.free(session, meeting_id)
        return ended is not None

    async def change(self, before: Meeting, state: MeetingState, after: timedelta | None = None, **more: Any) -> bool:
        """Go to another state; `after` which time something is to be done about it. False, and nothing happens, when
        somebody else has moved it meanwhile."""
        async with self._database.session() as session:
            return await _change(session, before, _next(state, after) | more) is not None

    async def book(self, before: Meeting, calendar_id: str, event_id: str) -> bool:
        """The event stands in the calendar, as the row says; its subscribers are told."""
        values = _next(MeetingState.BOOKED) | {"settled_at": func.now(), "error": None, "expires_at": None}
        return await self._tell(before, "created", values | {"calendar_id": calendar_id, "event_id": event_id})

    async def fail(self, before: Meeting, error: str) -> bool:
        """There is no event and will be none: the time is free. A hold that was to be confirmed is one again, as long
        as it would have lasted."""
        row, now = MeetingRow, func.clock_timestamp()
        async with self._database.session() as session:
            again = {**_next(MeetingState.HELD), "next_try_at": col(row.expires_at), "error": error}
            if await _change(session, before, again, col(row.expires_at) > now) is not None:
                return True
            if await _change(session, before, _next(MeetingState.FAILED) | {"error": error}) is None:
                return False
            await claims.free(session, before.id)
        return True

    async def cancelled(self, before: Meeting) -> bool:
        """The event is gone: the time is free, and subscribers are told."""
        return await self._tell(before, "deleted", _next(MeetingState.CANCELLED), free=True)

    async def move(self, before: Meeting, starts_at: datetime, ends_at: datetime) -> Meeting | None:
        """Claim another time beside the present one; None when somebody else has it, or the meeting was changed."""
        accounts = list(await self.members(before.id))
        end = ends_at + timedelta(minutes=before.buffer_minutes)
        new = _next(MeetingState.MOVING, LEASE) | {"new_starts_at": starts_at, "new_ends_at": ends_at}
        async with self._database.session() as session:
            await claims.lock(session, accounts)
            if await claims.conflicts(session, accounts, starts_at, end, before.id):
                return None
            if (row := await _change(session, before, new)) is None:
                return None
            await claims.add_span(session, before.id, starts_at, end)
            return meeting(row)

    async def moved(self, before: Meeting, *, done: bool, error: str | None = None) -> bool:
        """The event stands at the new time, or where it stood; the other one is free."""
        starts, ends = (before.new_starts_at, before.new_ends_at) if done else (before.starts_at, before.ends_at)
        assert starts is not None and ends is not None
        values = _next(MeetingState.BOOKED) | {"starts_at": starts, "ends_at": ends, "settled_at": func.now()}
        values |= {"new_starts_at": None, "new_ends_at": None, "error": error}
        span = (starts, ends + timedelta(minutes=before.buffer_minutes))
        return await self._tell(before, "updated" if done else None, values, span=span)

    async def forget_claims(self, meeting_id: int) -> None:
        """Its owner moved the event in the calendar, which knows better from now on."""
        async with self._database.session() as session:
            await claims.free(session, meeting_id)

    async def settled(self, before: Meeting) -> bool:
        """The calendar shows the event as the row says, just now."""
        return await self.change(before, MeetingState.BOOKED, settled_at=func.now())

    async def follow(self, before: Meeting, starts_at: datetime, ends_at: datetime) -> bool:
        """Its owner moved the event in the calendar: the meeting goes with it, and its subscribers are told. Where
        somebody in it has another meeting then, the calendar has decided: this one claims nothing any more."""
        values = _next(MeetingState.BOOKED) | {"starts_at": starts_at, "ends_at": ends_at, "settled_at": func.now()}
        span = (starts_at, max(ends_at, starts_at) + timedelta(minutes=before.buffer_minutes))
        try:
            return await self._tell(before, "updated", values, span=span)
        except IntegrityError as error:
            if not isinstance(error.orig, ExclusionViolation):
                raise
        return await self._tell(before, "updated", values, free=True)

    async def look_at(self, meetings: Sequence[int]) -> None:
        """Have meetings looked at in the calendar soon, whose owners may have changed them since the last time."""
        row, now = MeetingRow, func.now()
        booked = col(row.state) == MeetingState.BOOKED, col(row.next_try_at).is_(None)
        stale = *booked, col(row.settled_at) < now - SETTLING
        statement = update(row).where(col(row.id).in_(meetings), *stale).values(next_try_at=now)
        async with self._database.read() as session:
            await session.execute(statement)

    async def _tell(
        self,
        before: Meeting,
        change: str | None,
        values: dict[str, Any],
        *,
        free: bool = False,
        span: tuple[datetime, datetime] | None = None,
    ) -> bool:
        async with self._database.session() as session:
            row = await _change(session, before, values)
            if row is None:
                return False
            if free:
                await claims.free(session, before.id)
            if span is not None:
                await claims.set_span(session, before.id, *span)
            if change is not None:
                attributes = {"bookingId": row.profile_id, "calendarId": row.calendar_id, "eventId": row.event_id}
                origin = Origin(row.account_id, PORT, str(row.profile_id))
                await append(session, origin, [Event(str(row.id), change, attributes)])
        return True

    async def due(self, limit: int) -> Sequence[int]:
        """Meetings that something is to be done about, longest due first."""
        row = MeetingRow
        statement = select(col(row.id)).where(col(row.next_try_at) <= func.now()).order_by(col(row.next_try_at))
        async with self._database.read() as session:
            return (await session.scalars(statement.limit(limit))).all()

    async def due_one(self, meeting_id: int) -> Meeting | None:
        """A meeting, if something is to be done about it now."""
        row = MeetingRow
        statement = select(row).where(col(row.id) == meeting_id, col(row.next_try_at) <= func.now())
        async with self._database.read() as session:
            found = await session.scalar(statement)
        return meeting(found) if found else None

    async def lapse(self, meeting_id: int) -> None:
        """End a hold whose time is over."""
        row = MeetingRow
        over = col(row.state) == MeetingState.HELD, col(row.expires_at) <= func.clock_timestamp()
        statement = update(row).where(col(row.id) == meeting_id, *over).values(_next(MeetingState.LAPSED))
        async with self._database.session() as session:
            if await session.scalar(statement.returning(col(row.id))) is not None:
                await claims.free(session, meeting_id)

    async def purge(self, days: int = 30) -> int:
        """Forget meetings that ended, or came to nothing, so many days ago; how many."""
        old = text("""delete from meeting where next_try_at is null and (ends_at < now() - make_interval(days => :days)
            or (state in ('failed', 'lapsed', 'cancelled') and updated_at < now() - make_interval(days => :days)))""")
        async with self._database.read() as session:
            return int(getattr(await session.execute(old, {"days": days}), "rowcount", 0))


def _next(state: MeetingState, after: timedelta | None = None) -> dict[str, Any]:
    due = None if after is None else func.now() + after
    return {"state": state, "next_try_at": due, "revision": col(MeetingRow.revision) + 1, "updated_at": func.now()}


async def _change(session: AsyncSession, before: Meeting, values: dict[str, Any], *more: Any) -> MeetingRow | None:
    row = MeetingRow
    mine = col(row.id) == before.id, col(row.revision) == before.revision, *more
    return await session.scalar(update(row).where(*mine).values(values).returning(row))
