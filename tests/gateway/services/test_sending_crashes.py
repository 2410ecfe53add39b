"""Processes die and freeze at every step of a send, the server fails at every step: 0 duplicates, 0 false "sent".

A run is one message. Some processes in a row try to send it, each with an end of its own; time passes in leaps, until
nothing is left to do. Then what the server took is compared with what the log says.
"""

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlmodel import col

from gateway.identity import Account
from gateway.services.dispatching import Dispatching
from gateway.services.sending import Sending
from gateway.services.submission import Submissions
from gateway.store.database import Database
from gateway.store.schedules import Schedules
from gateway.store.sends import SendState
from gateway.store.tables import SendRow
from gateway.store.vault import Vault
from providers.base.collection import Ref
from providers.base.errors import ProviderError
from providers.base.provider import ProviderSettings
from schemas.mail import BodyType, EmailAddress
from schemas.outgoing import OutgoingEmail
from tests.gateway.services.conftest import House, open_house
from tests.gateway.services.mortal import (
    FAULTS,
    FINAL_FAULTS,
    STEPS,
    TO,
    Died,
    Life,
    MortalDue,
    MortalSends,
    Post,
    PostDrafts,
    PostMessages,
    PostProvider,
    present,
)
from tests.servers.scripted_smtp import DROP, ScriptedSmtp

pytestmark = pytest.mark.anyio

KINDS = ("scheduled", "draft at once", "message at once")
THAWS = ("early", "together", "late")
ROUNDS = 12  # leaps of time after which nothing may be left to do


@dataclass
class Run:
    """One message on its way."""

    kind: str
    mark: str  # of the message; the draft's id where there is one
    answered: list[str] = field(default_factory=list)  # what clients were told: "sent", or the error's class
    frozen: list[tuple[Life, asyncio.Task[None]]] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether its client needs not ask again."""
        return self.kind == "scheduled" or (bool(self.answered) and self.answered[-1] != "TooLate")


class Stage:
    """One account, its post, and everything a process needs."""

    def __init__(self, house: House, account: Account, post: Post) -> None:
        self.house, self.account, self.post, self.server = house, account, post, post.server
        self.database = house.database

    async def begin(self, kind: str) -> Run:
        run = Run(kind, self.post.draft())
        if kind == "scheduled":
            message_id = self.post.drafts[run.mark]
            await Schedules(self.database).put(self.account.id, run.mark, message_id, datetime.now(UTC))
        return run

    async def live(self, run: Run, life: Life) -> None:
        """One process from its start to its end; a frozen one is kept for later."""
        task = asyncio.create_task(self._live(run, life))
        reached = asyncio.create_task(life.reached.wait())
        await asyncio.wait({task, reached} if life.freezes else {task}, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        if task.done():
            await task
        else:
            run.frozen.append((life, task))

    async def _live(self, run: Run, life: Life) -> None:
        present.set(life)
        submissions = Submissions(MortalSends(self.database))
        try:
            if run.kind != "scheduled":
                await self._ask(run, submissions)
            dispatching = Dispatching(submissions, MortalDue(self.database), self.house.sessions)
            for send in await self.sends(run):
                await dispatching.run(send.id)
        except Died:
            pass

    async def _ask(self, run: Run, submissions: Submissions) -> None:
        """What a client does: ask again, under the same key, until it knows."""
        if "sent" in run.answered:
            return
        sending = Sending(submissions, 100)
        messages, drafts = PostMessages(self.post), PostDrafts(self.post)
        email = OutgoingEmail(to=[EmailAddress(address=TO)], subject=run.mark)
        try:
            if run.kind == "draft at once":
                await sending.send_draft(self.account, messages, drafts, Ref(run.mark), None, key=run.mark)
            else:
                await sending.send(self.account, messages, email, BodyType.TEXT, key=run.mark)
            run.answered.append("sent")
        except ProviderError as error:
            run.answered.append(type(error).__name__)

    async def sends(self, run: Run) -> list[SendRow]:
        async with self.database.read() as session:
            return list(await session.scalars(select(SendRow).where(_of(run)).order_by(col(SendRow.id))))

    async def leap(self, run: Run) -> bool:
        """To the moment when something is due; False when nothing will ever be."""
        ahead = func.greatest(SendRow.next_try_at - func.now(), text("interval '0'"))
        moved = {"updated_at": SendRow.updated_at - ahead, "send_at": SendRow.send_at - ahead}
        waiting = _of(run), col(SendRow.next_try_at).is_not(None)
        statement = update(SendRow).where(*waiting).values({**moved, "next_try_at": func.now()})
        async with self.database.read() as session:
            return bool((await session.scalars(statement.returning(col(SendRow.id)))).all())

    async def thaw(self, run: Run) -> None:
        for life, _ in run.frozen:
            life.thawed.set()
        await asyncio.gather(*(task for _, task in run.frozen))
        run.frozen.clear()

    async def finish(self, run: Run) -> list[SendRow]:
        """The server and every further process are well; how it ended."""
        for _ in range(ROUNDS):
            await self.live(run, Life())
            if not await self.leap(run) and run.known:
                break
        await self.thaw(run)
        for _ in range(ROUNDS):
            if not await self.leap(run):
                break
            await self.live(run, Life())
        return await self.sends(run)

    def verdict(self, run: Run, sends: list[SendRow]) -> str:
        """The state it ended in. Asserts that the server agrees."""
        copies, states = self.post.copies(run.mark), [send.state for send in sends]
        assert copies <= 1, f"{copies} copies: {run} {states}"
        assert copies or SendState.SENT not in states, f"said to be sent, and was not: {run} {states}"
        assert copies or "sent" not in run.answered, f"a client was told so: {run} {states}"
        assert not copies or set(states) & {SendState.SENT, SendState.UNKNOWN}, f"sent in secret: {run} {states}"
        assert {send.next_try_at for send in sends} == {None}, f"never ends: {run} {states}"
        return next((state for state in (SendState.SENT, SendState.UNKNOWN) if state in states), SendState.FAILED)


def _of(run: Run) -> ColumnElement[bool]:
    """The sends of a run."""
    keys = (f"send  {run.mark}", f"draft {run.mark} {run.mark}")
    return or_(col(SendRow.draft_id) == run.mark, col(SendRow.idempotency_key).in_(keys))


@dataclass(frozen=True)
class Plan:
    """Who tries, and how each of them ends: (the process, the server's fault while it lives). Frozen ones go on when
    the next one has come (early), when all have tried (together), or when all was over (late)."""

    kind: str
    lives: tuple[tuple[Life, tuple[str, str] | None], ...]
    thaw: str = "late"


def plan(chance: random.Random) -> Plan:
    """Up to four processes with an end each."""
    lives = []
    for _ in range(chance.randint(1, 4)):
        life = Life(chance.choice(STEPS) if chance.random() < 0.8 else None, chance.random() < 0.25)
        life.blind = chance.random() < 0.1
        fault = chance.choice(FAULTS) if chance.random() < 0.4 else None
        fault = chance.choice(FINAL_FAULTS) if chance.random() < 0.03 else fault
        lives.append((life, (".", DROP) if life.end == "dot" else fault))
    return Plan(chance.choice(KINDS), tuple(lives), chance.choice(THAWS))


async def play(stage: Stage, plan: Plan) -> str:
    """One run; how it ended."""
    stage.server.forget()
    run = await stage.begin(plan.kind)
    for life, fault in plan.lives:
        stage.server.forget_scripts()
        if fault:
            stage.server.on(*fault, times=1)
        await stage.live(run, life)
        await stage.leap(run)
        if plan.thaw == "early":
            await stage.thaw(run)
    stage.server.forget_scripts()
    if plan.thaw == "together":
        await stage.thaw(run)
    verdict = stage.verdict(run, await stage.finish(run))
    async with stage.database.read() as session:  # the next run finds an empty table
        await session.execute(delete(SendRow).where(_of(run)))
    return verdict


async def open_stage(stack: AsyncExitStack, database: Database, vault: Vault, folder: Path) -> Stage:
    post = Post(stack.enter_context(ScriptedSmtp()))
    provider = PostProvider(ProviderSettings(folder), post)
    house = await stack.enter_async_context(open_house(database, vault, provider))
    return Stage(house, await house.account(await house.link()), post)


async def play_many(database: Database, vault: Vault, folder: Path, count: int, lanes: int, seed: int) -> Counter[str]:
    """So many runs with plans by chance, some at a time; how many ended how."""
    ended: Counter[str] = Counter()
    left = iter(range(count))

    async def work(stage: Stage) -> None:
        for number in left:
            made = plan(random.Random(f"{seed} {number}"))
            try:
                ended[f"{made.kind}: {await play(stage, made)}"] += 1
            except AssertionError as error:
                raise AssertionError(f"run {number} of seed {seed}, {made}: {error}") from error

    async with AsyncExitStack() as stack:
        stages = [await open_stage(stack, database, vault, folder) for _ in range(lanes)]
        await asyncio.gather(*(work(stage) for stage in stages))
    return ended


async def test_crashes_by_chance(database: Database, vault: Vault, tmp_path: Path) -> None:
    ended = await play_many(database, vault, tmp_path, 200, lanes=2, seed=time.time_ns())
    assert sum(ended.values()) == 200
    assert all(any(name.endswith(state) for name in ended) for state in ("sent", "unknown"))


@pytest.mark.long
@pytest.mark.parametrize("quarter", range(4))
async def test_ten_thousand_crashes(quarter: int, database: Database, vault: Vault, tmp_path: Path) -> None:
    seed = time.time_ns()
    ended = await play_many(database, vault, tmp_path, 2_500, lanes=16, seed=seed)
    print(f"quarter {quarter}, seed {seed}: {dict(sorted(ended.items()))}")
    assert sum(ended.values()) == 2_500


@pytest.fixture
async def stage(database: Database, vault: Vault, tmp_path: Path) -> object:
    async with AsyncExitStack() as stack:
        yield await open_stage(stack, database, vault, tmp_path)


#: Where a process dies, and how the message then ends when all that follows goes well.
ENDS = {
    "claim before": "sent",
    "claim after": "sent",
    "find": "sent",
    "draft read": "sent",
    "submit": "sent",
    "leaving before": "sent",
    "leaving after": "unknown",
    "payload": "unknown",
    "dot": "unknown",
    "answered": "unknown",
    "filed": "sent",
    "removed": "sent",
    "settle before": "sent",
    "settle after": "sent",
}


@pytest.mark.parametrize("freezes", [False, True], ids=["dies", "freezes"])
@pytest.mark.parametrize("end", ENDS)
async def test_a_process_ends_at(end: str, freezes: bool, stage: Stage) -> None:
    """One that froze before the point of no return finds that others sent; after it, it sends and says so."""
    fault = (".", DROP) if end == "dot" else None
    in_thread = end in ("payload", "dot")
    ended = await play(stage, Plan("scheduled", ((Life(end, freezes), fault),)))
    thawed = "unknown" if end == "dot" else "sent"
    assert ended == (thawed if freezes and (in_thread or ENDS[end] == "unknown") else ENDS[end])
    assert stage.post.drafts.keys() == (set() if ended == "sent" else stage.post.drafts.keys())


async def test_of_several_that_come_back_only_the_last_to_claim_sends(stage: Stage) -> None:
    frozen = tuple((Life("leaving before", True), None) for _ in range(3))
    assert await play(stage, Plan("scheduled", frozen, "together")) == "sent"


@pytest.mark.parametrize("end", ["begin after", "submit", "leaving before"])
@pytest.mark.parametrize("kind", KINDS[1:])
async def test_what_had_not_left_at_once_is_free_to_be_asked_for_again(kind: str, end: str, stage: Stage) -> None:
    assert await play(stage, Plan(kind, ((Life(end), None),))) == "sent"


@pytest.mark.parametrize(("verb", "reply"), FAULTS)
async def test_a_fault_that_passes(verb: str, reply: str, stage: Stage) -> None:
    ended = await play(stage, Plan("scheduled", ((Life(), (verb, reply)),)))
    assert ended == ("unknown" if verb == "." and not reply[0].isdigit() else "sent")


@pytest.mark.parametrize(("verb", "reply"), FINAL_FAULTS)
async def test_a_refusal_for_good(verb: str, reply: str, stage: Stage) -> None:
    assert await play(stage, Plan("scheduled", ((Life(), (verb, reply)),))) == "failed"


async def test_a_sent_folder_that_cannot_be_read_leaves_it_uncertain(stage: Stage) -> None:
    """Anything else would have the caller send again."""
    stage.server.forget()
    stage.server.on(".", DROP, times=1)
    run = await stage.begin("message at once")
    await stage.live(run, Life(blind=True))
    assert run.answered == ["Uncertain"]


async def test_it_is_tried_for_a_day_and_no_longer(stage: Stage) -> None:
    stage.server.on("MAIL", "451 later")
    run = await stage.begin("scheduled")
    tries = 0
    while await stage.leap(run):
        await stage.live(run, Life())
        tries += 1
    [send] = await stage.sends(run)
    assert (send.state, stage.post.copies(run.mark)) == ("failed", 0)
    assert "451 later" in (send.error or "")
    assert 24 < tries < 100
    assert send.send_at is not None
    assert timedelta(hours=22) < datetime.now(UTC) - send.send_at < timedelta(hours=25)
