"""The live feed of a running gateway: read as server-sent events and as pages, through kills, stops and restores."""

import base64
import json
import multiprocessing
import signal
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.e2e.feeds import Events, Json, append
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.gateway import Gateway, wait_until

_NUMBERS = iter(range(1000))


@pytest.fixture(scope="module")
def gateway(authority: Authority, database_url: str) -> Iterator[Gateway]:
    with Gateway(POSTROOM_CA_BUNDLE=str(authority.bundle), POSTROOM_DATABASE_URL=database_url) as it:
        yield it


class Mailbox:
    """A linked account of the gateway's first application, or of another one."""

    def __init__(self, gateway: Gateway, basic: str | None = None, **account: Any) -> None:
        self.gateway, self.basic = gateway, basic or gateway.basic
        given = {"serviceType": "Sandbox", "password": "any", "email": f"box{next(_NUMBERS)}@example.com", **account}
        made = gateway.call("POST", "/v1/am/accounts", {"active": True, **given}, self.basic)
        self.id, self.bearer = made["accountId"], f"Bearer {made['accessToken']}"

    def page(self, query: str = "", authorization: str | None = None) -> Json:
        page: Json = self.gateway.call("GET", f"/v1/events?{query}", authorization=authorization or self.bearer)
        return page

    def pull(self) -> bool:
        """Have the gateway look at the mailbox now, as watching it would."""
        start = self.gateway.call("POST", "/v1/email/sync", authorization=self.bearer)
        if start["ready"]:
            token = start["syncUpdatedToken"]
            self.gateway.call("GET", f"/v1/email/sync/updated?deltaToken={token}", authorization=self.bearer)
        return bool(start["ready"])


@pytest.fixture(scope="module")
def stranger(gateway: Gateway) -> str:
    """The authorization header of another application."""
    made = json.loads(gateway.postroom("apps", "create", "stranger", "--json"))
    return "Basic " + base64.b64encode(f"{made['clientId']}:{made['clientSecret']}".encode()).decode()


def short(events: list[Json]) -> list[tuple[int, str, str]]:
    return [(event["sequence"], event["id"], event["changeType"]) for event in events]


def refused(mailbox: Mailbox, query: str, authorization: str | None = None) -> tuple[int, str, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        mailbox.page(query, authorization)
    answer = json.loads(caught.value.read())
    return caught.value.code, answer["code"], answer["message"]


def test_what_happens_in_a_mailbox_is_told(gateway: Gateway, dovecot: Dovecot) -> None:
    user = dovecot.new_user()
    server = {"serverUrl": f"imaps://localhost:{dovecot.imaps}"}
    mailbox = Mailbox(gateway, serviceType="IMAP", email=user.address, password=user.password, **server)
    reader, application = Events(gateway, mailbox.bearer), Events(gateway, mailbox.basic)
    wait_until(mailbox.pull, 20)
    with dovecot.client(user) as client:
        client.append("INBOX", b"Message-ID: <1@x>\r\nSubject: one\r\n\r\nx")
        wait_until(lambda: mailbox.pull() and mailbox.page("since=0")["length"] == 1, 20)
        client.select_folder("INBOX")
        client.add_flags(client.search(), [b"\\Seen"])
        wait_until(lambda: mailbox.pull() and mailbox.page("since=0")["length"] == 2, 20)
        client.delete_messages(client.search())
        client.expunge()
        wait_until(lambda: mailbox.pull() and mailbox.page("since=0")["length"] == 3, 20)
    told = reader.take(3)
    assert [(event["sequence"], event["changeType"]) for event in told] == [
        (1, "created"),
        (2, "updated"),
        (3, "deleted"),
    ]
    assert {(event["accountId"], event["resource"]) for event in told} == {(mailbox.id, "/email/messages")}
    assert len({event["id"] for event in told}) == 1
    assert application.take(3) == told == mailbox.page("since=0")["records"]


def test_a_reader_has_its_account_watched_and_its_log_begun(gateway: Gateway, database_url: str, stranger: str) -> None:
    mailbox = Mailbox(gateway, stranger)
    other, dead = Mailbox(gateway, mailbox.basic), Mailbox(gateway, mailbox.basic)
    gateway.call("DELETE", "/v1/account/token", authorization=dead.bearer)
    with psycopg.connect(database_url, autocommit=True) as database:
        wanted = (
            "select account_id from watch where account_id = any(%s) and wanted_until > now() + interval '1 minute'"
        )
        fed = "select distinct account_id from stream where account_id = any(%s) and ready and filter = '{}'"
        notices = database.cursor().execute("listen postroom_changes").connection
        ids = [mailbox.id, other.id, dead.id]
        mailbox.page()
        assert database.execute(wanted, [ids]).fetchall() == [(mailbox.id,)]
        wait_until(lambda: database.execute(fed, [ids]).fetchall() == [(mailbox.id,)], 20)
        stream = Events(gateway, mailbox.basic)
        alive = {(mailbox.id,), (other.id,)}
        wait_until(lambda: set(database.execute(wanted, [ids]).fetchall()) == alive, 20)
        wait_until(lambda: set(database.execute(fed, [ids]).fetchall()) == alive, 20)
        topics = [notice.payload for notice in notices.notifies(timeout=1)]
        assert {f"watch:{mailbox.id}", f"watch:{other.id}"} <= set(topics)
        assert f"watch:{dead.id}" not in topics
        stream.close()


def test_a_killed_gateway_loses_nobody_anything(gateway: Gateway, database_url: str) -> None:
    mailbox = Mailbox(gateway)
    readers = [Events(gateway, mailbox.bearer), Events(gateway, mailbox.basic)]
    pages: list[Json] = []
    position = mailbox.page()["next"]
    for life in range(3):
        append(database_url, mailbox.id, [f"{life}-{n}" for n in range(20)], each=True)
        for reader in readers:
            reader.take(15)
        gateway.kill()
        append(database_url, mailbox.id, [f"{life}-dark-{n}" for n in range(20)])
        gateway.start()
        for reader in readers:
            reader.close()
            reader.connect()
            reader.take(25)
        while (page := mailbox.page(f"limit=7&since={position}"))["records"]:
            pages, position = pages + page["records"], page["next"]
    assert [event["sequence"] for event in pages] == list(range(1, 121))
    assert readers[0].seen == readers[1].seen == pages


def _append_many(url: str, account_id: int, name: str) -> None:
    append(url, account_id, [f"{name}{n}" for n in range(60)], each=True)


def test_sequences_have_no_gaps_when_two_processes_append(gateway: Gateway, database_url: str) -> None:
    mailbox = Mailbox(gateway)
    other = Mailbox(gateway, mailbox.basic)
    readers = [Events(gateway, mailbox.bearer), Events(gateway, mailbox.basic)]
    spawn = multiprocessing.get_context("spawn")
    work = [(mailbox.id, "a"), (mailbox.id, "b"), (other.id, "c")]
    writers = [spawn.Process(target=_append_many, args=(database_url, *what)) for what in work]
    for writer in writers:
        writer.start()
    alone, together = readers[0].take(120, 90), readers[1].take(180, 90)
    for writer in writers:
        writer.join()
    assert [event["sequence"] for event in alone] == list(range(1, 121))
    assert [event for event in together if event["accountId"] == mailbox.id] == alone
    assert [event["sequence"] for event in together if event["accountId"] == other.id] == list(range(1, 61))


def test_an_application_hears_of_accounts_that_come(gateway: Gateway, database_url: str) -> None:
    mailbox = Mailbox(gateway)
    reader = Events(gateway, mailbox.basic)
    new = Mailbox(gateway, mailbox.basic)
    append(database_url, new.id, ["x"])
    assert short(reader.take(1)) == [(1, "x", "created")]
    reader.close()
    gateway.call("DELETE", f"/v1/am/accounts/{new.id}", authorization=mailbox.basic)
    append(database_url, mailbox.id, ["y"])
    reader.connect()
    assert short(reader.take(1)) == [(1, "y", "created")]


def test_nobody_hears_of_somebody_elses_mail(gateway: Gateway, database_url: str, stranger: str) -> None:
    mine, theirs = Mailbox(gateway), Mailbox(gateway, stranger)
    readers = [Events(gateway, mine.bearer), Events(gateway, mine.basic)]
    position = mine.page(authorization=mine.basic)["next"]
    append(database_url, theirs.id, ["secret"])
    append(database_url, mine.id, ["own"])
    assert [reader.take(1)[0]["id"] for reader in readers] == ["own", "own"]
    assert [event["id"] for event in mine.page(f"since={position}", mine.basic)["records"]] == ["own"]
    heard = mine.page("since=0&limit=500", mine.basic)["records"]
    assert theirs.id not in {event["accountId"] for event in heard}
    assert [event["id"] for event in mine.page(f"since={position}", theirs.basic)["records"]] == ["secret"]


def test_a_stream_ends_when_its_token_is_deleted(gateway: Gateway, database_url: str) -> None:
    mailbox = Mailbox(gateway)
    other = Mailbox(gateway, mailbox.basic)
    revoked, stays, application = (Events(gateway, who) for who in (mailbox.bearer, other.bearer, mailbox.basic))
    gateway.call("DELETE", "/v1/account/token", authorization=mailbox.bearer)
    assert revoked.ended()
    with pytest.raises(AssertionError, match="unauthorized"):
        revoked.connect()
    append(database_url, other.id, ["x"])
    assert stays.take(1) == application.take(1)


def test_a_page_waits_for_events_and_no_longer_than_asked(gateway: Gateway, database_url: str) -> None:
    mailbox = Mailbox(gateway)
    empty = mailbox.page("wait=0.2")
    assert (empty["records"], empty["length"]) == ([], 0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        late = pool.apply_async(_append_late, (database_url, mailbox.id))
        page = mailbox.page(f"wait=25&since={empty['next']}")
        late.get()
    assert short(page["records"]) == [(1, "late", "created")]
    assert mailbox.page(f"since={empty['next']}") == page
    assert mailbox.page(f"since={page['next']}")["records"] == []


def _append_late(url: str, account_id: int) -> None:
    time.sleep(0.5)
    append(url, account_id, ["late"])


def test_resources_choose_events_and_positions_pass_the_others(gateway: Gateway, database_url: str) -> None:
    mailbox = Mailbox(gateway)
    append(database_url, mailbox.id, ["1", "2"])
    chosen = mailbox.page("since=0&resources=/contacts,/email/tracking&limit=1")
    assert (chosen["records"], chosen["next"]) == ([], mailbox.page("since=0")["next"])
    assert mailbox.page("since=0&resources=/contacts,/email/messages")["length"] == 2
    status, code, message = refused(mailbox, "resources=/mail")
    assert (status, code, message.startswith("resources: ")) == (400, "badRequest", True)


def test_positions_that_are_none_are_refused(gateway: Gateway, database_url: str) -> None:
    mailbox = Mailbox(gateway)
    append(database_url, mailbox.id, ["1"])
    vector = mailbox.page(authorization=mailbox.basic)["next"]
    bad = ["x", "-1", "1.", ".1", "1.2.3", "1.999999999999999999", "9" * 19, "é", vector, vector[:-4]]
    assert {refused(mailbox, f"since={quote(text)}")[:2] for text in bad} == {(400, "token.notValid")}
    worse = ["1", "1.2", "a", "a%%%", "b" + vector[1:], vector[:-4], vector + "AAAA", "a" + vector]
    found = {refused(mailbox, f"since={quote(text)}", mailbox.basic)[:2] for text in worse}
    assert found == {(400, "token.notValid")}
    for query in ("limit=0", "limit=501", "wait=26", "wait=-1", "wait=x"):
        assert refused(mailbox, query)[0] == 400
    assert mailbox.page("since=17")["records"] == []
    assert mailbox.page("since=")["records"] == []


def test_after_a_restored_backup_readers_go_on_from_what_is_common(gateway: Gateway, database_url: str) -> None:
    mailbox = Mailbox(gateway)
    append(database_url, mailbox.id, ["a", "b", "c"], each=True)
    saved = _rows(database_url, mailbox.id)
    append(database_url, mailbox.id, ["lost 4", "lost 5"], each=True)
    single, vector = mailbox.page("since=3")["next"], mailbox.page(authorization=mailbox.basic)["next"]
    _restore(database_url, mailbox.id, saved)
    assert mailbox.page(f"since={single}")["records"] == []
    append(database_url, mailbox.id, [f"new {n}" for n in range(4, 10)], each=True)
    expected = [(n, f"new {n}", "created") for n in range(4, 10)]
    assert short(mailbox.page(f"since={single}")["records"]) == expected
    assert short(mailbox.page(f"since={vector}", mailbox.basic)["records"]) == expected


def _rows(url: str, account_id: int) -> tuple[Any, ...]:
    with psycopg.connect(url) as database:
        found = database.execute("select sequence, changed_at from feed where account_id = %s", [account_id]).fetchone()
        assert found is not None
        return found


def _restore(url: str, account_id: int, saved: tuple[Any, ...]) -> None:
    with psycopg.connect(url) as database:
        database.execute("delete from feed_event where account_id = %s and sequence > %s", [account_id, saved[0]])
        database.execute("update feed set sequence = %s, changed_at = %s where account_id = %s", [*saved, account_id])


def test_a_stopping_gateway_ends_streams_and_waiting_calls(gateway: Gateway, database_url: str) -> None:
    mailbox = Mailbox(gateway)
    readers = [Events(gateway, mailbox.bearer) for _ in range(5)]
    for part in range(0, 5000, 500):  # more than sockets hold for who does not read
        append(database_url, mailbox.id, [f"{n:02000}" for n in range(part, part + 500)])
    for reader in readers[:2]:
        reader.take(5000, 60)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(mailbox.page, "wait=25")
        time.sleep(0.5)
        gateway.process.send_signal(signal.SIGTERM)
        assert waiting.result()["records"] == []
    try:
        assert gateway.process.wait(10) == 0
    finally:
        gateway.kill()
        gateway.start()
    assert readers[0].ended()
    for reader in readers[2:]:
        reader.close()
        reader.connect()
        assert reader.take(1)[0]["sequence"] == 1
