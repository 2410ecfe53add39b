"""Following a sandbox mailbox over HTTP, across a restart's worth of tokens, and with tokens that are no such."""

import json
import urllib.error
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.gateway import Gateway, wait_until
from tests.servers.postfix import Postfix


class Consumer:
    """Follows the mail of one account; `know` is by id the subject."""

    def __init__(self, gateway: Gateway, email: str, parameters: str = "", **account: str) -> None:
        self.gateway = gateway
        self.token = gateway.link(**{"serviceType": "Sandbox", "password": "any", "email": email, **account})
        self.know: dict[str, str] = {}
        started = wait_until(lambda: self._ready(parameters), 30)
        self.tokens = {"updated": started["syncUpdatedToken"], "deleted": started["syncDeletedToken"]}

    def _ready(self, parameters: str) -> Any:
        started = self.call("POST", f"/v1/email/sync{parameters}")
        return started if started["ready"] else None

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.gateway.call(method, path, body, self.token)

    def page(self, branch: str, **parameters: str) -> Any:
        return self.call("GET", f"/v1/email/sync/{branch}?{urllib.parse.urlencode(parameters)}")

    def round(self, branch: str) -> list[Any]:
        """All records of a round."""
        page = self.page(branch, deltaToken=self.tokens[branch])
        records = list(page["records"])
        while "nextPageToken" in page:
            assert "nextDeltaToken" not in page
            page = self.page(branch, pageToken=page["nextPageToken"])
            records += page["records"]
        self.tokens[branch] = page["nextDeltaToken"]
        return records

    def follow(self) -> dict[str, str]:
        self.know |= {record["id"]: record["subject"] for record in self.round("updated")}
        for record in self.round("deleted"):
            self.know.pop(record["id"], None)
        return self.know

    def listed(self) -> dict[str, str]:
        page = self.call("GET", "/v1/email/messages?includeTrashAndJunk=true&limit=100")
        assert "nextPageToken" not in page
        return {record["id"]: record["subject"] for record in page["records"]}


def refused(call: Callable[[], Any]) -> tuple[int, str, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        call()
    answer = json.loads(caught.value.read())
    return caught.value.code, answer["code"], answer["message"]


def test_a_consumer_follows_what_changes(gateway: Gateway) -> None:
    consumer = Consumer(gateway, "follower@example.com")
    first = consumer.tokens["updated"]
    assert consumer.follow() == consumer.listed() != {}
    sent = {"subject": "News", "body": "x", "to": [{"address": "follower@example.com"}]}
    consumer.call("POST", "/v1/email/messages", sent)
    gone = next(iter(consumer.know))
    for _ in range(2):  # into the trash, then for good
        consumer.call("DELETE", f"/v1/email/messages/{gone}")
    wait_until(lambda: "News" in consumer.follow().values() and gone not in consumer.follow(), 20)
    assert consumer.know == consumer.listed()
    again = Consumer.__new__(Consumer)
    again.__dict__.update(consumer.__dict__, know={}, tokens={**consumer.tokens, "updated": first})
    assert again.follow() == consumer.listed()


def test_a_consumer_follows_a_mailbox_on_dovecot(gateway: Gateway, dovecot: Dovecot, postfix: Postfix) -> None:
    user = dovecot.new_user()
    servers = {
        "serverUrl": f"imaps://localhost:{dovecot.imaps}",
        "serverInfo": f"smtp=localhost:{postfix.submissions}",
    }
    consumer = Consumer(gateway, user.address, serviceType="IMAP", password=user.password, **servers)
    with dovecot.client(user) as client:
        for number in range(3):
            client.append("INBOX", f"Message-ID: <{number}@x>\r\nSubject: mail {number}\r\n\r\nx".encode())
        wait_until(lambda: len(consumer.follow()) == 3, 20)
        client.select_folder("INBOX")
        client.create_folder("Elsewhere")
        client.add_flags(client.search(), [b"\\Seen"])
        client.move(client.search()[:1], "Elsewhere")
        client.delete_messages(client.search()[:1])
        client.expunge()
    wait_until(lambda: sorted(consumer.follow().values()) == ["mail 0", "mail 2"], 20)
    assert consumer.know == consumer.listed()


def test_what_was_chosen_at_the_start_holds_for_the_chain(gateway: Gateway) -> None:
    consumer = Consumer(gateway, "reader@example.com", "?bodyType=text&daysWithin=3650")
    records = consumer.round("updated")
    assert all(record.get("body") is not None for record in records)
    assert {record["id"] for record in records} == consumer.listed().keys()
    bare = wait_until(lambda: consumer._ready(""), 30)
    page = consumer.page("updated", deltaToken=bare["syncUpdatedToken"])
    assert all("body" not in record for record in page["records"])


def test_tombstones_say_which_message_went(gateway: Gateway) -> None:
    consumer = Consumer(gateway, "tombstones@example.com")
    gone = consumer.call("GET", "/v1/email/messages?limit=1")["records"][0]
    for _ in range(2):
        consumer.call("DELETE", f"/v1/email/messages/{gone['id']}")
    [record] = wait_until(lambda: consumer.round("deleted"), 20)
    assert record.keys() == {"id", "folderId", "internetMessageId", "timestamp"}
    assert (record["id"], record["internetMessageId"]) == (gone["id"], gone["internetMessageId"])


def test_tokens_that_are_no_such_are_refused(gateway: Gateway) -> None:
    consumer, other = Consumer(gateway, "one@example.com"), Consumer(gateway, "two@example.com")
    good = consumer.tokens["updated"]
    bad = {
        "truncated": good[:-3],
        "of the other branch": consumer.tokens["deleted"],
        "of another account": other.tokens["updated"],
        "not Base64": "%%%\x00é",
        "of a list": consumer.call("GET", "/v1/email/messages?limit=1")["nextPageToken"],
    }
    found = {
        name: refused(lambda token=token: consumer.page("updated", deltaToken=token)) for name, token in bad.items()
    }
    assert {answer[:2] for answer in found.values()} == {(400, "token.notValid")}
    assert refused(lambda: consumer.page("updated", pageToken=good))[:2] == (400, "token.notValid")
    status, code, message = refused(lambda: consumer.page("deleted"))
    assert (status, code) == (400, "badRequest")
    assert message.startswith("deltaToken: ")
    status, _, message = refused(lambda: consumer.call("POST", "/v1/email/sync?daysWithin=0"))
    assert (status, message.partition(":")[0]) == (400, "daysWithin")


def test_the_state_of_change_logs_can_be_seen(gateway: Gateway) -> None:
    consumer = Consumer(gateway, "state@example.com", "?daysWithin=30")
    records = consumer.call("GET", "/v1/streams")["records"]
    [state] = [record for record in records if "daysWithin" in record]  # a watched account has one without, too
    assert (state["resource"], state["daysWithin"], state["ready"]) == ("/email/messages", 30, True)
    assert state["items"] == state["sequence"] > 0
    assert state["quarantined"] == []
