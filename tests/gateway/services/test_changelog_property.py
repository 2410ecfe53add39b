"""Whatever happens to a mailbox and to the gateway: who follows the two branches ends with exactly what is there, also
when the provider calls everything otherwise from one day to the next; and everybody shows the same ids."""

import asyncio
from collections import defaultdict
from typing import Any
from uuid import uuid4

from cryptography.fernet import Fernet
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from gateway.positions import Branch
from gateway.services.applications import Applications
from gateway.services.renamed import Names
from gateway.store.aliases import Aliases
from gateway.store.database import Database
from gateway.store.vault import Vault
from tests.gateway.services.followers import Follower, change_log, new_stream, opener
from tests.gateway.services.memory_mail import Mail

BRANCHES = st.sampled_from(Branch)
WHO = st.integers(0, 1)
CHOICE = st.integers(0, 30)


class Following(RuleBasedStateMachine):
    """Two followers, each on a stream of its own, and two processes of the gateway on one mailbox."""

    database_url: str

    def __init__(self) -> None:
        super().__init__()
        self.mail, self.number = Mail(), 0
        self.former: defaultdict[str, list[str]] = defaultdict(list)  # kin -> what the provider called it
        self.runner = asyncio.Runner()
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.database = Database(self.database_url)
        vault = Vault([Fernet.generate_key().decode()])
        application, _, _ = await Applications(self.database, vault).create(f"following {uuid4()}")
        self.logs = [change_log(self.database) for _ in range(2)]
        first = await new_stream(self.database, self.logs[0], application.id)
        second = await self.logs[0].find_or_create(first.account_id, "messages", None, {"daysWithin": 9})
        self.aliases = Aliases(self.database)
        self.names = Names(self.aliases, first.account_id)
        self.followers = [
            Follower(await self.logs[0].start(stream, opener(self.mail, self.names)), names=self.names)
            for stream in (first, second)
        ]

    def _new(self) -> str:
        """A name that nothing ever had."""
        self.number += 1
        return f"m{self.number}"

    def _some(self, choice: int) -> str:
        return sorted(self.mail.present)[choice % len(self.mail.present)]

    @rule(count=st.integers(1, 3))
    def add(self, count: int) -> None:
        for _ in range(count):
            self.mail.put(item := self._new(), f"text of {item}")

    @precondition(lambda self: self.mail.present)
    @rule(choice=CHOICE)
    def change(self, choice: int) -> None:
        self.mail.put(self._some(choice), f"text {self._new()}")

    @precondition(lambda self: self.mail.present)
    @rule(choice=CHOICE)
    def copy(self, choice: int) -> None:
        self.mail.copy(self._some(choice), self._new())

    @precondition(lambda self: self.mail.present)
    @rule(choice=CHOICE)
    def remove(self, choice: int) -> None:
        self.mail.remove(self._some(choice))

    @precondition(lambda self: self.mail.present)
    @rule(choice=CHOICE, own=st.booleans())
    def move(self, choice: int, own: bool) -> None:
        """`own`: the gateway did it, and knows at once."""
        item, name = self._some(choice), self._new()
        self._rename({item: name})
        if own:
            self.runner.run(self._record(item, name))

    async def _record(self, item: str, name: str) -> None:
        await self.aliases.rename(self.names.account_id, "messages", await self.names.one(item), name)

    @rule()
    def rebuild(self) -> None:
        """As after a new UIDVALIDITY."""
        self._rename({item: self._new() for item in self.mail.present})

    @precondition(lambda self: self.mail.present)
    @rule(choice=CHOICE)
    def restore(self, choice: int) -> None:
        """The server is set back: what it had then is called as it was called then."""
        item = self._some(choice)
        former = [name for name in self.former[self.mail.kin[item]] if name not in self.mail.present]
        if former:
            self._rename({item: former[choice % len(former)]})

    def _rename(self, names: dict[str, str]) -> None:
        for item in names:
            self.former[self.mail.kin[item]].append(item)
        self.mail.rename(names)

    @rule()
    def empty_the_mailbox(self) -> None:
        for item in list(self.mail.present):
            self.mail.remove(item)

    @rule()
    def lose_the_cursor(self) -> None:
        self.mail.epoch += 1

    @precondition(lambda self: self.mail.present)
    @rule()
    def call_the_mailbox_empty_once(self) -> None:
        self.mail.empty_answers = 1

    @precondition(lambda self: self.mail.present)
    @rule(choice=CHOICE)
    def spoil(self, choice: int) -> None:
        self.mail.bad ^= {self._some(choice)}

    @precondition(lambda self: self.mail.present)
    @rule(choice=CHOICE)
    def lose_sight(self, choice: int) -> None:
        self.mail.hidden ^= {self._some(choice)}

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
        there, known = self.mail.state(), self._natively(follower)
        assert {k: v for k, v in known.items() if k not in unread} == {
            k: v for k, v in there.items() if k not in unread
        }
        assert known.keys() <= there.keys()

    def _natively(self, follower: Follower) -> dict[str, str]:
        """What a follower knows, by what the provider calls it now: every id is understood, no two mean the same."""
        names = self.runner.run(self.names.of(list(follower.known)))
        natives = {item: name.native if name.native in self.mail.present else item for item, name in names.items()}
        known = {natives[item]: text for item, text in follower.known.items()}
        assert len(known) == len(follower.known)
        return known

    def teardown(self) -> None:
        self.mail.bad, self.mail.hidden = set(), set()
        try:
            for follower in [*self.followers, self.followers[0]]:
                self.runner.run(follower.catch_up(self.logs[0], self.mail))
                assert self._natively(follower) == self.mail.state()
            shown = self.runner.run(self.aliases.shown(self.names.account_id, "messages", list(self.mail.present)))
            for follower in self.followers:
                assert follower.known.keys() == {shown.get(item, item) for item in self.mail.present}
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
