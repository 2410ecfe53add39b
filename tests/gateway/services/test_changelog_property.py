"""Whatever happens to a mailbox and to the gateway: who follows the two branches ends with exactly what is there."""

import asyncio
from typing import Any
from uuid import uuid4

from cryptography.fernet import Fernet
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from gateway.positions import Branch
from gateway.services.applications import Applications
from gateway.store.database import Database
from gateway.store.vault import Vault
from tests.gateway.services.followers import Follower, change_log, new_stream, opener
from tests.gateway.services.memory_mail import Mail

ITEMS = st.sampled_from([f"m{number}" for number in range(8)])
BRANCHES = st.sampled_from(Branch)
WHO = st.integers(0, 1)


class Following(RuleBasedStateMachine):
    """Two followers and two processes of the gateway on one mailbox."""

    database_url: str

    def __init__(self) -> None:
        super().__init__()
        self.mail, self.number = Mail(), 0
        self.runner = asyncio.Runner()
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.database = Database(self.database_url)
        vault = Vault([Fernet.generate_key().decode()])
        application, _, _ = await Applications(self.database, vault).create(f"following {uuid4()}")
        self.logs = [change_log(self.database) for _ in range(2)]
        stream = await new_stream(self.database, self.logs[0], application.id)
        self.stream = await self.logs[0].start(stream, opener(self.mail))
        self.followers = [Follower(self.stream) for _ in range(2)]

    @rule(item=ITEMS)
    def write(self, item: str) -> None:
        self.number += 1
        self.mail.put(item, f"text {self.number}")

    @rule(item=ITEMS)
    def remove(self, item: str) -> None:
        self.mail.remove(item)

    @rule()
    def empty_the_mailbox(self) -> None:
        for item in list(self.mail.present):
            self.mail.remove(item)

    @rule()
    def lose_the_cursor(self) -> None:
        self.mail.epoch += 1

    @precondition(lambda self: len(self.mail.present) > 0)
    @rule()
    def call_the_mailbox_empty_once(self) -> None:
        self.mail.empty_answers = 1

    @rule(item=ITEMS)
    def spoil(self, item: str) -> None:
        self.mail.bad ^= {item}

    @rule(item=ITEMS)
    def lose_sight(self, item: str) -> None:
        self.mail.hidden ^= {item}

    @rule(who=WHO, process=WHO, branch=BRANCHES)
    def read_a_page(self, who: int, process: int, branch: Branch) -> None:
        self.runner.run(self.followers[who].read(self.logs[process], self.mail, branch))

    @rule(who=WHO, branch=BRANCHES)
    def crash_in_a_round(self, who: int, branch: Branch) -> None:
        self.followers[who].again(branch)

    @rule(process=WHO)
    def restart(self, process: int) -> None:
        self.runner.run(self.logs[process].close())
        self.logs[process] = change_log(self.database)

    @rule(who=WHO, process=WHO)
    def catch_up(self, who: int, process: int) -> None:
        follower = self.followers[who]
        self.runner.run(follower.catch_up(self.logs[process], self.mail))
        unread = self.mail.bad | self.mail.hidden
        there = self.mail.state()
        assert {k: v for k, v in follower.known.items() if k not in unread} == {
            k: v for k, v in there.items() if k not in unread
        }
        assert follower.known.keys() <= there.keys()

    @invariant()
    def nobody_knows_what_never_was(self) -> None:
        assert all(follower.known.keys() <= {f"m{n}" for n in range(8)} for follower in self.followers)

    def teardown(self) -> None:
        self.mail.bad, self.mail.hidden = set(), set()
        try:
            for follower in self.followers:
                self.runner.run(follower.catch_up(self.logs[0], self.mail))
                assert follower.known == self.mail.state()
        finally:
            self.runner.run(self._close())
            self.runner.close()

    async def _close(self) -> None:
        for log in self.logs:
            await log.close()
        await self.database.close()


def test_followers_end_with_what_is_there(database_url: str) -> None:
    machine: Any = type("FollowingHere", (Following,), {"database_url": database_url})
    chosen = settings(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.reuse, Phase.generate),  # every step runs on PostgreSQL: shrinking would take minutes
    )
    run_state_machine_as_test(machine, settings=chosen)
