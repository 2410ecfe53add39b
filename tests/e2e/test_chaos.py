"""Processes are killed while fifty subscriptions are told of ten mailboxes: nothing is lost, nothing out of order."""

import os
import time
from collections import Counter

import pytest

from tests.e2e.chaos import Flapping, Killing, ask, bearer, busy, firsts, listeners
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway, wait_until
from tests.servers.receiver import Receiver

SECONDS = float(os.environ.get("POSTROOM_CHAOS_SECONDS", "300"))
ACCOUNTS, EACH = 10, 5
CAP = 10  # connections of one user that the server allows, Dovecot's own default
_TITLES = "verbose_proctitle = yes\nprotocol imap {\n  mail_max_userip_connections = 10\n}\n"


@pytest.mark.long
def test_nothing_is_lost_when_processes_are_killed(authority: Authority) -> None:
    settings = {"POSTROOM_CONNECTIONS_PER_ACCOUNT": "3", "POSTROOM_LOG_LEVEL": "error"}
    with (
        Dovecot(authority.issue(), extra=_TITLES) as server,
        Receiver() as receiver,
        Gateway(serve=["--no-work"], **settings) as gateway,
    ):
        users = [server.new_user() for _ in range(ACCOUNTS)]
        flapping = Flapping(receiver)
        subscriptions = _subscribe(gateway, server, users, receiver)
        killing, twice = Killing(gateway, workers=3, every=20.0), Counter[str]()
        with busy(server, users, pause=0.1):
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                killing.look()
                _look(users, twice)
                time.sleep(1.0)
        flapping.failing = flapping.hanging = 0
        wait_until(lambda: _is_quiet(gateway), 180)
        feeds = {row[0]: row[1] for row in ask(gateway, "select account_id, sequence from feed")}
        for subscription, account in subscriptions.items():
            assert firsts(flapping.told[subscription]) == list(range(1, feeds[account] + 1))
        assert max(twice.values(), default=0) <= 2, "two workers listened to one account"
        assert "Maximum number of connections" not in server.log()
        assert killing.killed >= SECONDS / 20 / 2, "the others take their time to come back on a busy machine"
        told, changes = sum(map(len, flapping.told.values())), sum(feeds.values())
        print(f"{killing.killed} kills, {changes} changes, {told} told, {EACH * changes} of them once")


def _subscribe(gateway: Gateway, server: Dovecot, users: list[User], receiver: Receiver) -> dict[int, int]:
    """Subscriptions and their accounts."""
    found = {}
    for user in users:
        token = bearer(gateway, server, user)
        account = gateway.call("GET", "/v1/account", authorization=token)["id"]
        for _ in range(EACH):
            body = {"resource": "/email/messages", "notificationUrl": receiver.url}
            found[gateway.call("POST", "/v1/subscriptions", body, token)["id"]] = account
    return found


def _look(users: list[User], twice: Counter[str]) -> None:
    """Count, for each mailbox, in how many looks in a row more than one connection waited for news of it."""
    for user in users:
        twice[user.address] = twice[user.address] + 1 if listeners(user) > 1 else 0


def _is_quiet(gateway: Gateway) -> bool:
    """Whether everything was told, and nothing has come for a while."""
    behind = "select 1 from subscription s join feed f using (account_id) where s.position < f.sequence"
    if ask(gateway, behind):
        return False
    before = ask(gateway, "select coalesce(sum(sequence), 0) from feed")
    time.sleep(5.0)
    return ask(gateway, "select coalesce(sum(sequence), 0) from feed") == before and not ask(gateway, behind)
