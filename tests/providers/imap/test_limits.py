"""What this process asks of a host and of an account: few sign-ins at once, rest for who is down, few connections."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from providers.base.collection import PageRequest
from providers.base.errors import RateLimited, Unauthorized, Unavailable
from providers.base.ports import MessageQuery
from providers.base.provider import Mailbox, ProviderSettings
from providers.imap import budget, circuit, hosts, presets
from providers.imap.budget import Budget
from providers.imap.circuit import Circuit
from providers.imap.grant import Endpoint, ImapGrant, Security
from providers.imap.hosts import Hosts
from providers.imap.listening.listeners import Listeners
from providers.imap.provider import ImapProvider
from tests.providers.heard import Heard
from tests.providers.imap.conftest import mail, open_scripted, scripted_grant
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.imap_conversation import Conversation
from tests.servers.imap_tokens import Token
from tests.servers.plugin import grant_of
from tests.servers.ports import free_port
from tests.servers.scripted_imap import CAPABILITIES, ScriptedImap, refuse

pytestmark = pytest.mark.anyio
ALL = MessageQuery()


@pytest.fixture
async def provider(imap_settings: ProviderSettings, anyio_backend: str) -> AsyncIterator[ImapProvider]:
    opened = ImapProvider(imap_settings)
    yield opened
    await opened.close()


async def wait_until(condition: Callable[[], bool]) -> None:
    """Bounded by ten seconds."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def limited(connections: int) -> str:
    return f"protocol imap {{\n  mail_max_userip_connections = {connections}\n}}\n"


@pytest.mark.parametrize("connections", [1, 2, 3])
async def test_requests_succeed_on_a_server_that_allows_few_connections(
    provider: ImapProvider, authority: Authority, connections: int
) -> None:
    with Dovecot(authority.issue(), extra=limited(connections)) as server:
        user, heard = server.new_user(), Heard()
        with server.client(user) as other:
            other.append("INBOX", mail("a"))
        mailbox = Mailbox(1, 1, user.address, grant_of(user, server).model_dump())
        await provider.listen(mailbox, heard)
        session = await provider.open(mailbox)
        for _ in range(3):
            pages = await asyncio.gather(*(session.messages.find(None, ALL, PageRequest()) for _ in range(12)))
            assert all([record.subject for record in page.records] == ["a"] for page in pages)
            [folders, *_] = await asyncio.gather(
                *(session.folders.find(None, None, PageRequest(limit=100)) for _ in range(4)),
                *(session.messages.find(None, ALL, PageRequest()) for _ in range(4)),
            )
            assert "INBOX" in [folder.full_name for folder in folders.records]
        if connections == 1:
            error = await heard.error()
            assert isinstance(error, RateLimited) and error.retry_after, "requests go before listening"
        else:
            assert not heard.errors
        await session.close()


async def test_a_request_waits_for_a_connection_instead_of_opening_one_too_many(
    scripted: ScriptedImap, imap_settings: ProviderSettings
) -> None:
    session = open_scripted(scripted, imap_settings)
    pool = session.account.pool
    with pool.borrow() as first:
        scripted.on("AUTHENTICATE", refuse("[LIMIT] Too many connections"))
        waiting = asyncio.create_task(session.account.lane.run(lambda: pool.read(lambda connection: connection)))
        await wait_until(lambda: scripted.connections == 2)
    assert await waiting is first
    assert session.account._budget.allowed == 1
    connections = scripted.connections
    with pool.borrow():
        waiting = asyncio.create_task(session.account.lane.run(lambda: pool.read(lambda connection: connection)))
        await asyncio.sleep(0.05)
    assert await waiting is first
    assert scripted.connections == connections, "what was learned is not tried again"
    await session.close()


async def test_who_waits_opens_one_himself_when_the_other_broke(
    scripted: ScriptedImap, imap_settings: ProviderSettings
) -> None:
    session = open_scripted(scripted, imap_settings)
    pool = session.account.pool
    with pytest.raises(Unavailable), pool.borrow():
        session.account._budget.learn()
        waiting = asyncio.create_task(session.account.lane.run(lambda: pool.read(lambda c: c.run(b"NOOP").status)))
        await asyncio.sleep(0.05)
        raise OSError("broken")
    assert await waiting == "OK"
    await session.close()


async def test_a_server_that_allows_none_is_rate_limited(
    scripted: ScriptedImap, imap_settings: ProviderSettings
) -> None:
    session = open_scripted(scripted, imap_settings)
    scripted.on("AUTHENTICATE", refuse("Maximum number of connections from user+IP exceeded"), times=1)
    with pytest.raises(RateLimited) as caught, session.account.pool.borrow():
        pass
    assert caught.value.retry_after
    assert (await session.messages.find(None, ALL, PageRequest())).records == []
    await session.close()


def test_places_of_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    places = Budget(5)
    places.enter(listening=True)
    for _ in range(4):
        places.enter()
    with pytest.raises(RateLimited):
        places.enter()
    places.leave()
    places.leave()
    places.learn()
    assert places.allowed == 3
    with pytest.raises(RateLimited) as caught:
        places.enter()
    assert (caught.value.retry_after or 0) > 1
    monkeypatch.setattr(budget, "REMEMBERED", 0.0)
    places.learn()
    assert places.allowed == 5, "it is forgotten after a while"


def test_a_listener_leaves_a_place_and_gets_one_when_the_pool_has_too_many() -> None:
    places = Budget(5)
    places.learn()
    assert places.allowed == 1
    with pytest.raises(RateLimited):
        places.enter(listening=True)
    places = Budget(2)
    places.enter()
    places.enter()
    assert not places.is_cramped
    with pytest.raises(RateLimited) as caught:
        places.enter(listening=True)
    assert (caught.value.retry_after or 0) <= 60
    assert places.is_cramped
    places.leave()
    assert not places.is_cramped
    places.enter(listening=True)


async def test_a_connection_that_is_not_needed_makes_room(
    scripted: ScriptedImap, imap_settings: ProviderSettings
) -> None:
    session = open_scripted(scripted, imap_settings)
    places, pool = session.account._budget, session.account.pool
    with pool.borrow(), pool.borrow():
        places.learn()
        with pytest.raises(RateLimited):
            places.enter(listening=True)
    places.enter(listening=True)
    assert places._pooled == 1
    await session.close()
    assert places._pooled == 0


@pytest.mark.parametrize(
    ("host", "expected"), [("imap.gmail.com", 15), ("IMAP.mail.yahoo.com", 5), ("imap.aol.com", 5), ("x.example", 10)]
)
def test_what_hosts_allow(host: str, expected: int) -> None:
    assert presets.connections(host) == expected


def test_the_pool_stays_below_what_the_host_allows(imap_settings: ProviderSettings, scripted: ScriptedImap) -> None:
    session = open_scripted(scripted, replace(imap_settings, connections_per_account=50))
    assert session.account.pool._limit == presets.CONNECTIONS - 1


def refusing(port: int) -> ImapGrant:
    endpoint = Endpoint(host="127.0.0.1", port=port, security=Security.PLAIN)
    return ImapGrant(imap=endpoint, login="me", smtp_login="me", password="secret")


async def test_a_host_that_is_down_rests(imap_settings: ProviderSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "FIRST", 100.0)
    monkeypatch.setattr(circuit, "LONGEST", 60.0)
    known, grant = Hosts(imap_settings), refusing(free_port())
    with pytest.raises(Unavailable, match="refused the connection") as caught:
        known.open(grant)
    assert (caught.value.retry_after or 0) > 50
    with pytest.raises(Unavailable, match="a moment ago") as caught:
        known.open(grant)
    assert 50 < (caught.value.retry_after or 0) <= 60
    with pytest.raises(Unavailable, match="refused the connection"):
        known.open(refusing(free_port()))


async def test_a_refused_password_is_no_failure_of_the_host(
    scripted: ScriptedImap, imap_settings: ProviderSettings
) -> None:
    known, grant = Hosts(imap_settings), scripted_grant(scripted)
    for _ in range(3):
        with pytest.raises(Unauthorized):
            known.open(grant.model_copy(update={"password": "wrong"}))
    known.open(grant).close()


def fails(one: Circuit) -> str:
    with pytest.raises(Unavailable) as caught, one.trying(5.0):
        raise Unavailable("down")
    return caught.value.message


def test_rests_grow_until_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    one, rests = Circuit("host:993"), []
    for _ in range(10):
        assert fails(one) == "down"
        began = now[0]
        while _rests(one):
            now[0] += 0.25
        rests.append(now[0] - began)
    assert rests[:4] == [0.5, 1.0, 2.0, 4.0] and rests[-1] == circuit.LONGEST
    with one.trying(5.0):
        assert _rests(one), "one attempt at a time after a rest"
    assert not _rests(one)
    assert fails(one) == "down"
    now[0] += circuit.FIRST
    assert not _rests(one)


def _rests(one: Circuit) -> bool:
    return one._failures > 0 and time.monotonic() < one._until


async def test_few_sign_ins_at_once(imap_settings: ProviderSettings) -> None:
    inside, most = [0], [0]
    lock = threading.Lock()

    def slowly(talk: Conversation, tag: str, _: list[Token]) -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.02)
        with lock:
            inside[0] -= 1
        talk.send(f"{tag} OK in")

    listeners = Listeners(Hosts(imap_settings))
    with ScriptedImap(capabilities=CAPABILITIES + " IDLE") as server:
        server.on("AUTHENTICATE", slowly)
        grants = [scripted_grant(server).model_copy(update={"login": f"user{n}"}) for n in range(60)]
        await asyncio.gather(*(listeners.listen(grant, Heard()) for grant in grants))
        assert 2 < most[0] <= hosts.LISTENERS
        listeners.close()
