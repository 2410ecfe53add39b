"""Subscribing: the challenge, what can be subscribed to, and that nothing is missed from the answer on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.identity import Account, Application
from gateway.services.changelog import ChangeLog
from gateway.services.delivery.pump import Delivery
from gateway.services.delivery.receiver import Receiver as Caller
from gateway.services.signing import Signer, SigningSecrets
from gateway.services.sources import Sources
from gateway.services.subscriptions import Subscriptions
from gateway.store.database import Database
from gateway.store.queries import subscriptions
from gateway.store.vault import Vault
from providers.base.collection import Delta, PageRequest, Ref
from providers.base.errors import Denied, Invalid, NotFound, Pending, Unauthorized, Unsupported
from providers.base.ports import MessageQuery
from providers.base.provider import ProviderSettings
from providers.base.rest import Http
from providers.sandbox.mail import SandboxMessages
from providers.sandbox.provider import SandboxProvider
from schemas.accounts import ApiAccountInDto, Scope, ServiceType
from schemas.mail import UpdateMessageStatusData
from schemas.webhooks import ReplayRequest, SubscriptionRequest
from tests.gateway.services.conftest import House, open_house, vault
from tests.servers.receiver import Plan, Receiver

pytestmark = pytest.mark.anyio
__all__ = ["vault"]


class Desk:
    """The services of a process, and accounts of the sandbox."""

    def __init__(self, house: House, http: Http) -> None:
        self.house, self.sources = house, Sources(house.sessions)
        self.log = ChangeLog(house.database, fresh=0.0)
        self.caller, self.signer = Caller(http, timeout=0.5), Signer(house.vault)
        self.woken: list[int] = []
        self.subscriptions = self.opened(self.caller)
        self.delivery = Delivery(house.database, self.caller, self.signer)

    def opened(self, caller: Caller, **more: Any) -> Subscriptions:
        return Subscriptions(
            self.house.database, self.log, self.sources, caller, self.signer, wake=self.woken.append, **more
        )

    async def account(self, application: Application | None = None, **more: Any) -> Account:
        body = ApiAccountInDto(
            service_type=ServiceType.SANDBOX, active=True, email="ann@sandbox.test", password="x", **more
        )
        application = application or self.house.application
        saved = await self.house.accounts.upsert(application, body)
        found = await self.house.identity.account(application, saved.account_id)
        assert found is not None
        return found

    async def subscribe(self, account: Account, url: str, **more: Any) -> int:
        request = SubscriptionRequest(**{"resource": "/email/messages", "notification_url": url, **more})
        return (await self.subscriptions.create(account, request)).id

    async def pull(self, account: Account) -> None:
        """What the watcher does."""
        stream = await self.log.find_or_create(account.id, "messages", None, {})
        await self.log.refresh(stream, self.sources.open(account, stream))

    async def touch(self, account: Account, count: int = 1) -> list[str]:
        """Mark messages, no drafts, as read or unread; their ids."""
        async with self.house.sessions.use(account) as session:
            assert session.messages is not None
            page = await session.messages.find(None, MessageQuery(), PageRequest(limit=50))
            chosen = [message for message in page.records if "draft" not in (message.sys_labels or ())][:count]
            for message in chosen:
                patch = UpdateMessageStatusData(unread="unread" not in (message.sys_labels or ()))
                await session.messages.update(Ref(message.id or ""), patch)
            return [message.id or "" for message in chosen]


@pytest.fixture
async def desk(database: Database, vault: Vault, tmp_path: Any) -> AsyncIterator[Desk]:
    provider: Any = SandboxProvider(ProviderSettings(tmp_path))
    http = Http(lambda _: True)
    async with open_house(database, vault, provider) as house:
        desk = Desk(house, http)
        yield desk
        await desk.log.close()
    await http.close()
    await provider.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


async def test_the_challenge_is_signed_and_keeps_the_query(desk: Desk, receiver: Receiver) -> None:
    account = await desk.account()
    await desk.subscribe(account, receiver.url + "?key=a%2Fb&empty=#part")
    [call] = receiver.challenges
    assert call.query.startswith("key=a%2Fb&empty=&validationToken=")
    assert (call.headers["content-type"], call.body) == ("text/plain; charset=utf-8", b"")
    assert call.is_signed_with(desk.house.signing_secret)
    assert receiver.calls == []


async def test_both_secrets_sign_a_challenge_during_a_rotation(desk: Desk, receiver: Receiver) -> None:
    new, _ = await SigningSecrets(desk.house.database, desk.house.vault).rotate(
        desk.house.application.client_id, timedelta(hours=1)
    )
    await desk.subscribe(await desk.account(), receiver.url)
    assert receiver.challenges[0].is_signed_with(desk.house.signing_secret)
    assert receiver.challenges[0].is_signed_with(new, "x-postroom-next-signature")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(500), "answered 500, not 200"),
        (Plan(202), "answered 202, not 200"),
        (Plan(302, headers={"Location": "http://169.254.169.254/"}), "answered 302, not 200"),
        (Plan(body="another token"), "did not answer with the token"),
        (Plan(body=""), "did not answer with the token"),
        (Plan(body="x" * 5000), "did not answer with the token"),
        (Plan(kind="text/html"), "the content type 'text/html', not text/plain"),
        (Plan(hang=True), "did not answer within 0.5 s"),
    ],
)
async def test_a_challenge_that_is_not_met(desk: Desk, receiver: Receiver, plan: Plan, words: str) -> None:
    receiver.challenge = plan
    account = await desk.account()
    with pytest.raises(Invalid, match=words) as caught:
        await desk.subscribe(account, receiver.url)
    assert caught.value.path == "notificationUrl"
    page = await desk.subscriptions.find(account, limit=50, offset=0, inactive=True)
    assert page.records == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example.com",
        "ftp://app.example.com/",
        "https://",
        "https://app.example.com:99999/",
        "http://[::1",
        "http://a b/",
        "http://a/\n",
    ],
)
async def test_urls_that_are_none(desk: Desk, url: str) -> None:
    with pytest.raises(Invalid) as caught:
        await desk.subscribe(await desk.account(), url)
    assert caught.value.path == "notificationUrl"


async def test_a_url_in_a_private_network(desk: Desk, receiver: Receiver) -> None:
    guarded = Http()
    request = SubscriptionRequest(resource="/email/messages", notification_url=receiver.url)
    with pytest.raises(Invalid, match="private or reserved network") as caught:
        await desk.opened(Caller(guarded)).create(await desk.account(), request)
    assert caught.value.path == "notificationUrl"
    assert receiver.challenges == []
    await guarded.close()


async def test_resources(desk: Desk, receiver: Receiver) -> None:
    account = await desk.account()
    with pytest.raises(Invalid) as caught:
        await desk.subscribe(account, receiver.url, resource="/email/nothing")
    assert caught.value.path == "resource"
    with pytest.raises(Unsupported, match="not offered"):
        await desk.subscribe(account, receiver.url, resource="/email/tracking")
    with pytest.raises(NotFound, match="no part"):
        await desk.subscribe(account, receiver.url, resource="/booking/7")
    sender = await desk.account(auth_scopes=[Scope.MAIL_SEND])
    with pytest.raises(Denied, match=r"Mail\.Read"):
        await desk.subscribe(sender, receiver.url)
    await desk.house.accounts.delete_token(account)
    dead = await desk.house.identity.account(desk.house.application, account.id)
    assert dead is not None
    with pytest.raises(Unauthorized):
        await desk.subscribe(dead, receiver.url)
    assert receiver.challenges == []


async def test_what_happens_after_the_answer_is_told(desk: Desk, receiver: Receiver) -> None:
    account = await desk.account()
    subscription = await desk.subscribe(account, receiver.url, filters=["withoutDrafts"], detail_level="status")
    touched = await desk.touch(account, 3)
    await desk.pull(account)
    assert await desk.delivery.wanted(account.id) == [subscription]
    await desk.delivery.run(subscription)
    payloads = [payload for call in receiver.calls for payload in call.payloads]
    assert sorted(payload["id"] for payload in payloads) == sorted(touched)
    assert {payload["changeType"] for payload in payloads} == {"updated"}
    later = await desk.subscribe(account, receiver.url)
    assert (await desk.subscriptions.get(account, later)).sequence == 3
    await desk.delivery.run(later)
    assert len(receiver.calls) == 1, "a new subscription starts with what happens from now on"


async def test_a_mailbox_that_is_still_being_read(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the first pull is complete nothing would be told: the caller is asked to come again, and it goes on."""
    gate = asyncio.Event()
    changes = SandboxMessages.changes

    async def slow(self: SandboxMessages, *arguments: Any, **more: Any) -> Delta:
        await gate.wait()
        return await changes(self, *arguments, **more)

    monkeypatch.setattr(SandboxMessages, "changes", slow)
    account = await desk.account()
    hasty = desk.opened(desk.caller, ready=0.2)
    request = SubscriptionRequest(resource="/email/messages", notification_url=receiver.url)
    with pytest.raises(Pending):
        await hasty.create(account, request)
    assert (await hasty.find(account, limit=50, offset=0, inactive=True)).records == []
    gate.set()
    assert (await desk.subscriptions.create(account, request)).active


async def test_lists_and_strangers(desk: Desk, receiver: Receiver) -> None:
    account, neighbour = await desk.account(), await desk.account()
    application, _, _ = await desk.house.applications.create(f"stranger {account.id}")
    stranger = await desk.account(application)
    ids = [await desk.subscribe(account, receiver.url) for _ in range(3)]
    parked = ids[1]
    async with desk.house.database.session() as session:
        await session.execute(sa.text("update subscription set active = false where id = :id"), {"id": parked})
    page = await desk.subscriptions.find(account, limit=1, offset=0, inactive=False)
    assert ([record.id for record in page.records], page.total_size, page.done) == (ids[:1], 2, False)
    page = await desk.subscriptions.find(account, limit=50, offset=0, inactive=True)
    assert ([record.id for record in page.records], page.done) == (ids, True)
    page = await desk.subscriptions.find(account, limit=50, offset=99, inactive=True)
    assert (page.records, page.total_size, page.done) == ([], 3, True)
    assert not (await desk.subscriptions.get(account, parked)).active
    for other in (neighbour, stranger):
        assert (await desk.subscriptions.find(other, limit=50, offset=0, inactive=True)).records == []
        with pytest.raises(NotFound):
            await desk.subscriptions.get(other, ids[0])
        with pytest.raises(NotFound):
            await desk.subscriptions.delete(other, ids[0])
        with pytest.raises(NotFound):
            await desk.subscriptions.deliveries(other, ids[0], PageRequest())
        with pytest.raises(NotFound):
            await desk.subscriptions.replay(other, ids[0], ReplayRequest(sequence=0))
    accounts = desk.house.accounts
    found = await accounts.find(desk.house.application, subscription_id=ids[0])
    assert [record.id for record in found.records] == [account.id]
    assert (await accounts.find(application, subscription_id=ids[0])).total_size == 0
    await desk.subscriptions.delete(account, ids[0])
    with pytest.raises(NotFound):
        await desk.subscriptions.delete(account, ids[0])
    assert (await accounts.find(desk.house.application, subscription_id=ids[0])).total_size == 0


async def test_with_dead_credentials_no_subscription_is_active(desk: Desk, receiver: Receiver) -> None:
    account = await desk.account()
    subscription = await desk.subscribe(account, receiver.url)
    await desk.house.accounts.delete_token(account)
    dead = await desk.house.identity.account(desk.house.application, account.id)
    assert dead is not None
    shown = await desk.subscriptions.get(dead, subscription)
    assert (shown.active, shown.fail_description) == (False, "the account's credentials are dead")
    assert shown.fail_since is not None
    assert (await desk.subscriptions.find(dead, limit=50, offset=0, inactive=False)).records == []
    assert len((await desk.subscriptions.find(dead, limit=50, offset=0, inactive=True)).records) == 1


async def test_the_log_of_deliveries(desk: Desk, receiver: Receiver) -> None:
    account = await desk.account()
    subscription = await desk.subscribe(account, receiver.url)
    receiver.plans = [Plan(500, "no\ufffd\N{SNOWMAN}" + "x" * 2000)]
    await desk.touch(account)
    await desk.pull(account)
    await desk.delivery.run(subscription)
    page = await desk.subscriptions.deliveries(account, subscription, PageRequest())
    [attempt] = page.records
    assert (attempt.status, attempt.error, attempt.attempt) == (500, "the receiver answered 500", 1)
    assert attempt.response is not None
    assert attempt.response.startswith("no\ufffd\N{SNOWMAN}xxx")
    assert len(attempt.response.encode()) == 1024
    for _ in range(4):
        async with desk.house.database.session() as session:
            await session.execute(sa.text("update subscription set next_try_at = null"))
        await desk.touch(account)
        await desk.pull(account)
        await desk.delivery.run(subscription)
    cursor, seen = None, []
    while True:
        page = await desk.subscriptions.deliveries(account, subscription, PageRequest(cursor, 2))
        seen += [record.id for record in page.records]
        if (cursor := page.cursor) is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == attempt.id


async def test_replay_from_a_sequence_or_a_time(desk: Desk, receiver: Receiver) -> None:
    account = await desk.account()
    subscription = await desk.subscribe(account, receiver.url)
    moments = []
    for _ in range(3):
        await desk.touch(account, 2)
        await desk.pull(account)
        await desk.delivery.run(subscription)
        moments.append(datetime.now(UTC))

    async def replayed(**body: Any) -> list[int]:
        receiver.calls.clear()
        await desk.subscriptions.replay(account, subscription, ReplayRequest(**body))
        await desk.delivery.run(subscription)
        return [payload["sequence"] for call in receiver.calls for payload in call.payloads]

    assert await replayed(sequence=4) == [5, 6]
    assert await replayed(sequence=0) == [1, 2, 3, 4, 5, 6]
    assert await replayed(time=moments[0]) == [3, 4, 5, 6]
    assert await replayed(time=datetime(2020, 1, 1, tzinfo=UTC)) == [1, 2, 3, 4, 5, 6]
    answer = await desk.subscriptions.replay(account, subscription, ReplayRequest(sequence=2**63 - 1))
    assert (answer.sequence, answer.head) == (6, 6)
    assert desk.woken == [subscription] * 5
    for body in ({}, {"sequence": 1, "time": moments[0]}):
        with pytest.raises(Invalid):
            await desk.subscriptions.replay(account, subscription, ReplayRequest(**body))


async def test_replay_resumes_a_parked_one_at_once(desk: Desk, receiver: Receiver) -> None:
    account = await desk.account()
    subscription = await desk.subscribe(account, receiver.url)
    await desk.touch(account, 2)
    await desk.pull(account)
    receiver.otherwise = Plan(500)
    await desk.delivery.run(subscription)
    async with desk.house.database.session() as session:
        await session.execute(
            sa.text("update subscription set next_try_at = null, fail_since = now() - interval '2 d'")
        )
    await desk.delivery.run(subscription)
    assert not (await desk.subscriptions.get(account, subscription)).active
    assert subscription not in await desk.delivery.due(1000)
    receiver.otherwise = Plan()
    receiver.calls.clear()
    await desk.subscriptions.replay(account, subscription, ReplayRequest(sequence=1))
    shown = await desk.subscriptions.get(account, subscription)
    assert (shown.active, shown.fail_since, shown.fail_description) == (True, None, None)
    assert subscription in await desk.delivery.due(1000)
    await desk.delivery.run(subscription)
    assert [payload["sequence"] for call in receiver.calls for payload in call.payloads] == [2]


async def test_an_account_that_goes_while_it_is_subscribed_to(desk: Desk, receiver: Receiver) -> None:
    values = {
        "application_id": 1,
        "account_id": 1_000_000_000,
        "port": "messages",
        "resource": "/email/messages",
        "notification_url": receiver.url,
    }
    with pytest.raises(NotFound):
        async with desk.house.database.session() as session:
            await subscriptions.add(session, values)
