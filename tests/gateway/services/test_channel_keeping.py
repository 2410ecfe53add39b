"""Channels: made for what is followed, renewed, ended; and what watching makes of them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from gateway.identity import Account
from gateway.services.changelog import ChangeLog
from gateway.services.channel_keeping import ChannelKeeping
from gateway.services.sources import Sources
from gateway.services.watching import Watching
from gateway.store.channels import Channels
from gateway.store.database import Database
from gateway.store.hashing import matches
from gateway.store.leases import Leases
from gateway.store.vault import Vault
from gateway.work.engine import Engine
from providers.base.errors import Denied, Unauthorized, Unavailable
from providers.base.provider import ProviderSettings
from tests.gateway.database import fresh_database
from tests.gateway.services.conftest import House, open_house
from tests.gateway.services.pushing_provider import PushingProvider
from tests.gateway.waiting import until

pytestmark = pytest.mark.anyio
URL = "https://gateway.example"
SERVICES = {"IMAP": frozenset({"messages"})}


@pytest.fixture
def database_url(postgres_url: str, template: str) -> Iterator[str]:
    """A database for each test: what is due is looked for everywhere."""
    yield from fresh_database(postgres_url, f"template {template}")


@pytest.fixture
def provider(tmp_path: Path) -> PushingProvider:
    return PushingProvider(ProviderSettings(tmp_path))


@dataclass
class Office:
    """A process that keeps channels. `woken`: accounts, in order."""

    house: House
    provider: PushingProvider
    stack: AsyncExitStack
    url: str
    vault: Vault
    woken: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.channels = Channels(self.house.database, SERVICES)
        self.keeping = ChannelKeeping(self.channels, self.house.sessions, self.house.identity, URL, self.woken.append)
        self.changelog = ChangeLog(self.house.database)

    async def account(self, email: str = "ann@example.com") -> Account:
        """An account whose mail somebody has subscribed to."""
        account = await self.house.account(await self.house.link(email))
        await self.changelog.find_or_create(account.id, "messages", None, {})
        await self.sql(
            """insert into subscription (application_id, account_id, resource, port, notification_url)
            values (:application, :account, '/email/messages', 'messages', 'https://example.com')""",
            application=self.house.application.id,
            account=account.id,
        )
        return account

    async def sql(self, statement: str, **given: object) -> Any:
        async with self.house.database.read() as session:
            found = await session.execute(sa.text(statement), given)
            return found.all() if found.returns_rows else None  # type: ignore[attr-defined]

    async def attend(self) -> list[int]:
        """Do what is due; for which accounts."""
        due = list(await self.channels.due(100))
        for account_id in due:
            await self.keeping.run(account_id)
        return due

    async def now(self) -> None:
        """What is put off is due."""
        await self.sql("update channel set next_at = now()")

    async def watching(self) -> Watching:
        """Watch accounts with the channels of this office, which attends at once."""
        database = Database(self.url)
        self.stack.push_async_callback(database.close)
        house = await self.stack.enter_async_context(open_house(database, self.vault, self.provider))
        tasks: set[asyncio.Task[None]] = set()

        def attend(account_id: int) -> None:
            tasks.add(asyncio.create_task(self.keeping.run(account_id)))

        keeping = ChannelKeeping(Channels(database, SERVICES), house.sessions, house.identity, URL, attend)
        changelog = ChangeLog(database)
        self.stack.push_async_callback(changelog.close)
        leases = Leases(database, f"test {uuid4()}", 2.0)
        watching = Watching(leases, house.sessions, changelog, Sources(house.sessions), keeping)
        house.identity.watch(watching.hear)
        await house.identity.start()
        assert house.identity._listener
        await house.identity._listener.ready.wait()
        await watching.start()
        self.stack.push_async_callback(watching.close)
        return watching


@pytest.fixture
async def office(database_url: str, vault: Vault, provider: PushingProvider, house: House) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        office = Office(house, provider, stack, database_url, vault)
        yield office
        await office.changelog.close()


async def test_what_is_followed_gets_a_channel_of_its_own_once(office: Office) -> None:
    account = await office.account()
    assert await office.attend() == [account.id]
    ((name, email), (address, secret)) = next(iter(office.provider.channels.items()))
    assert (address, email) == (f"{URL}/push/memory/box", "ann@example.com")
    (row,) = await office.channels.of(account.id)
    assert (row.name, row.resource, row.failures, row.error) == (name, email, 0, None)
    assert matches(secret, row.secret_hash)
    assert await office.attend() == []
    left = await office.keeping.covered(account)
    assert 6 * 86400 < left["messages", None] <= 7 * 86400


async def test_one_that_reached_half_of_its_life_is_renewed_and_the_old_one_ended(office: Office) -> None:
    account = await office.account()
    await office.attend()
    first = set(office.provider.channels)
    ((share,),) = await office.sql(
        "select extract(epoch from next_at - now()) / extract(epoch from expires_at - now()) from channel"
    )
    assert 0.4 < share < 0.6
    await office.now()
    assert await office.attend() == [account.id]
    assert len(office.provider.channels) == 1 and not first & set(office.provider.channels)
    assert len(await office.channels.of(account.id)) == 1


async def test_a_mailbox_wide_channel_is_renewed_without_being_ended(office: Office) -> None:
    office.provider.topic = "topic"
    await office.account()
    await office.attend()
    await office.now()
    await office.attend()
    assert set(office.provider.channels) == {("topic", "ann@example.com")}
    assert office.provider.asked == 2


async def test_when_nobody_follows_it_is_ended(office: Office) -> None:
    account = await office.account()
    await office.attend()
    await office.sql("delete from subscription")
    assert await office.attend() == [account.id]
    assert (office.provider.channels, list(await office.channels.of(account.id))) == ({}, [])
    assert await office.attend() == []


async def test_accounts_of_one_mailbox_share_what_the_provider_has_once(office: Office) -> None:
    office.provider.topic = "topic"
    first, second = await office.account(), await office.account()
    await office.attend()
    await office.keeping.leave([first.id])
    assert office.provider.channels, "the second one lives by it"
    await office.keeping.leave([second.id])
    assert not office.provider.channels


async def test_a_provider_that_is_not_willing_is_asked_ever_more_rarely(office: Office) -> None:
    account = await office.account()
    office.provider.unwilling = Unavailable("try later", retry_after=70.0)
    await office.attend()
    assert await office.attend() == [], "it is put off"
    ((failures, error, seconds),) = await office.sql(
        "select failures, error, extract(epoch from next_at - now()) from channel where expires_at is null"
    )
    assert (failures, error, 60 < seconds <= 71) == (1, "try later", True)
    office.provider.unwilling = Denied("no topic is configured")
    await office.now()
    await office.attend()
    ((failures, seconds),) = await office.sql("select failures, extract(epoch from next_at - now()) from channel")
    assert (failures, seconds > 3000) == (2, True)
    office.provider.unwilling = None
    await office.now()
    await office.attend()
    (row,) = await office.channels.of(account.id)
    assert (row.failures, row.error) == (0, None) and row.expires_at


async def test_the_old_channel_stays_while_it_cannot_be_renewed(office: Office) -> None:
    account = await office.account()
    await office.attend()
    kept = set(office.provider.channels)
    for _ in range(3):
        office.provider.unwilling = Unavailable("down")
        await office.now()
        await office.attend()
        assert set(office.provider.channels) == kept
        assert await office.keeping.covered(account)
    office.provider.unwilling = None
    await office.now()
    await office.attend()
    assert len(office.provider.channels) == 1 and not kept & set(office.provider.channels)
    assert len(await office.channels.of(account.id)) == 1


async def test_one_that_cannot_be_ended_runs_out_in_the_end(office: Office) -> None:
    account = await office.account()
    await office.attend()
    await office.sql("delete from subscription")
    office.provider.unwilling = Unavailable("down")
    for _ in range(10):
        await office.attend()
        await office.sql("update channel set next_at = now() where failures > 0")
    assert list(await office.channels.of(account.id)) == []


async def test_an_account_that_died_leaves_nothing_to_be_done(office: Office) -> None:
    account = await office.account()
    await office.attend()
    await office.sql("update account set token_status = 'dead'")
    await office.attend()
    assert list(await office.channels.of(account.id)) == []


async def test_refused_credentials_are_noted_as_by_any_call(office: Office) -> None:
    account = await office.account()
    office.provider.unwilling = Unauthorized("revoked", final=True)
    await office.attend()
    assert await office.sql("select token_status from account where id = :id", id=account.id) == [("dead",)]


async def test_whoever_stood_still_meanwhile_writes_nothing(office: Office) -> None:
    account = await office.account()
    office.provider.delay = 0.3
    late = asyncio.create_task(office.keeping.run(account.id))
    await until(lambda: office.provider.asking)
    await office.sql("update channel set name = 'made by another process'")
    await late
    (row,) = await office.channels.of(account.id)
    assert (row.name, row.expires_at) == ("made by another process", None)


async def test_what_a_process_began_that_died_is_done_by_another(office: Office) -> None:
    account = await office.account()
    office.provider.delay = 30.0
    dying = asyncio.create_task(office.keeping.run(account.id))
    await until(lambda: office.provider.asking)
    dying.cancel()
    office.provider.delay = 0.0
    assert await office.attend() == [], "it may be under way still"
    await office.now()
    assert await office.attend() == [account.id]
    (row,) = await office.channels.of(account.id)
    assert row.expires_at


async def test_calls_name_the_mailbox_as_the_provider_calls_it(office: Office) -> None:
    account = await office.account()
    await office.attend()
    await office.sql("update account set email = 'renamed@example.com' where id = :id", id=account.id)
    assert await office.channels.tell_mailbox(["IMAP"], "messages", "ANN@example.com") == 1
    assert await office.channels.tell_mailbox(["IMAP"], "messages", "renamed@example.com") == 0
    assert await office.channels.tell_mailbox(["Google"], "messages", "ann@example.com") == 0


async def test_two_processes_never_do_it_at_once(office: Office) -> None:
    account = await office.account()
    office.provider.delay = 0.2
    engines = [Engine(office.house.database, [office.keeping.pump()]) for _ in range(2)]
    for engine in engines:
        await engine.start()
    for engine in engines:
        engine.wake("push", account.id)
    await until(lambda: office.provider.channels)
    await asyncio.sleep(0.5)
    for engine in engines:
        await engine.close()
    assert (office.provider.asked, office.provider.most_asking) == (1, 1)


async def test_without_a_way_to_reach_the_gateway_nobody_is_asked(office: Office) -> None:
    account = await office.account()
    channels = Channels(office.house.database, {})
    assert list(await channels.due(10)) == []
    keeping = ChannelKeeping(channels, office.house.sessions, office.house.identity, URL, office.woken.append)
    await keeping.run(account.id)
    assert (office.provider.asked, await keeping.covered(account), list(keeping.tells(account))) == (0, {}, [])


async def test_what_is_told_of_is_looked_after_more_rarely(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PushingProvider, "polling_floor", 0.1)
    office.provider.unwilling = Unavailable("not yet")
    account = await office.account()
    mail = office.provider.mail[account.id]
    watching = await office.watching()
    await until(lambda: mail.asked > 5)  # polled
    office.provider.unwilling = None
    await office.now()
    await office.attend()
    watch = watching._watches[account.id]
    await until(lambda: watch._looks["messages", None] > asyncio.get_running_loop().time() + 60)
    asked = mail.asked
    await asyncio.sleep(0.7)
    assert mail.asked == asked
    mail.put("new", "x")
    await office.channels.tell_mailbox(["IMAP"], "messages", "Ann@Example.com")
    await until(lambda: mail.asked > asked)
    office.provider.unwilling = Unavailable("no more")
    await office.sql("update channel set expires_at = now() - interval '1 second', next_at = now() + interval '1 hour'")
    await office.sql("select pg_notify('postroom_changes', :topic)", topic=f"watch:{account.id}")
    asked = mail.asked
    await until(lambda: mail.asked > asked + 3)  # polled as before


async def test_a_channel_that_has_gone_deaf_is_replaced(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PushingProvider, "pushed_floor", 0.1)
    account = await office.account()
    mail = office.provider.mail[account.id]
    await office.watching()
    await until(lambda: office.provider.channels)
    first = set(office.provider.channels)
    number = 0
    async with asyncio.timeout(20):
        while not set(office.provider.channels) - first:
            number += 1
            mail.put(f"untold {number}", "x")
            await asyncio.sleep(0.1)
    await until(lambda: len(office.provider.channels) == 1)
