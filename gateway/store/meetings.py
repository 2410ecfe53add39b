"""Meetings and their claims: who has which time of an account (design section 9).

The constraint `ex_meeting_claim` makes overlaps impossible. Whoever claims takes a lock for each account first, in the
order of their ids, so that claims wait for each other instead of failing; a hold that has lapsed is removed in the same
transaction, by whoever comes first. Every change of state is compared with the `revision` that was read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from psycopg.errors import ExclusionViolation, UniqueViolation
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.database import Database
from gateway.store.feed import Event, Origin, append
from gateway.store.tables import MeetingClaimRow, MeetingRow

#: How long a write at the provider may take; then its process is taken for dead.
LEASE = timedelta(minutes=2)
#: So long after it was written the provider's calendar shows an event to everybody: longer than any request takes.
SETTLING = timedelta(minutes=5)
PORT = "bookings"


class MeetingState(StrEnum):
    """Where a meeting stands."""

    HELD = "held"
    WRITING = "writing"
    UNKNOWN = "unknown"
    BOOKED = "booked"
    MOVING = "moving"
    CANCELLING = "cancelling"
    FAILED = "failed"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


#: States that hold no time.
ENDS = (MeetingState.FAILED, MeetingState.LAPSED, MeetingState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Team:
    """Accounts that meet; the event stands in the host's calendar."""

    host: int
    members: tuple[int, ...]
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A slot that somebody wants. `key` tells a repeated request; `hold` keeps the slot so long instead of booking."""

    application_id: int
    profile_id: int
    uid: str
    starts_at: datetime
    ends_at: datetime
    buffer_minutes: int
    sealed_plan: bytes = field(repr=False)
    hold: timedelta | None = None
    key: str | None = None
    public: bool = False


@dataclass(frozen=True, slots=True)
class Meeting:
    """A row as it was read; `fresh` when this call made it."""

    id: int
    application_id: int
    profile_id: int
    account_id: int
    state: MeetingState
    uid: str
    starts_at: datetime
    ends_at: datetime
    new_starts_at: datetime | None
    new_ends_at: datetime | None
    buffer_minutes: int
    group_xid: str | None
    calendar_id: str | None
    event_id: str | None
    sealed_plan: bytes = field(repr=False)
    revision: int = 0
    attempts: int = 0
    error: str | None = None
    expires_at: datetime | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """Time that is taken of an account; `pause` (minutes) is the part at its end that is kept free."""

    account_id: int
    meeting_id: int
    start: datetime
    end: datetime
    pause: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The meeting, or none when somebody else has the time; then `settled` are meetings in the way that the calendar
    showed some time ago: their owners may have taken them out of it since."""

    meeting: Meeting | None
    settled: Sequence[int] = ()


_LOCK = text(
    "select pg_advisory_xact_lock(hashtextextended('meeting:' || id, 0)) from unnest(cast(:ids as bigint[])) id"
)
_LAPSE = text("""
with lapsed as (
    update meeting set state = 'lapsed', next_try_at = null, revision = revision + 1, updated_at = now()
    where state = 'held' and expires_at <= clock_timestamp()
        and id in (select meeting_id from meeting_claim where account_id = any(:ids))
    returning id
)
delete from meeting_claim c using lapsed l where c.meeting_id = l.id
""")
_CONFLICTS = text("""
select c.account_id, c.meeting_id,
    m.state = 'booked' and m.account_id = c.account_id and m.settled_at < clock_timestamp() - :settling as settled
from meeting_claim c join meeting m on m.id = c.meeting_id
where c.account_id = any(:ids) and c.during && tstzrange(:start, :end) and c.meeting_id <> :but
""")
_LAST = text("""
select account_id, max(created_at) from meeting
where profile_id = :profile and account_id = any(:ids) and state not in ('failed', 'lapsed', 'cancelled')
group by account_id
""")
_CLAIM = text("""
insert into meeting_claim (meeting_id, account_id, account, during)
select :meeting, id, int8range(id, id, '[]'), tstzmultirange(tstzrange(:start, :end))
from unnest(cast(:ids as bigint[])) id
""")
_TAKEN = text("""
select c.account_id, c.meeting_id, lower(r), upper(r), m.buffer_minutes
from meeting_claim c join meeting m on m.id = c.meeting_id, unnest(c.during) r
where c.account_id = any(:ids) and c.during && tstzrange(:start, :end) and c.meeting_id <> :but
    and (m.state <> 'held' or m.expires_at > clock_timestamp())
    and not (m.state = 'booked' and m.account_id = c.account_id and m.settled_at < clock_timestamp() - :settling)
""")


class Meetings:
    """Claims time and keeps what became of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, wish: Wish, teams: Sequence[Team]) -> Outcome:
        """Claim the time for the first team that has it free, those first whose host was booked longest ago.

        A repeated request (same profile and key) finds the meeting that it made."""
        try:
            async with self._database.session() as session:
                return await self._begin(session, wish, teams)
        except IntegrityError as error:
            if isinstance(error.orig, UniqueViolation) and wish.key:
                async with self._database.read() as session:
                    return Outcome(await _repeated(session, wish))
            if isinstance(error.orig, ExclusionViolation):  # somebody who took no lock was faster
                return Outcome(None)
            raise

    async def _begin(self, session: AsyncSession, wish: Wish, teams: Sequence[Team]) -> Outcome:
        ids = sorted({member for team in teams for member in team.members})
        await session.execute(_LOCK, {"ids": ids})
        if earlier := await _repeated(session, wish):
            return Outcome(earlier)
        await session.execute(_LAPSE, {"ids": ids})
        span = {"start": wish.starts_at, "end": wish.ends_at + timedelta(minutes=wish.buffer_minutes)}
        conflicts = (await session.execute(_CONFLICTS, {"ids": ids, "settling": SETTLING, "but": 0, **span})).all()
        taken = {row[0] for row in conflicts}
        for team in await _by_turn(session, wish.profile_id, teams):
            if taken.isdisjoint(team.members):
                meeting = await _insert(session, wish, team)
                await session.execute(_CLAIM, {"meeting": meeting.id, "ids": sorted(team.members), **span})
                return Outcome(meeting)
        return Outcome(None, sorted({row[1] for row in conflicts if row[2]}))

    async def repeated(self, wish: Wish) -> Meeting | None:
        """The meeting that an earlier request with the same key made."""
        async with self._database.read() as session:
            return await _repeated(session, wish)

    async def taken(self, accounts: Sequence[int], start: datetime, end: datetime, but: int = 0) -> Sequence[Claim]:
        """What is claimed of the accounts and may not show in their calendars yet; `but`: without this meeting's."""
        values = {"ids": list(accounts), "start": start, "end": end, "settling": SETTLING, "but": but}
        async with self._database.read() as session:
            return [Claim(*row) for row in await session.execute(_TAKEN, values)]

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
                await _free(session, meeting_id)
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
            await _free(session, before.id)
        return True

    async def cancelled(self, before: Meeting) -> bool:
        """The event is gone: the time is free, and subscribers are told."""
        return await self._tell(before, "deleted", _next(MeetingState.CANCELLED), free=True)

    async def move(self, before: Meeting, starts_at: datetime, ends_at: datetime) -> Meeting | None:
        """Claim another time beside the present one; None when somebody else has it, or the meeting was changed."""
        accounts = list(await self.members(before.id))
        end = ends_at + timedelta(minutes=before.buffer_minutes)
        values = {"ids": accounts, "settling": SETTLING, "start": starts_at, "end": end, "but": before.id}
        added = text("""update meeting_claim set during = during + tstzmultirange(tstzrange(:start, :end))
            where meeting_id = :but""")
        new = _next(MeetingState.MOVING, LEASE) | {"new_starts_at": starts_at, "new_ends_at": ends_at}
        async with self._database.session() as session:
            await session.execute(_LOCK, {"ids": accounts})
            await session.execute(_LAPSE, {"ids": accounts})
            if (await session.execute(_CONFLICTS, values)).first() is not None:
                return None
            if (row := await _change(session, before, new)) is None:
                return None
            await session.execute(added, {name: values[name] for name in ("start", "end", "but")})
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
            await _free(session, meeting_id)

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
                await _free(session, before.id)
            if span is not None:
                await _set_span(session, before.id, span)
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
                await _free(session, meeting_id)

    async def purge(self, days: int = 30) -> int:
        """Forget meetings that ended, or came to nothing, so many days ago; how many."""
        old = text("""delete from meeting where next_try_at is null and (ends_at < now() - make_interval(days => :days)
            or (state in ('failed', 'lapsed', 'cancelled') and updated_at < now() - make_interval(days => :days)))""")
        async with self._database.read() as session:
            return int(getattr(await session.execute(old, {"days": days}), "rowcount", 0))


def meeting(row: MeetingRow, *, fresh: bool = False) -> Meeting:
    """The value of a row."""
    names = [name for name in Meeting.__slots__ if name not in ("fresh", "state")]
    return Meeting(**{name: getattr(row, name) for name in names}, state=MeetingState(row.state), fresh=fresh)


def _next(state: MeetingState, after: timedelta | None = None) -> dict[str, Any]:
    due = None if after is None else func.now() + after
    return {"state": state, "next_try_at": due, "revision": col(MeetingRow.revision) + 1, "updated_at": func.now()}


async def _change(session: AsyncSession, before: Meeting, values: dict[str, Any], *more: Any) -> MeetingRow | None:
    row = MeetingRow
    mine = col(row.id) == before.id, col(row.revision) == before.revision, *more
    return await session.scalar(update(row).where(*mine).values(values).returning(row))


async def _free(session: AsyncSession, meeting_id: int) -> None:
    await session.execute(text("delete from meeting_claim where meeting_id = :id"), {"id": meeting_id})


async def _set_span(session: AsyncSession, meeting_id: int, span: tuple[datetime, datetime]) -> None:
    statement = text("update meeting_claim set during = tstzmultirange(tstzrange(:start, :end)) where meeting_id = :id")
    await session.execute(statement, {"id": meeting_id, "start": span[0], "end": span[1]})


async def _repeated(session: AsyncSession, wish: Wish) -> Meeting | None:
    if wish.key is None:
        return None
    row = MeetingRow
    mine = col(row.profile_id) == wish.profile_id, col(row.request_key) == wish.key, col(row.state).not_in(ENDS)
    found = await session.scalar(select(row).where(*mine))
    return meeting(found) if found else None


async def _by_turn(session: AsyncSession, profile_id: int, teams: Sequence[Team]) -> list[Team]:
    """Hosts who never had a meeting of this profile first, then those whose last one was booked longest ago."""
    if len(teams) < 2:
        return list(teams)
    hosts = sorted({team.host for team in teams})
    rows = await session.execute(_LAST, {"profile": profile_id, "ids": hosts})
    last = {row[0]: row[1].timestamp() for row in rows}
    return sorted(teams, key=lambda team: last.get(team.host, 0.0))


async def _insert(session: AsyncSession, wish: Wish, team: Team) -> Meeting:
    held = wish.hold is not None
    until = func.now() + (wish.hold if wish.hold is not None else LEASE)
    values = {
        "application_id": wish.application_id,
        "profile_id": wish.profile_id,
        "account_id": team.host,
        "state": MeetingState.HELD if held else MeetingState.WRITING,
        "uid": wish.uid,
        "starts_at": wish.starts_at,
        "ends_at": wish.ends_at,
        "buffer_minutes": wish.buffer_minutes,
        "group_xid": team.group,
        "sealed_plan": wish.sealed_plan,
        "request_key": wish.key,
        "public": wish.public,
        "expires_at": until if held else None,
        "next_try_at": until,
        "created_at": func.clock_timestamp(),  # whoever waited for the lock came later
    }
    row = (await session.scalars(insert(MeetingRow).values(values).returning(MeetingRow))).one()
    return meeting(row, fresh=True)
