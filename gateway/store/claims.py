"""Claiming time of accounts, within a transaction. Claims are of mailboxes: two accounts of one have the same time.

Whoever claims takes a lock for each mailbox first, in one order, so that claims wait for each other instead of failing;
holds that have lapsed are removed then. The constraint `ex_meeting_claim` holds whatever this file does.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from gateway.store.meeting_values import (
    ENDS,
    LEASE,
    SETTLING,
    Claim,
    Meeting,
    MeetingState,
    Outcome,
    Team,
    Wish,
    meeting,
)
from gateway.store.tables import MeetingRow

_TRIED = 64  # teams of one wish; their accounts are locked meanwhile
_LOCK = text("""
select pg_advisory_xact_lock(hashtextextended('meeting:' || person, 0))
from (select distinct person from account where id = any(:ids) order by person) p
""")
_LAPSE = text("""
with lapsed as (
    update meeting set state = 'lapsed', next_try_at = null, revision = revision + 1, updated_at = now()
    where state = 'held' and expires_at <= clock_timestamp()
        and id in (select meeting_id from meeting_claim c
            join account a on c.account && int8range(a.person, a.person, '[]') where a.id = any(:ids))
    returning id
)
delete from meeting_claim c using lapsed l where c.meeting_id = l.id
""")
_CONFLICTS = text("""
select a.id, c.meeting_id,
    m.state = 'booked' and h.person = a.person and m.settled_at < clock_timestamp() - :settling as settled
from account a join meeting_claim c on c.account && int8range(a.person, a.person, '[]')
join meeting m on m.id = c.meeting_id join account h on h.id = m.account_id
where a.id = any(:ids) and c.during && tstzrange(:start, :end) and c.meeting_id <> :but
""")
_LAST = text("""
select account_id, max(created_at) from meeting
where profile_id = :profile and account_id = any(:ids) and state not in ('failed', 'lapsed', 'cancelled')
group by account_id
""")
_CLAIM = text("""
insert into meeting_claim (meeting_id, account_id, account, during)
select distinct on (person) :meeting, id, int8range(person, person, '[]'), tstzmultirange(tstzrange(:start, :end))
from account where id = any(:ids) order by person, id <> :host, id
""")
_TAKEN = text("""
select a.id, c.meeting_id, lower(r), upper(r), m.buffer_minutes,
    m.state = 'booked' and m.settled_at < clock_timestamp() - :settling as doubtful
from account a join meeting_claim c on c.account && int8range(a.person, a.person, '[]')
join meeting m on m.id = c.meeting_id join account h on h.id = m.account_id, unnest(c.during) r
where a.id = any(:ids) and c.during && tstzrange(:start, :end) and c.meeting_id <> :but
    and (m.state <> 'held' or m.expires_at > clock_timestamp())
    and not (m.state = 'booked' and h.person = a.person and m.settled_at < clock_timestamp() - :settling)
""")
_ADD = text("update meeting_claim set during = during + tstzmultirange(tstzrange(:start, :end)) where meeting_id = :id")
_SET = text("update meeting_claim set during = tstzmultirange(tstzrange(:start, :end)) where meeting_id = :id")


async def begin(session: AsyncSession, wish: Wish, teams: Sequence[Team]) -> Outcome:
    """Claim in this transaction; see `Meetings.begin`."""
    if len(teams) > _TRIED:
        teams = (await _by_turn(session, wish.profile_id, teams))[:_TRIED]
    ids = sorted({member for team in teams for member in team.members})
    await lock(session, ids)
    if earlier := await repeated(session, wish):
        return Outcome(earlier)
    span = {"start": wish.starts_at, "end": wish.ends_at + timedelta(minutes=wish.buffer_minutes)}
    found = await conflicts(session, ids, span["start"], span["end"])
    taken = {row[0] for row in found}
    for team in await _by_turn(session, wish.profile_id, teams):
        if taken.isdisjoint(team.members):
            meeting = await _insert(session, wish, team)
            await session.execute(
                _CLAIM, {"meeting": meeting.id, "ids": sorted(team.members), "host": team.host, **span}
            )
            return Outcome(meeting)
    return Outcome(None, sorted({row[1] for row in found if row[2]}))


async def lock(session: AsyncSession, accounts: Sequence[int]) -> None:
    """Let nobody else claim time of these accounts until the transaction ends; lapsed holds of theirs are gone."""
    await session.execute(_LOCK, {"ids": list(accounts)})
    await session.execute(_LAPSE, {"ids": list(accounts)})


async def conflicts(
    session: AsyncSession, accounts: Sequence[int], start: datetime, end: datetime, but: int = 0
) -> Sequence[Any]:
    """(account, meeting, whether the calendar shows it for long) of what has time of the accounts, except `but`."""
    values = {"ids": list(accounts), "settling": SETTLING, "start": start, "end": end, "but": but}
    return (await session.execute(_CONFLICTS, values)).all()


async def taken(
    session: AsyncSession, accounts: Sequence[int], start: datetime, end: datetime, but: int = 0
) -> Sequence[Claim]:
    """See `Meetings.taken`."""
    values = {"ids": list(accounts), "settling": SETTLING, "start": start, "end": end, "but": but}
    return [Claim(*row) for row in await session.execute(_TAKEN, values)]


async def add_span(session: AsyncSession, meeting_id: int, start: datetime, end: datetime) -> None:
    """Claim another time beside the present one, for everybody in a meeting."""
    await session.execute(_ADD, {"id": meeting_id, "start": start, "end": end})


async def set_span(session: AsyncSession, meeting_id: int, start: datetime, end: datetime) -> None:
    """Claim this time and no other."""
    await session.execute(_SET, {"id": meeting_id, "start": start, "end": end})


async def free(session: AsyncSession, meeting_id: int) -> None:
    """Claim nothing any more."""
    await session.execute(text("delete from meeting_claim where meeting_id = :id"), {"id": meeting_id})


async def repeated(session: AsyncSession, wish: Wish) -> Meeting | None:
    """The meeting that an earlier request with the same key made."""
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
