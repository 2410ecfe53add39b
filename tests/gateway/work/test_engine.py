"""The engine: runs at once where it can, by a job where it cannot, and by a sweep when all else was lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.store.announcements import announce
from gateway.store.database import Database
from gateway.store.locks import Locks
from gateway.work import jobs
from gateway.work.engine import Engine
from gateway.work.pump import Pump, asked_to_stop
from tests.gateway.waiting import until
from tests.gateway.work.ledger import Ledger

pytestmark = pytest.mark.anyio
NEVER = 3600.0  # seconds between sweeps


class Yard:
    """Engines of a test, closed at its end."""

    def __init__(self, database: Database, stack: AsyncExitStack) -> None:
        self.database, self._stack = database, stack

    async def ledger(self, name: str, **options: object) -> Ledger:
        ledger = Ledger(self.database, name, **options)  # type: ignore[arg-type]
        await ledger.setup()
        return ledger

    async def engine(self, *pumps: Pump, here: "list[str] | None" = None, stop: float = 2.0) -> Engine:
        engine = Engine(self.database, pumps, here, stop=stop)
        await engine.start()
        self._stack.push_async_callback(engine.close)
        return engine


@pytest.fixture
async def yard(database: Database) -> AsyncIterator[Yard]:
    async with AsyncExitStack() as stack:
        yield Yard(database, stack)


async def _jobs(database: Database, *names: str) -> list[str]:
    async with database.read() as session:
        found = await session.execute(sa.text("select queueing_lock from procrastinate.procrastinate_jobs order by id"))
        return [row[0] for row in found if row[0].startswith(names)]


async def test_what_is_woken_runs_at_once_and_leaves_no_job(yard: Yard) -> None:
    ledger = await yard.ledger("at-once")
    engine = await yard.engine(ledger.pump(every=NEVER))
    await ledger.add(1)
    engine.wake("at-once", 1)
    await until(ledger.runs)
    assert await ledger.runs() == [(1, "here", True)] or await until(lambda: _ended(ledger, 1))
    assert await _jobs(yard.database, "at-once") == []


async def _ended(ledger: Ledger, count: int) -> bool:
    return [ended for _, _, ended in await ledger.runs()].count(True) >= count


async def test_a_wish_that_comes_during_a_run_makes_one_more(yard: Yard) -> None:
    ledger = await yard.ledger("again")
    ledger.gate = asyncio.Event()
    engine = await yard.engine(ledger.pump(every=NEVER))
    engine.wake("again", 1)
    await ledger.began.wait()
    for _ in range(5):
        engine.wake("again", 1)
    ledger.gate.set()
    await until(lambda: _ended(ledger, 2))
    await asyncio.sleep(0.2)
    assert len(await ledger.runs()) == 2


async def test_the_sweep_finds_what_has_no_job(yard: Yard) -> None:
    ledger = await yard.ledger("forgotten")
    await ledger.add(*range(50))
    await yard.engine(ledger.pump())
    await until(lambda: _ended(ledger, 50))
    assert await ledger.due(100) == []


async def test_two_engines_never_run_a_key_at_the_same_time_and_forget_no_wish(yard: Yard) -> None:
    one, two = await yard.ledger("both", who="one", takes=0.05), await yard.ledger("both", who="two", takes=0.05)
    engines = [await yard.engine(ledger.pump(every=NEVER)) for ledger in (one, two)]
    for number in range(20):
        engines[number % 2].wake("both", 1)
        await asyncio.sleep(0.01)
    before = len(await one.runs())
    engines[1].wake("both", 1)
    await until(lambda: _more(one, before))
    assert await one.overlaps() == 0


async def _nothing_due(ledger: Ledger) -> bool:
    return not await ledger.due(1)


async def test_a_key_that_another_process_runs_is_looked_at_again_when_that_is_done(yard: Yard) -> None:
    one, two = await yard.ledger("held", who="one"), await yard.ledger("held", who="two")
    one.gate = asyncio.Event()
    first = await yard.engine(one.pump(every=NEVER))
    first.wake("held", 7)
    await one.began.wait()
    second = await yard.engine(two.pump(every=NEVER), here=[])  # leaves everything to others
    second.wake("held", 7)
    await until(lambda: _jobs(yard.database, "held"))
    one.gate.set()
    await until(lambda: _ended(one, 2))
    assert [who for _, who, _ in await one.runs()] == ["one", "one"]


async def test_a_process_without_background_work_has_it_done_by_others_at_once(yard: Yard) -> None:
    ledger = await yard.ledger("handed")
    await yard.engine(ledger.pump(every=NEVER))

    async def wanted(account_id: int) -> list[int]:
        return [account_id * 10]

    serving = await yard.engine(ledger.pump(every=NEVER, wanted=wanted), here=[])
    serving.told(4)
    await until(lambda: _ended(ledger, 1))
    assert await ledger.runs() == [(40, "here", True)]


async def test_those_who_follow_an_account_are_woken_by_who_pulled_and_else_by_the_others(yard: Yard) -> None:
    one, two = await yard.ledger("follow", who="one"), await yard.ledger("follow", who="two")

    async def wanted(account_id: int) -> list[int]:
        return [account_id]

    puller = await yard.engine(one.pump(every=NEVER, wanted=wanted))
    other = await yard.engine(two.pump(every=NEVER, wanted=wanted))
    listeners = [yard.database.listen(engine.hear) for engine in (puller, other)]
    await asyncio.gather(*(listener.ready.wait() for listener in listeners))
    async with yard.database.session() as session:
        await announce(session, "feed:5")
    puller.told(5)
    await until(lambda: _ended(one, 2))  # the puller at once, the other one to make sure
    await asyncio.sleep(0.5)
    assert [who for _, who, _ in await one.runs()] == ["one", "two"]
    for listener in listeners:
        await listener.close()


async def test_a_timer_wakes_its_key_and_an_earlier_wish_does_not_wait_for_it(yard: Yard) -> None:
    ledger = await yard.ledger("timer")
    engine = await yard.engine(ledger.pump(every=NEVER), here=[])
    soon = datetime.now(UTC) + timedelta(seconds=2)
    await engine.defer("timer", 1, datetime.now(UTC) + timedelta(hours=1))
    await engine.defer("timer", 1, soon)
    await engine.defer("timer", 1, soon)
    assert len(await _jobs(yard.database, "timer")) == 2
    worker = await yard.engine(ledger.pump(every=NEVER))
    engine.wake("timer", 1)
    await until(lambda: _ended(ledger, 1), 1.9)
    await until(lambda: _ended(ledger, 2))
    assert worker is not engine


async def test_a_run_that_fails_is_taken_up_again(yard: Yard) -> None:
    ledger = await yard.ledger("failing")
    await ledger.add(3)
    failures = iter([ValueError("the first time"), None])

    async def run(key: int) -> None:
        if error := next(failures, None):
            raise error
        await ledger.run(key)

    await yard.engine(Pump("failing", ledger.due, run, every=0.2))
    await until(lambda: _nothing_due(ledger))


async def test_closing_asks_runs_to_stop_and_leaves_the_rest_to_others(yard: Yard) -> None:
    steps: list[str] = []

    async def patient(key: int) -> None:
        while not asked_to_stop():
            steps.append("batch")
            await asyncio.sleep(0.01)

    async def deaf(key: int) -> None:
        await asyncio.sleep(60)

    async def due(limit: int) -> list[int]:
        return []

    engine = await yard.engine(Pump("patient", due, patient), Pump("deaf", due, deaf), stop=0.3)
    engine.wake("patient", 1)
    engine.wake("deaf", 2)
    await until(lambda: len(steps) > 3)
    await engine.close()
    assert set(await _jobs(yard.database, "patient", "deaf")) == {"patient:1", "deaf:2"}
    ran: list[int] = []

    async def take_over(key: int) -> None:
        ran.append(key)

    await yard.engine(Pump("patient", due, take_over), Pump("deaf", due, take_over))
    await until(lambda: sorted(ran) == [1, 2])


async def test_a_job_that_its_worker_never_finished_is_done_again(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_TIDYING", "* * * * * */3")
    ledger = await yard.ledger("stalled")
    async with yard.database.session() as session:
        await session.execute(
            sa.text("""
            with worker as (insert into procrastinate.procrastinate_workers (last_heartbeat)
                values (now() - interval '1 minute') returning id)
            insert into procrastinate.procrastinate_jobs (queue_name, task_name, queueing_lock, args, status, worker_id)
            select 'stalled', 'attend', 'stalled:9', '{"pump": "stalled", "key": 9}', 'doing', id from worker""")
        )
    await yard.engine(ledger.pump(every=NEVER))
    await until(lambda: _ended(ledger, 1), 30)
    await until(lambda: _no_jobs(yard.database))
    assert await ledger.runs() == [(9, "here", True)]


async def _no_jobs(database: Database) -> bool:
    return not await _jobs(database, "stalled")


async def test_the_engine_goes_on_when_its_connections_are_cut_again_and_again(yard: Yard) -> None:
    ledger = await yard.ledger("cut", takes=0.01)
    engine = await yard.engine(ledger.pump())
    for number in range(60):
        if number % 10 == 0:
            await _cut(yard.database)
        try:
            await ledger.add(number)
        except Exception:
            await ledger.add(number)
        engine.wake("cut", number)
        await asyncio.sleep(0.02)
    await until(lambda: _nothing_due(ledger), 30)
    assert await ledger.overlaps() == 0
    outside = await yard.engine(ledger.pump(every=NEVER), here=[])
    runs = len(await ledger.runs())
    outside.wake("cut", 1000)  # jobs are fetched again as well
    await until(lambda: _more(ledger, runs), 30)


async def _more(ledger: Ledger, count: int) -> bool:
    return len(await ledger.runs()) > count


async def _cut(database: Database) -> None:
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> "
    async with database.read() as session:
        await session.execute(sa.text(kill + "pg_backend_pid()"))


async def test_a_lock_that_is_had_is_not_had_twice_and_ends_with_a_silent_session(database: Database) -> None:
    one, two = Locks(database.direct_url, patience=0.6), Locks(database.direct_url, patience=0.6)
    async with one.try_hold("x") as first, two.try_hold("x") as second, one.try_hold("x") as third:
        assert (first, second, third) == (True, False, False)
        await asyncio.sleep(1.2)  # held for longer than the patience, by a process that is alive
        async with two.try_hold("x") as fourth:
            assert not fourth
        assert one._signs is not None
        one._signs.cancel()  # as if the process was stopped
        async with two.try_hold("x", patience=5.0) as fifth:
            assert fifth
    async with one.try_hold("x") as again:
        assert again
    await one.close()
    await two.close()


async def test_a_lock_is_to_be_had_after_a_long_silence(database: Database) -> None:
    locks = Locks(database.direct_url, patience=0.2)
    for _ in range(2):
        async with locks.try_hold("y") as held:
            assert held
        await asyncio.sleep(0.5)
    await locks.close()
