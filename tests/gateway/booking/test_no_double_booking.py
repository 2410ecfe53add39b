"""Many processes and visitors at the same slots: every minute has one owner, and the calendars agree with claims."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.identity import Account
from gateway.store.meeting_values import MeetingState
from schemas.booking import BookingAttachAccountsDto
from tests.gateway.booking.conftest import Practice, tomorrow

pytestmark = pytest.mark.anyio
PROCESSES = 4
_MINUTE = timedelta(minutes=1)


class Claimants:
    """Processes of the gateway that book at the same time."""

    def __init__(self, practice: Practice, url: str, folder: Path, profiles: Sequence[int]) -> None:
        application, named = str(practice.application.id), json.dumps(list(profiles))
        self._arguments = [url, str(folder), application, named]
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        command = [sys.executable, "-m", "tests.gateway.booking.claimants", *self._arguments]
        pipe = asyncio.subprocess.PIPE
        for seed in range(PROCESSES):
            made = await asyncio.create_subprocess_exec(*command, str(seed), stdin=pipe, stdout=pipe)
            self.processes.append(made)
        for process in self.processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"

    async def begin(self, first: datetime) -> None:
        """Start a round in all of them."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{first.isoformat()}\n".encode())
        await asyncio.gather(*(process.stdin.drain() for process in self.processes if process.stdin))

    async def told(self) -> Counter[str]:
        """What the visitors of the round were told."""
        lines = await asyncio.gather(*(process.stdout.readline() for process in self.processes if process.stdout))
        return sum((Counter(json.loads(line)) for line in lines), Counter())

    async def stop(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _profiles(practice: Practice, people: Sequence[Account]) -> list[int]:
    """Profiles that share the same people, with other lengths and pauses."""
    made = [await practice.profile(people[0], availability_step=15)]
    made += [await practice.profile(None, availability_step=15, duration_minutes=45, buffer_between_minutes=15)]
    made += [await practice.profile(None, availability_step=15, duration_minutes=15)]
    attached = BookingAttachAccountsDto(account_ids=[person.id for person in people])
    for profile in made[1:]:
        await practice.profiles.attach_accounts(practice.application, profile.id, attached)
    return [profile.id for profile in made]


async def _settle(practice: Practice) -> None:
    """Let everything that nobody settled come to its end."""
    for _ in range(7):
        await practice.leap(timedelta(minutes=30))
        for meeting in await practice.meetings.due(10_000):
            await practice.writing.run(meeting)


async def _check(practice: Practice, people: Sequence[Account]) -> int:
    """How many meetings there are; none overlaps another, and the calendars have exactly these."""
    rows = sa.text(
        "select account_id, state, uid, starts_at, ends_at + make_interval(mins => buffer_minutes) from meeting"
    )
    async with practice.database.read() as session:
        meetings = (await session.execute(rows)).all()
        claims = await session.scalar(sa.text("select count(*) from meeting_claim"))
    booked = [row for row in meetings if row[1] == MeetingState.BOOKED]
    assert {row[1] for row in meetings} <= {"booked", "failed", "lapsed", "cancelled"}
    assert claims == len(booked)
    minutes = Counter(
        (account, start + number * _MINUTE)
        for account, _, _, start, end in booked
        for number in range(int((end - start) / _MINUTE))
    )
    assert not minutes or max(minutes.values()) == 1
    for person in people:
        uids = [event.i_cal_uid for event in await practice.events(person)]
        assert sorted(map(str, uids)) == sorted(row[2] for row in booked if row[0] == person.id)
    return len(booked)


async def _clear(practice: Practice, people: Sequence[Account]) -> None:
    """Old meetings would only make the calendars slow."""
    for person in people:
        while found := await practice.events(person):
            for event in found:
                await practice.remove(person, event.id or "")
    async with practice.database.session() as session:
        await session.execute(sa.text("delete from meeting"))


@pytest.mark.parametrize("rounds", [3, pytest.param(200, marks=pytest.mark.long)])
async def test_every_minute_has_one_owner(practice: Practice, database_url: str, tmp_path: Path, rounds: int) -> None:
    people = [await practice.person() for _ in range(2)]
    claimants = Claimants(practice, database_url, tmp_path, await _profiles(practice, people))
    await claimants.start()
    told: Counter[str] = Counter()
    try:
        for number in range(rounds):
            await claimants.begin(tomorrow(8, days=2 + number % 5))
            told += await claimants.told()
            if number % 5 == 4 or number == rounds - 1:
                await _settle(practice)
                assert await _check(practice, people)
                await _clear(practice, people)
    finally:
        await claimants.stop()
    assert told["booked"] and told["Taken"], told
    assert sum(told.values()) == rounds * PROCESSES * 50


async def test_processes_that_die_leave_no_meeting_without_event_and_no_event_without_meeting(
    practice: Practice, database_url: str, tmp_path: Path
) -> None:
    people = [await practice.person() for _ in range(2)]
    profiles = await _profiles(practice, people)
    for pause in (0.05, 0.2, 0.5):
        claimants = Claimants(practice, database_url, tmp_path, profiles)
        await claimants.start()
        await claimants.begin(tomorrow(8, days=2))
        await asyncio.sleep(pause)  # in the midst of claims and writes
        await claimants.stop()
    await _settle(practice)
    await _check(practice, people)
