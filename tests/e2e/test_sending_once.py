"""A send leaves once or it is said that nobody knows: the submission server fails at every step, on purpose."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.gateway import Gateway
from tests.servers.scripted_smtp import DROP, HANG, ScriptedSmtp

MAIL = {"to": [{"address": "a@example.test"}], "subject": "once", "body": "<p>x</p>"}
Post = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def smtp() -> Iterator[ScriptedSmtp]:
    with ScriptedSmtp() as server:
        yield server


@pytest.fixture
def post(gateway: Gateway, dovecot: Dovecot, smtp: ScriptedSmtp) -> Post:
    """POST as a fresh account that submits to the scripted server: status and answer."""
    user = dovecot.new_user(password=smtp.password)
    bearer = gateway.link(
        serviceType="IMAP",
        email=user.address,
        password=user.password,
        serverUrl=f"imaps://localhost:{dovecot.imaps}",
        serverUrl2=f"smtp://127.0.0.1:{smtp.port}",
    )

    def call(path: str, body: Any, key: str | None = None) -> tuple[int, dict[str, Any]]:
        headers = {"authorization": bearer, "content-type": "application/json"}
        headers |= {"idempotency-key": key} if key else {}
        url = f"http://127.0.0.1:{gateway.port}{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=35) as answer:  # the vendor's client gives up then
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    return call


def test_an_answer_lost_after_the_last_dot_is_uncertain_and_never_tried_again(smtp: ScriptedSmtp, post: Post) -> None:
    smtp.on(".", DROP, times=1)
    first = post("/v1/email/messages", MAIL, "k")
    again = post("/v1/email/messages", MAIL, "k")
    assert [first[0], again[0]] == [502, 502]
    assert first[1]["code"] == again[1]["code"] == "uncertain"
    assert len(smtp.messages) == 1


@pytest.mark.parametrize(
    ("verb", "reply", "status"),
    [
        ("CONNECT", "421 busy", 503),
        ("CONNECT", DROP, 503),
        ("MAIL", "451 later", 503),
        ("RCPT", "550 5.1.1 no such user", 400),
        ("RCPT", DROP, 503),
        ("DATA", "452 full", 503),
        ("DATA", DROP, 503),
        (".", "554 5.7.1 looks like spam", 403),
        (".", "451 4.3.0 later", 503),
    ],
)
def test_a_failure_before_the_end_left_nothing_and_the_key_is_free(
    verb: str, reply: str, status: int, smtp: ScriptedSmtp, post: Post
) -> None:
    smtp.on(verb, reply, times=1)
    refused = post("/v1/email/messages", MAIL, "k")
    assert refused[0] == status, refused
    assert not [one for one in smtp.messages if one.data] or verb == "."
    accepted = len(smtp.messages)
    assert post("/v1/email/messages", MAIL, "k")[0] == 201
    assert len(smtp.messages) == accepted + 1


def test_concurrent_repeats_send_once(smtp: ScriptedSmtp, post: Post) -> None:
    answers: list[tuple[int, dict[str, Any]]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(post("/v1/email/messages", MAIL, "same"))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(smtp.messages) == 1
    assert {status for status, _ in answers} <= {201, 409}
    assert len({answer["submittedMessageId"] for status, answer in answers if status == 201}) == 1


def test_a_draft_is_sent_once_however_often_it_is_asked(smtp: ScriptedSmtp, post: Post) -> None:
    draft = post("/v1/email/drafts", MAIL)[1]["id"]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(post(f"/v1/email/drafts/{draft}/send", {})[0])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(smtp.messages) == 1
    assert 200 in answers
    assert set(answers) <= {200, 404, 409, 502}


@pytest.mark.long
def test_a_server_that_never_answers_is_uncertain_within_the_deadline(smtp: ScriptedSmtp, post: Post) -> None:
    smtp.on(".", HANG)
    assert post("/v1/email/messages", MAIL)[0] == 502


def test_recipients_that_were_refused_are_reported(smtp: ScriptedSmtp, post: Post) -> None:
    smtp.on("RCPT", "550 5.1.1 unknown", only="b@example.test")
    body = {**MAIL, "to": [{"address": "a@example.test"}, {"address": "b@example.test"}]}
    status, answer = post("/v1/email/messages", body)
    assert (status, answer["status"], answer["processingStatus"]) == (201, "Ok", "Incomplete")
    assert "b@example.test" in answer["processingError"]["errorMessage"]
    assert smtp.messages[0].recipients == ["a@example.test"]


def test_tracking_is_said_to_be_missing_and_the_message_leaves(smtp: ScriptedSmtp, post: Post) -> None:
    status, answer = post("/v1/email/messages", {**MAIL, "tracking": {"opens": True}})
    assert (status, answer["processingError"]["failedSteps"]) == (201, ["tracking"])
    assert len(smtp.messages) == 1
