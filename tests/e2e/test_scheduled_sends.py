"""Drafts that are sent later, through the API, with real processes that are killed while they send."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from tests.gateway.database import fresh_database
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway, wait_until
from tests.servers.scripted_smtp import DROP, HANG, ScriptedSmtp

MAIL = {"to": [{"address": "a@example.test"}], "subject": "later", "body": "<p>x</p>"}
DRAFTS = "/v1/email/drafts"


@pytest.fixture(scope="module")
def office(authority: Authority, database_url: str) -> Iterator[Gateway]:
    """A gateway that leaves the work to others."""
    settings = {"POSTROOM_CA_BUNDLE": str(authority.bundle), "POSTROOM_DATABASE_URL": database_url}
    with Gateway(POSTROOM_WORK="false", **settings) as it:
        yield it


@pytest.fixture
def another_database(postgres_url: str, template: str) -> Iterator[str]:
    yield from fresh_database(postgres_url, f"template {template}")


@pytest.fixture
def smtp() -> Iterator[ScriptedSmtp]:
    with ScriptedSmtp() as server:
        yield server


@dataclass
class Desk:
    """An account that submits to the scripted server."""

    gateway: Gateway
    bearer: str
    user: User
    dovecot: Dovecot
    smtp: ScriptedSmtp

    @property
    def database(self) -> str:
        return self.gateway.environment["POSTROOM_DATABASE_URL"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.gateway.call(method, path, body, self.bearer)

    def status(self, method: str, path: str, body: Any = None) -> int:
        try:
            self.call(method, path, body)
        except urllib.error.HTTPError as error:
            return error.code
        return 200

    def draft(self, **more: Any) -> str:
        return str(self.call("POST", DRAFTS, {**MAIL, **more})["id"])

    def later(self, draft: str, **ahead: float) -> Any:
        return self.call("POST", sending(draft, **ahead), {})

    def scheduled(self, draft: str) -> Any:
        return self.call("GET", f"{DRAFTS}/{draft}").get("scheduled")

    def folder(self, name: str) -> list[bytes]:
        client = self.dovecot.client(self.user)
        client.select_folder(name)
        found = client.fetch(client.search(), ["BODY.PEEK[]"])
        client.logout()
        return [message[b"BODY[]"] for message in found.values()]

    def leap(self, **by: float) -> None:
        """Let time pass for every send."""
        names = ("updated_at", "send_at", "next_try_at")
        with psycopg.connect(self.database, autocommit=True) as connection:
            columns = ", ".join(f"{name} = {name} - %(by)s" for name in names)
            connection.execute(f"update send set {columns}", {"by": timedelta(**by)})

    @contextmanager
    def sender(self) -> Iterator[subprocess.Popen[bytes]]:
        """A process that sends what is due; killed in the end."""
        process = subprocess.Popen([sys.executable, "-m", "tests.e2e.sender"], env=self.gateway.environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def wait(self, draft: str, status: str) -> Any:
        """The schedule, once it says so."""

        def look() -> Any:
            found = self.scheduled(draft)
            return found if found["status"] == status else None

        return wait_until(look, 30)


def sending(draft: str, **ahead: float) -> str:
    moment = (datetime.now(UTC) + timedelta(**ahead)).isoformat()
    return f"{DRAFTS}/{draft}/send?{urlencode({'sendTime': moment})}"


@pytest.fixture
def make_desk(dovecot: Dovecot, smtp: ScriptedSmtp) -> Callable[[Gateway], Desk]:
    def make(gateway: Gateway) -> Desk:
        user = dovecot.new_user(password=smtp.password)
        bearer = gateway.link(
            serviceType="IMAP",
            email=user.address,
            password=user.password,
            serverUrl=f"imaps://localhost:{dovecot.imaps}",
            serverUrl2=f"smtp://127.0.0.1:{smtp.port}",
        )
        smtp.forget()
        return Desk(gateway, bearer, user, dovecot, smtp)

    return make


@pytest.fixture
def desk(make_desk: Callable[[Gateway], Desk], office: Gateway) -> Desk:
    return make_desk(office)


def test_a_draft_is_scheduled_changed_and_cancelled(desk: Desk) -> None:
    draft = desk.draft()
    message_id = desk.call("GET", f"{DRAFTS}/{draft}")["message"]["internetMessageId"]
    answer = desk.later(draft, hours=1)
    assert (answer["status"], answer["processingStatus"]) == ("Scheduled", "Ok")
    assert answer["submittedMessageId"] == message_id
    first = desk.scheduled(draft)
    assert first["status"] == "scheduled"
    desk.later(draft, days=300)
    second = desk.scheduled(draft)
    assert second["jobId"] == first["jobId"]
    assert second["sendTime"] > first["sendTime"]

    new = desk.call("PUT", f"{DRAFTS}/{draft}", {**MAIL, "subject": "changed"})["id"]
    assert desk.scheduled(new) == second
    found = desk.call("GET", f"{DRAFTS}/{new}")["message"]
    assert (found["subject"], found["internetMessageId"]) == ("changed", message_id)
    assert new == draft or desk.status("GET", f"{DRAFTS}/{draft}") == 404

    assert desk.call("DELETE", f"{DRAFTS}/{new}/send") == {"status": "Ok"}
    assert desk.scheduled(new) is None
    assert desk.status("DELETE", f"{DRAFTS}/{new}/send") == 404
    assert len(desk.folder("Drafts")) == 1


def test_what_cannot_be_scheduled(desk: Desk) -> None:
    draft = desk.draft()
    assert desk.status("POST", sending(draft, minutes=-2), {}) == 400
    assert desk.status("POST", sending(draft, days=367), {}) == 400
    assert desk.status("POST", sending(desk.draft(to=[]), hours=1), {}) == 400
    assert desk.status("POST", sending("nothing", hours=1), {}) == 404
    assert desk.scheduled(draft) is None


def test_it_is_sent_when_its_time_has_come_and_not_before(desk: Desk) -> None:
    draft, other = desk.draft(subject="now"), desk.draft(subject="later")
    desk.later(other, minutes=30)
    desk.later(draft, seconds=-10)
    with desk.sender():
        assert desk.wait(draft, "sent").get("errorMessage") is None
        assert desk.scheduled(other)["status"] == "scheduled"
    record = desk.call("GET", f"{DRAFTS}/{draft}")
    assert (record["id"], record["message"]["subject"]) == (draft, "now")
    assert record["message"]["sysLabels"] == ["sent"]
    assert [message.sender for message in desk.smtp.messages] == [desk.user.address]
    assert len(desk.folder("Sent")) == len(desk.folder("Drafts")) == 1
    assert desk.status("POST", sending(draft, hours=1), {}) == 404
    assert desk.status("DELETE", f"{DRAFTS}/{draft}/send") == 409


def test_a_refused_one_stays_a_draft_and_says_why(desk: Desk) -> None:
    desk.smtp.on(".", "554 5.7.1 looks like spam")
    draft = desk.draft()
    desk.later(draft, seconds=0)
    with desk.sender():
        assert "looks like spam" in desk.wait(draft, "failed")["errorMessage"]
    assert (len(desk.folder("Drafts")), desk.folder("Sent")) == (1, [])
    assert desk.call("DELETE", f"{DRAFTS}/{draft}") == {"status": "Ok"}
    assert desk.status("GET", f"{DRAFTS}/{draft}") == 404


def test_one_that_must_wait_is_tried_again_as_the_same_message(desk: Desk) -> None:
    desk.smtp.on("MAIL", "451 4.7.1 later", times=1)
    desk.smtp.on("CONNECT", DROP, times=1)
    draft = desk.draft()
    message_id = desk.later(draft, seconds=0)["submittedMessageId"]
    with desk.sender():
        wait_until(lambda: desk.scheduled(draft).get("errorMessage"), 30)
        assert desk.scheduled(draft)["status"] == "scheduled"
        wait_until(lambda: desk.leap(minutes=2) or desk.scheduled(draft)["status"] == "sent", 30)
    [message] = desk.smtp.messages
    assert message_id.encode() in message.data


def test_a_deleted_draft_is_not_sent(desk: Desk) -> None:
    draft, marker = desk.draft(), desk.draft(subject="marker")
    desk.later(draft, seconds=0)
    assert desk.call("DELETE", f"{DRAFTS}/{draft}") == {"status": "Ok"}
    assert desk.status("GET", f"{DRAFTS}/{draft}") == 404
    desk.later(marker, seconds=0)
    with desk.sender():
        desk.wait(marker, "sent")
    assert len(desk.smtp.messages) == 1


def test_a_draft_that_somebody_else_threw_away_fails(desk: Desk) -> None:
    draft = desk.draft()
    desk.later(draft, seconds=0)
    client = desk.dovecot.client(desk.user)
    client.delete_folder("Drafts")
    client.create_folder("Drafts")
    client.logout()
    with desk.sender():
        assert "does not exist any more" in desk.wait(draft, "failed")["errorMessage"]
    assert desk.smtp.messages == []


def test_a_draft_that_another_program_replaced_is_sent_as_it_is_now(desk: Desk) -> None:
    draft = desk.draft()
    desk.later(draft, seconds=0)
    client = desk.dovecot.client(desk.user)
    client.select_folder("Drafts")
    [(uid, found)] = client.fetch(client.search(), ["BODY.PEEK[]"]).items()
    client.append("Drafts", found[b"BODY[]"].replace(b"Subject: later", b"Subject: edited"), [b"\\Draft"])
    client.delete_messages([uid])
    client.expunge()
    client.logout()
    with desk.sender():
        desk.wait(draft, "sent")
    assert [b"Subject: edited" in message.data for message in desk.smtp.messages] == [True]
    assert desk.folder("Drafts") == []


def test_sending_at_once_takes_the_place_of_the_schedule(desk: Desk) -> None:
    draft, marker = desk.draft(), desk.draft(subject="marker")
    desk.later(draft, hours=1)
    assert desk.call("POST", f"{DRAFTS}/{draft}/send", {})["status"] == "Ok"
    assert desk.status("GET", f"{DRAFTS}/{draft}") == 404
    desk.leap(hours=2)
    desk.later(marker, seconds=0)
    with desk.sender():
        desk.wait(marker, "sent")
    assert len(desk.smtp.messages) == 2


def test_a_key_with_another_time_is_refused(desk: Desk) -> None:
    draft = desk.draft()
    answers = []
    for hours in (1, 1, 2):
        moment = f"2027-01-01T0{hours}:00:00Z"
        headers = {"authorization": desk.bearer, "idempotency-key": "k", "content-type": "application/json"}
        url = f"http://127.0.0.1:{desk.gateway.port}{DRAFTS}/{draft}/send?sendTime={moment}"
        request = urllib.request.Request(url, b"{}", headers)
        try:
            answers.append(urllib.request.urlopen(request, timeout=30).status)
        except urllib.error.HTTPError as error:
            answers.append(error.code)
    assert answers == [200, 200, 422]


#: Where the process is killed, and how it goes on with another: nothing had left before DATA.
KILLED = {"CONNECT": "sent", "AUTH": "sent", "MAIL": "sent", "RCPT": "sent", "DATA": "failed", ".": "failed"}


@pytest.mark.parametrize(("verb", "status"), KILLED.items())
def test_a_process_killed_while_it_sends(verb: str, status: str, desk: Desk) -> None:
    draft = desk.draft()
    desk.later(draft, seconds=0)
    desk.smtp.on(verb, HANG, times=1)
    with desk.sender():
        wait_until(lambda: HANG in desk.smtp.done, 30)
    assert desk.scheduled(draft)["status"] == "scheduled"
    desk.leap(minutes=10)
    with desk.sender():
        ended = desk.wait(draft, status)
        for _ in range(5):
            desk.leap(hours=6)
            assert desk.scheduled(draft)["status"] == status
    assert len(desk.smtp.messages) == (0 if verb == "DATA" else 1)
    assert ("may have left" in ended.get("errorMessage", "")) == (status == "failed")


def test_a_gateway_killed_after_the_last_dot_never_sends_again(
    make_desk: Callable[[Gateway], Desk], authority: Authority, another_database: str
) -> None:
    settings = {"POSTROOM_CA_BUNDLE": str(authority.bundle), "POSTROOM_DATABASE_URL": another_database}
    with Gateway(POSTROOM_WORK="false", **settings) as gateway:
        desk = make_desk(gateway)
        draft = desk.draft()
        desk.smtp.on(".", HANG, times=1)
        command = f"{DRAFTS}/{draft}/send"
        headers = {"authorization": desk.bearer, "content-type": "application/json"}
        url = f"http://127.0.0.1:{gateway.port}{command}"
        client = subprocess.Popen(
            [sys.executable, "-c", f"import urllib.request as u; u.urlopen(u.Request({url!r}, b'{{}}', {headers!r}))"],
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: HANG in desk.smtp.done, 30)
        gateway.process.kill()
        client.wait(30)
        desk.leap(minutes=10)
        with desk.sender():
            wait_until(lambda: _state(another_database, draft)[1], 30)
        assert _state(another_database, draft)[0] == "unknown"
        assert len(desk.smtp.messages) == len(desk.folder("Drafts")) == 1


def _state(database: str, draft: str) -> tuple[str, str | None]:
    with psycopg.connect(database) as connection:
        found = connection.execute("select state, error from send where draft_id = %s", [draft]).fetchone()
    assert found is not None
    return found[0], found[1]
