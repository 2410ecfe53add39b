"""Claims of meetings: no minute of an account is given twice, and none is lost."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from gateway.services.applications import Applications
from gateway.store.database import Database
from gateway.store.meeting_values import MeetingState, Team, Wish
from gateway.store.meetings import Meetings
from gateway.store.queries import accounts
from gateway.store.vault import Vault

pytestmark = pytest.mark.anyio

VAULT = Vault([Fernet.generate_key().decode()])
NINE = datetime(2031, 3, 3, 9, tzinfo=UTC)
HALF = timedelta(minutes=30)


class Desk:
    """An application's accounts, and meetings of one profile."""

    def __init__(self, database: Database, application: int, people: list[int]) -> None:
        self.database, self.application, self.people = database, application, people
        self.meetings, self.profile = Meetings(database), random.randrange(2**40)

    def wish(self, start: datetime = NINE, length: timedelta = HALF, buffer: int = 0, **more: object) -> Wish:
        uid = f"{uuid4()}@postroom"
        end = start + length
        return Wish(self.application, self.profile, uid, start, end, buffer, b"plan", **more)  # type: ignore[arg-type]

    def one(self, *which: int) -> list[Team]:
        return [Team(self.people[n], (self.people[n],)) for n in which or (0,)]

    async def state(self, meeting: int) -> MeetingState:
        found = await self.meetings.get(meeting)
        assert found is not None
        return found.state

    async def leap(self, by: timedelta) -> None:
        """Let time pass for everything that is waited for."""
        names = ("expires_at", "next_try_at", "settled_at")
        columns = ", ".join(f"{name} = {name} - cast(:by as interval)" for name in names)
        async with self.database.session() as session:
            await session.execute(
                sa.text(f"update meeting set {columns} where application_id = :id"), {"by": by, "id": self.application}
            )


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    application, _, _ = await Applications(database, VAULT).create(f"meetings {uuid4()}")
    columns = {"service_type": "Sandbox", "application_id": application.id}
    async with database.session() as session:
        rows = [await accounts.add(session, {**columns, "email": f"p{n}@example.com"}) for n in range(3)]
    yield Desk(database, application.id, [row.id for row in rows])


async def test_a_time_is_given_once(desk: Desk) -> None:
    first = (await desk.meetings.begin(desk.wish(), desk.one())).meeting
    assert first is not None and first.fresh and first.state is MeetingState.WRITING
    overlapping = (NINE, NINE + timedelta(minutes=29), NINE - timedelta(minutes=29))
    for start in overlapping:
        assert (await desk.meetings.begin(desk.wish(start), desk.one())).meeting is None
    for start in (NINE + HALF, NINE - HALF):
        assert (await desk.meetings.begin(desk.wish(start), desk.one())).meeting is not None
    assert (await desk.meetings.begin(desk.wish(), desk.one(1))).meeting is not None


async def test_the_constraint_holds_without_any_lock(desk: Desk) -> None:
    first = (await desk.meetings.begin(desk.wish(), desk.one())).meeting
    other = (await desk.meetings.begin(desk.wish(), desk.one(1))).meeting
    assert first is not None and other is not None
    move = sa.text(
        "update meeting_claim c set account_id = a.id, account = int8range(a.person, a.person, '[]') from account a"
        " where a.id = :to and meeting_id = :id"
    )
    with pytest.raises(sa.exc.IntegrityError, match="ex_meeting_claim"):
        async with desk.database.session() as session:
            await session.execute(move, {"to": first.account_id, "id": other.id})


async def test_the_pause_after_a_meeting_belongs_to_it(desk: Desk) -> None:
    assert (await desk.meetings.begin(desk.wish(buffer=15), desk.one())).meeting is not None
    late = timedelta(minutes=44)
    assert (await desk.meetings.begin(desk.wish(NINE + late), desk.one())).meeting is None
    assert (await desk.meetings.begin(desk.wish(NINE - HALF, buffer=1), desk.one())).meeting is None
    assert (await desk.meetings.begin(desk.wish(NINE + timedelta(minutes=45)), desk.one())).meeting is not None


async def test_whoever_was_booked_longest_ago_comes_first(desk: Desk) -> None:
    hosts = []
    for number in range(6):
        found = (await desk.meetings.begin(desk.wish(NINE + number * HALF), desk.one(0, 1, 2))).meeting
        assert found is not None
        hosts.append(found.account_id)
    assert hosts == desk.people * 2


async def test_a_failed_meeting_frees_its_time_and_does_not_count(desk: Desk) -> None:
    first = (await desk.meetings.begin(desk.wish(), desk.one(0, 1))).meeting
    assert first is not None and await desk.meetings.fail(first, "the calendar was away")
    assert await desk.state(first.id) is MeetingState.FAILED
    again = (await desk.meetings.begin(desk.wish(), desk.one(0, 1))).meeting
    assert again is not None and again.account_id == first.account_id
    assert not await desk.meetings.fail(first, "twice")


async def test_a_hold_lapses_by_itself(desk: Desk) -> None:
    held = (await desk.meetings.begin(desk.wish(hold=timedelta(minutes=5)), desk.one())).meeting
    assert held is not None and held.state is MeetingState.HELD
    assert (await desk.meetings.begin(desk.wish(), desk.one())).meeting is None
    assert await desk.meetings.taken(desk.people, NINE, NINE + HALF)
    await desk.leap(timedelta(minutes=6))
    assert not await desk.meetings.taken(desk.people, NINE, NINE + HALF)
    assert await desk.meetings.confirm(held.id) is None
    assert (await desk.meetings.begin(desk.wish(), desk.one())).meeting is not None
    assert await desk.state(held.id) is MeetingState.LAPSED


async def test_nobody_needs_to_come_for_a_hold_to_lapse(desk: Desk) -> None:
    held = (await desk.meetings.begin(desk.wish(hold=timedelta(minutes=5)), desk.one())).meeting
    assert held is not None and held.id not in await desk.meetings.due(100)
    await desk.meetings.lapse(held.id)
    assert await desk.state(held.id) is MeetingState.HELD
    await desk.leap(timedelta(minutes=6))
    assert held.id in await desk.meetings.due(100)
    await desk.meetings.lapse(held.id)
    assert await desk.state(held.id) is MeetingState.LAPSED
    assert list(await desk.meetings.members(held.id)) == []


async def test_a_hold_is_confirmed_once_and_held_again_after_a_failure(desk: Desk) -> None:
    held = (await desk.meetings.begin(desk.wish(hold=timedelta(minutes=5)), desk.one())).meeting
    assert held is not None
    begun = [found for found in await asyncio.gather(*(desk.meetings.confirm(held.id) for _ in range(5))) if found]
    assert len(begun) == 1
    assert await desk.meetings.fail(begun[0], "the calendar was away")
    assert await desk.state(held.id) is MeetingState.HELD
    again = await desk.meetings.confirm(held.id)
    assert again is not None and await desk.meetings.book(again, "primary", "e1")
    assert not await desk.meetings.release(held.id)


async def test_a_repeated_request_finds_its_meeting(desk: Desk) -> None:
    found = await asyncio.gather(*(desk.meetings.begin(desk.wish(key="k"), desk.one(0, 1, 2)) for _ in range(4)))
    assert len({outcome.meeting.id for outcome in found if outcome.meeting}) == 1
    assert sum(outcome.meeting.fresh for outcome in found if outcome.meeting) == 1


async def test_a_meeting_can_move_over_itself_and_back(desk: Desk) -> None:
    first = (await desk.meetings.begin(desk.wish(), desk.one())).meeting
    assert first is not None and await desk.meetings.book(first, "primary", "e1")
    later, booked = NINE + timedelta(minutes=15), await desk.meetings.get(first.id)
    assert booked is not None
    moving = await desk.meetings.move(booked, later, later + HALF)
    assert moving is not None and moving.state is MeetingState.MOVING
    for start in (NINE, later):  # both are taken while nobody knows how it ends
        assert (await desk.meetings.begin(desk.wish(start), desk.one())).meeting is None
    assert await desk.meetings.moved(moving, done=True)
    ten_past = timedelta(minutes=10)
    assert (await desk.meetings.begin(desk.wish(NINE, ten_past), desk.one())).meeting is not None
    assert (await desk.meetings.begin(desk.wish(later, ten_past), desk.one())).meeting is None


async def test_what_the_calendar_shows_is_not_said_twice(desk: Desk) -> None:
    team = [Team(desk.people[0], (desk.people[0], desk.people[1]))]
    first = (await desk.meetings.begin(desk.wish(), team)).meeting
    assert first is not None and await desk.meetings.book(first, "primary", "e1")
    assert len(await desk.meetings.taken(desk.people, NINE, NINE + HALF)) == 2
    await desk.leap(timedelta(hours=1))
    left = await desk.meetings.taken(desk.people, NINE, NINE + HALF)
    assert [claim.account_id for claim in left] == [desk.people[1]]  # the guest's calendar need not show it
    blocked = await desk.meetings.begin(desk.wish(), desk.one())
    assert blocked.meeting is None and list(blocked.settled) == [first.id]


async def test_many_at_once_never_share_a_minute(desk: Desk) -> None:
    """Holds, bookings, failures and confirmations, on overlapping times of three people."""
    chance = random.Random(5)

    async def visitor() -> None:
        start = NINE + timedelta(minutes=chance.randrange(0, 240, 5))
        team = desk.one(*chance.sample(range(3), 3))
        hold = timedelta(minutes=chance.choice((-1, 5))) if chance.random() < 0.5 else None
        length = timedelta(minutes=chance.choice((15, 30, 45)))
        meeting = (await desk.meetings.begin(desk.wish(start, length, chance.choice((0, 10)), hold=hold), team)).meeting
        if meeting is not None and hold is not None:
            meeting = await desk.meetings.confirm(meeting.id)
        if meeting is not None:
            await (
                desk.meetings.fail(meeting, "no") if chance.random() < 0.2 else desk.meetings.book(meeting, "c", "e")
            )

    await asyncio.gather(*(visitor() for _ in range(120)))
    minutes = Counter(await _minutes(desk))
    assert minutes and max(minutes.values()) == 1


async def _minutes(desk: Desk) -> list[tuple[int, datetime]]:
    """Every minute of every account that a meeting has, pauses included."""
    rows = sa.text("""select account_id, starts_at, ends_at + make_interval(mins => buffer_minutes) from meeting
        where application_id = :id and state = 'booked'""")
    async with desk.database.read() as session:
        spans = (await session.execute(rows, {"id": desk.application})).all()
    return [
        (account, start + timedelta(minutes=n))
        for account, start, end in spans
        for n in range(int((end - start) / timedelta(minutes=1)))
    ]
