"""Over HTTP, on a real Dovecot and a database of its own: what happens to mailboxes, passwords and backups."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.store.embedded import get_server
from tests.e2e.test_names import Watcher, filled
from tests.e2e.test_sync import refused
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway, wait_until
from tests.servers.receiver import Receiver


@pytest.fixture
def server(authority: Authority) -> Iterator[Dovecot]:
    """A Dovecot that the test may stop."""
    with Dovecot(authority.issue()) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


def subscribe(watcher: Watcher, receiver: Receiver) -> int:
    wanted = {"resource": "/email/messages", "notificationUrl": receiver.url}
    return int(watcher.call("POST", "/v1/subscriptions", wanted)["id"])


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [payload for call in receiver.calls for payload in call.payloads]


def test_a_mailbox_that_is_emptied(gateway: Gateway, server: Dovecot, receiver: Receiver) -> None:
    """Looked at twice, and then believed: every message is told as deleted, once."""
    user, watcher, known = filled(gateway, server, 30)
    subscribe(watcher, receiver)
    with server.client(user) as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search())
        client.expunge()
    wait_until(lambda: not watcher.follow(), 60)
    assert Counter(watcher.removals) == Counter(list(known))
    deleted = wait_until(lambda: len(found := told(receiver)) >= len(known) and found, 60)
    assert Counter(payload["id"] for payload in deleted if payload["changeType"] == "deleted") == Counter(list(known))


@pytest.mark.long
def test_the_flags_of_10_000_messages_changed_at_once(gateway: Gateway, server: Dovecot, receiver: Receiver) -> None:
    user, watcher, known = filled(gateway, server, 10_000)
    subscribe(watcher, receiver)
    with server.client(user) as client:
        client.select_folder("INBOX")
        client.add_flags("1:*", [b"\\Seen"], silent=True)
    wait_until(lambda: watcher.follow() and len(watcher.updates) >= len(known), 300)
    assert Counter(watcher.updates) == Counter(list(known)), "each once"
    updated = wait_until(lambda: len(found := told(receiver)) >= len(known) and found, 300)
    assert Counter(payload["id"] for payload in updated) == Counter(list(known))
    assert {payload["changeType"] for payload in updated} == {"updated"}


def test_a_password_that_is_changed_and_given_anew(authority: Authority, server: Dovecot, receiver: Receiver) -> None:
    """The account becomes invalid, and dead when that lasts; its subscriber is told. With the new password everything
    goes on where it was."""
    with Gateway(POSTROOM_CA_BUNDLE=str(authority.bundle)) as gateway:
        user, watcher, known = filled(gateway, server, 3)
        subscribe(watcher, receiver)
        changed = server.new_user(user.address.partition("@")[0], "another")  # the same mailbox
        server.restart()
        wait_until(lambda: watcher.call("GET", "/v1/account")["tokenStatus"] == "invalid", 60)
        _let_it_have_lasted(gateway)
        assert refused(lambda: watcher.call("GET", "/v1/email/messages"))[0] == 401
        wait_until(lambda: _lifecycle(receiver) == ["error"], 60)
        assert watcher.call("GET", "/v1/account")["tokenStatus"] == "dead"
        with server.client(changed) as client:
            client.append("INBOX", b"Message-ID: <meanwhile@faults>\r\nSubject: meanwhile\r\n\r\nx")

        made = gateway.call("POST", "/v1/am/accounts?recycleKeys=email", {"active": True, **_account(server, changed)})
        watcher.token = f"Bearer {made['accessToken']}"
        wait_until(lambda: "meanwhile" in watcher.follow().values(), 60)
        assert {item: watcher.know[item] for item in known} == known and len(watcher.know) == len(known) + 1
        assert watcher.updates == [item for item, subject in watcher.know.items() if subject == "meanwhile"]
        wait_until(lambda: told(receiver) and _lifecycle(receiver)[-1] == "active", 60)
        assert [payload["changeType"] for payload in told(receiver)] == ["created"]


def _let_it_have_lasted(gateway: Gateway) -> None:
    """Refusals count as final when they go on for a while: let the while be over."""
    with psycopg.connect(get_server(Path(gateway.var.name) / "pg").get_uri(), autocommit=True) as connection:
        connection.execute("update account set refusals = 100, refused_since = now() - interval '1 day'")


def _lifecycle(receiver: Receiver) -> list[str]:
    events = [call.json.get("lifecycleEvent") for call in receiver.calls]
    return [event for event in events if event]


def _account(server: Dovecot, user: User) -> dict[str, str]:
    url = f"imaps://localhost:{server.imaps}"
    return {"serviceType": "IMAP", "email": user.address, "password": user.password, "serverUrl": url}


def test_a_backup_of_the_database_that_is_restored(authority: Authority, server: Dovecot, tmp_path: Path) -> None:
    """The data directory of an earlier hour comes back: who follows is told of what really differs, and ends with what
    is there."""
    with Gateway(POSTROOM_CA_BUNDLE=str(authority.bundle)) as gateway:
        user, watcher, known = filled(gateway, server, 20)
        data, backup = Path(gateway.var.name) / "pg", tmp_path / "pg"
        _stop(gateway)
        _copy(data, backup)
        gateway.start()
        with server.client(user) as client:
            client.select_folder("INBOX")
            client.add_flags([1], [b"\\Flagged"])
            client.append("INBOX", b"Message-ID: <lost@faults>\r\nSubject: in the lost hour\r\n\r\nx")
        wait_until(lambda: "in the lost hour" in watcher.follow().values(), 60)
        wait_until(lambda: watcher.follow() and len(watcher.updates) >= 2, 60)

        _stop(gateway)
        shutil.rmtree(data)
        _copy(backup, data)
        with server.client(user) as client:
            client.select_folder("INBOX")
            client.delete_messages([2])
            client.expunge()
            client.append("INBOX", b"Message-ID: <after@faults>\r\nSubject: after it\r\n\r\nx")
        watcher.updates.clear()
        gateway.start()
        wait_until(lambda: "after it" in watcher.follow().values(), 60)
        wait_until(lambda: watcher.know == watcher.listed(), 60)
        again = set(watcher.updates) & set(known)
        assert len(again) <= 1 and len(watcher.removals) == 1, "no storm: what differs from the restored state, once"


def _stop(gateway: Gateway) -> None:
    gateway.process.terminate()
    gateway.process.wait(30)


def _copy(source: Path, target: Path) -> None:
    """With its owner, who is the only one that may start it."""
    subprocess.run(["cp", "-a", source, target], check=True)
