"""Watching: who is watched, by whom, and what happens between a provider's notice and the account's feed."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from gateway.identity import Account
from gateway.services import watch
from gateway.services.changelog import ChangeLog
from gateway.services.sources import Sources
from gateway.services.watching import Watching
from gateway.store.database import Database
from gateway.store.feed import Feed
from gateway.store.feed_places import Whose
from gateway.store.leases import Leases
from gateway.store.vault import Vault
from gateway.store.wants import Wants
from providers.base.errors import Unavailable
from providers.base.provider import ProviderSettings
from schemas.accounts import ServiceKey, TokenStatus
from tests.gateway.database import fresh_database
from tests.gateway.services.conftest import PASSWORD, House, open_house
from tests.gateway.services.telling_provider import TellingProvider
from tests.gateway.waiting import until

pytestmark = pytest.mark.anyio
TTL = 2.0  # seconds


@pytest.fixture
def database_url(postgres_url: str, template: str) -> Iterator[str]:
    """A database for each test: who is wanted is looked for everywhere."""
    yield from fresh_database(postgres_url, f"template {template}")


@pytest.fixture
def provider(tmp_path: Path) -> TellingProvider:
    return TellingProvider(ProviderSettings(tmp_path))


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_SHORTEST", 0.05)


async def want(house: House, account_id: int, seconds: float) -> None:
    """As a reader of the feed does."""
    await Wants(house.database).want(Whose(house.application.id, account_id), timedelta(seconds=seconds))


@dataclass
class Post:
    """A process that watches; its own database pool, sessions and caches. `told`: accounts, in order."""

    house: House
    watching: Watching
    changelog: ChangeLog
    told: list[int] = field(default_factory=list)


@dataclass
class Town:
    """Processes on one database and one provider."""

    url: str
    vault: Vault
    provider: TellingProvider
    house: House
    stack: AsyncExitStack

    async def post(self, ttl: float = TTL, *, watches: bool = True) -> Post:
        database = Database(self.url)
        self.stack.push_async_callback(database.close)
        house = await self.stack.enter_async_context(open_house(database, self.vault, self.provider))
        told: list[int] = []
        changelog = ChangeLog(database, told=told.append)
        self.stack.push_async_callback(changelog.close)
        leases = Leases(database, f"test {uuid4()}", ttl)
        watching = Watching(leases, house.sessions, changelog, Sources(house.sessions))
        await house.identity.start()
        if watches:
            house.identity.watch(watching.hear)
            await watching.start()
        self.stack.push_async_callback(watching.close)
        return Post(house, watching, changelog, told)

    async def accounts(self, count: int) -> list[int]:
        """New accounts that somebody wants to be watched."""
        made = [(await self.house.link(f"a{number}@example.com")).account_id for number in range(count)]
        for account_id in made:
            await want(self.house, account_id, 3600)
        return made

    async def account(self, account_id: int) -> Account:
        found = await self.house.identity.account(self.house.application, account_id)
        assert found is not None
        return found

    async def link_again(self, email: str) -> None:
        keys = (ServiceKey.EMAIL,)
        await self.house.accounts.upsert(self.house.application, self.house.body(email), recycle_keys=keys)

    async def feed(self, account_id: int) -> list[str]:
        """Ids in the account's feed."""
        return [event.item_id for event in await Feed(self.house.database).events(account_id, 0, 1000)]

    async def watch_row(self, account_id: int, column: str) -> object:
        async with self.house.database.read() as session:
            query = sa.text(f"select {column} from watch where account_id = :id")
            return await session.scalar(query, {"id": account_id})

    async def ready(self, account_id: int) -> None:
        """The first pull of the feeding stream has been made."""
        await until(lambda: self._ready(account_id))

    async def _ready(self, account_id: int) -> bool:
        async with self.house.database.read() as session:
            query = sa.text("select ready from stream where account_id = :id and filter = '{}'")
            return bool(await session.scalar(query, {"id": account_id}))


@pytest.fixture
async def town(database_url: str, vault: Vault, provider: TellingProvider, house: House) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        yield Town(database_url, vault, provider, house, stack)


async def test_a_notice_is_in_the_feed_and_told_at_once(town: Town) -> None:
    (account,) = await town.accounts(1)
    town.provider.mail[account].put("old", "was there before")
    post = await town.post()
    await town.ready(account)
    town.provider.put(account, "new")
    await until(lambda: post.told)
    assert (post.told, await town.feed(account)) == ([account], ["new"])  # what was there is not news


async def test_what_is_heard_during_a_pull_makes_another_one(town: Town) -> None:
    (account,) = await town.accounts(1)
    await town.post()
    await town.ready(account)
    for number in range(30):
        town.provider.put(account, f"m{number}")
        await asyncio.sleep(0.003)
    await until(lambda: _has(town, account, 30))
    asked = town.provider.mail[account].asked
    assert asked <= 40


async def _has(town: Town, account: int, count: int) -> bool:
    return len(await town.feed(account)) == count


async def test_only_wanted_accounts_are_watched_and_only_as_long_as_they_are_wanted(town: Town) -> None:
    unwanted, used, subscribed, followed = [
        (await town.house.link(f"w{number}@example.com")).account_id for number in range(4)
    ]
    post = await town.post()
    stream = await post.changelog.find_or_create(used, "messages", None, {"daysWithin": 3})
    await post.changelog.start(stream, Sources(town.house.sessions).open(await town.account(used), stream))
    await until(lambda: town.provider.watched() == {used})  # at once, by the announcement
    async with town.house.database.session() as session:
        await session.execute(
            sa.text("""insert into subscription (application_id, account_id, resource, port, notification_url, active)
            values (:application, :account, '/email/messages', 'messages', 'https://example.com', false)"""),
            {"application": town.house.application.id, "account": subscribed},
        )
    await want(town.house, followed, 1.0)
    await until(lambda: town.provider.watched() == {used, subscribed, followed})
    await until(lambda: town.provider.watched() == {used, subscribed})
    async with town.house.database.session() as session:
        await session.execute(sa.text("update stream set used_at = now() - interval '2 hours'"))
    await until(lambda: town.provider.watched() == {subscribed})
    assert unwanted not in town.provider.mail


async def test_accounts_are_shared_out_and_a_newcomer_gets_its_part(town: Town) -> None:
    accounts = await town.accounts(20)
    one = await town.post()
    await until(lambda: len(one.watching.accounts) == 20)
    two = await town.post()
    await until(lambda: len(one.watching.accounts) <= 11 and len(two.watching.accounts) >= 9)
    await until(lambda: town.provider.watched() == set(accounts))
    assert not set(one.watching.accounts) & set(two.watching.accounts)
    await two.watching.close()  # gives back at once
    await until(lambda: set(one.watching.accounts) == set(accounts), TTL)
    assert town.provider.most == 1


async def test_accounts_of_a_process_that_vanished_move_with_a_new_epoch(town: Town) -> None:
    accounts = await town.accounts(5)
    one = await town.post()
    await until(lambda: len(one.watching.accounts) == 5)
    epochs = one.watching.accounts
    assert one.watching._task is not None
    one.watching._task.cancel()  # it renews nothing any more
    two = await town.post()
    await until(lambda: set(two.watching.accounts) == set(accounts))
    assert all(two.watching.accounts[account] > epochs[account] for account in accounts)


async def test_a_frozen_owner_does_nothing_when_it_wakes_up_before_it_has_made_sure(town: Town) -> None:
    accounts = await town.accounts(3)
    one = await town.post()
    for account in accounts:
        await town.ready(account)
    frozen = one.watching._task
    assert frozen is not None
    frozen.cancel()
    two = await town.post()
    await until(lambda: set(two.watching.accounts) == set(accounts))
    await until(lambda: not one.watching._is_sure())
    await until(lambda: all(town.provider.mail[account].asked == 2 for account in accounts))  # both caught up
    asked = {account: town.provider.mail[account].asked for account in accounts}
    for account in accounts:
        for listening in list(town.provider.listening[account])[:1]:  # that of the frozen one
            listening.hear(watch.Notice())
    await asyncio.sleep(0.3)
    assert one.told == []
    assert {account: town.provider.mail[account].asked for account in accounts} == asked
    await one.watching.start()  # it wakes up
    await until(lambda: all(len(town.provider.listening[account]) == 1 for account in accounts))
    assert len({**one.watching.accounts, **two.watching.accounts}) == 3


async def test_a_process_that_was_frozen_and_not_missed_goes_on(town: Town) -> None:
    (account,) = await town.accounts(1)
    post = await town.post()
    await town.ready(account)
    time.sleep(TTL * 1.5)  # noqa: ASYNC251 - the whole loop stands still
    town.provider.put(account, "while asleep")
    await until(lambda: _has(town, account, 1))
    assert town.provider.most == 1
    assert len(post.watching.accounts) == 1


async def test_a_lost_listener_listens_again_with_growing_pauses_that_a_pull_ends(town: Town) -> None:
    (account,) = await town.accounts(1)
    await town.post()
    await town.ready(account)
    town.provider.refuse = Unavailable("come back later", retry_after=0.3)
    before = len(town.provider.listens)
    town.provider.tell(account, Unavailable("the server hung up"))
    await until(lambda: len(town.provider.listens) >= before + 3)
    gaps = [later - sooner for sooner, later in zip(town.provider.listens, town.provider.listens[1:], strict=False)]
    assert all(gap >= 0.29 for gap in gaps[before:])
    assert await until(lambda: town.watch_row(account, "failures"))
    assert await town.watch_row(account, "error") == "come back later"
    town.provider.mail[account].put("meanwhile", "x")
    town.provider.refuse = None
    await until(lambda: _has(town, account, 1))
    await until(lambda: _zero(town, account))


async def _zero(town: Town, account: int) -> bool:
    return await town.watch_row(account, "failures") == 0


async def test_an_account_that_cannot_tell_is_polled(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TellingProvider, "polling_floor", 0.2)
    town.provider.pushes = False
    (account,) = await town.accounts(1)
    await town.post()
    await town.ready(account)
    town.provider.put(account, "unheard")
    await until(lambda: _has(town, account, 1))
    assert len(town.provider.listens) == 1


@pytest.mark.parametrize("writer", ["its owner", "another process", "one that does not watch"])
async def test_what_the_gateway_writes_itself_is_seen_at_once_where_nobody_tells(town: Town, writer: str) -> None:
    """The floor is minutes away."""
    town.provider.pushes = False
    (account,) = await town.accounts(1)
    one = await town.post()
    await town.ready(account)
    posts = {"its owner": one, "another process": await town.post()}
    posts["one that does not watch"] = await town.post(watches=False)
    await until(lambda: not posts["another process"].watching._alone)
    assert set(one.watching.accounts) == {account}
    town.provider.put(account, "written")
    posts[writer].watching.wrote(account)
    await until(lambda: _has(town, account, 1))


async def test_a_listener_that_has_gone_deaf_is_replaced(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TellingProvider, "polling_floor", 0.1)
    (account,) = await town.accounts(1)
    await town.post()
    await town.ready(account)
    number = 0
    async with asyncio.timeout(20):
        while len(town.provider.listens) < 2:
            number += 1
            town.provider.mail[account].put(f"untold {number}", "x")
            await asyncio.sleep(0.1)
    assert town.provider.most == 1


async def test_a_refused_account_becomes_dead_is_let_alone_and_goes_on_when_it_is_revived(town: Town) -> None:
    (account,) = await town.accounts(1)
    post = await town.post()
    await town.ready(account)
    town.provider.put(account, "one")
    await until(lambda: _has(town, account, 1))
    login = "a0@example.com"
    town.provider.directory[login] = "changed"
    town.provider.tell(account, Unavailable("signed out"))
    await until(lambda: _status(town, account, TokenStatus.INVALID))
    async with town.house.database.session() as session:
        await session.execute(sa.text("update account set refused_since = now() - interval '11 minutes', refusals = 5"))
    await until(lambda: _status(town, account, TokenStatus.DEAD))
    await until(lambda: not post.watching.accounts)
    contacts = len(town.provider.listens)
    town.provider.mail[account].put("two", "while dead")
    await asyncio.sleep(TTL)
    assert (len(town.provider.listens), await town.feed(account)) == (contacts, ["one"])
    town.provider.directory[login] = PASSWORD
    await town.link_again(login)
    await until(lambda: _has(town, account, 2))
    assert await town.feed(account) == ["one", "two"]  # from its sequence


async def _status(town: Town, account: int, status: TokenStatus) -> bool:
    return (await town.account(account)).token_status is status


async def test_new_credentials_replace_the_listener(town: Town) -> None:
    (account,) = await town.accounts(1)
    await town.post()
    await town.ready(account)
    town.provider.directory["a0@example.com"] = PASSWORD
    first = town.provider.listening[account][0]
    await town.link_again("a0@example.com")
    await until(lambda: town.provider.listening[account] and town.provider.listening[account][0] is not first)
    assert town.provider.most == 1


async def test_an_account_that_is_removed_is_let_go(town: Town) -> None:
    first, second = await town.accounts(2)
    post = await town.post()
    await until(lambda: len(town.provider.watched()) == 2)
    await town.house.accounts.delete(town.house.application, first)
    await until(lambda: town.provider.watched() == {second})
    assert set(post.watching.accounts) == {second}


async def test_a_process_that_closes_lets_go_of_everything(town: Town) -> None:
    await town.accounts(3)
    post = await town.post()
    await until(lambda: len(town.provider.watched()) == 3)
    await post.watching.close()
    assert town.provider.watched() == set()
    async with town.house.database.read() as session:
        assert await session.scalar(sa.text("select count(*) from process")) == 0


async def test_watching_goes_on_when_the_database_hangs_up_on_everybody(town: Town) -> None:
    accounts = await town.accounts(10)
    await town.post()
    for account in accounts:
        await town.ready(account)
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> "
    for number in range(20):
        for account in accounts:
            town.provider.put(account, f"m{number}")
        if number % 4 == 0:
            async with town.house.database.read() as session:
                await session.execute(sa.text(kill + "pg_backend_pid()"))
        await asyncio.sleep(0.05)
    for account in accounts:
        await until(lambda account=account: _has(town, account, 20), 30)  # type: ignore[misc]
    assert town.provider.most == 1
