"""What a caller may get wrong is answered 4xx, says what and where, and changes nothing."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway
from tests.servers.ports import free_port
from tests.servers.postfix import Postfix


def refusal(gateway: Gateway, method: str, path: str, body: Any, authorization: str | None = None) -> tuple[int, str]:
    """Status and message of a call that must fail."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": authorization or gateway.basic, "content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{gateway.port}{path}", data, headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(request, timeout=40)
    answer = json.loads(failed.value.read())
    assert set(answer) >= {"code", "message", "requestId"}
    return failed.value.code, answer["message"]


def link(user: User, **values: Any) -> dict[str, Any]:
    return {"serviceType": "IMAP", "active": True, "email": user.address, "password": user.password, **values}


@pytest.fixture
def bearer(gateway: Gateway, dovecot: Dovecot, postfix: Postfix) -> str:
    user = dovecot.new_user()
    return gateway.link(
        **link(
            user, serverUrl=f"imaps://localhost:{dovecot.imaps}", serverUrl2=f"smtps://localhost:{postfix.submissions}"
        )
    )


def test_connecting_says_which_step_failed_and_stores_nothing(gateway: Gateway, dovecot: Dovecot, user: User) -> None:
    before = gateway.call("GET", "/v1/am/accounts")["totalSize"]
    good = f"imaps://localhost:{dovecot.imaps}"
    nobody = free_port()
    cases: list[tuple[dict[str, Any], int, list[str]]] = [
        (link(user, serverUrl=good) | {"password": "wrong"}, 401, [str(dovecot.imaps)]),
        (link(user, serverUrl=f"localhost:{nobody}"), 400, ["serverUrl", str(nobody), "refused"]),
        (link(user, serverUrl="imap.does-not-exist.invalid"), 400, ["serverUrl", "imap.does-not-exist.invalid"]),
        (link(user, serverUrl=f"imaps://localhost:{dovecot.imap}"), 400, ["serverUrl", "TLS"]),
        (link(user, serverUrl="localhost:99999"), 400, ["serverUrl"]),
        (link(user, serverUrl="localhost:x"), 400, ["serverUrl"]),
        (link(user, serverUrl=good, serviceProvider="Hotmail"), 400, ["serviceProvider"]),
        (link(user, serverUrl=good) | {"serviceType": "POP"}, 400, ["serviceType"]),
        (link(user, serverUrl=good) | {"serviceType": "Slack"}, 400, ["serviceType"]),
        (link(user, serverUrl=good) | {"active": False}, 400, ["active"]),
        (link(user, serverUrl=good, authScopes=["Mail.Everything"]), 400, ["authScopes.0"]),
        (link(user, serverUrl=good, authScopes=["Calendar.Read"]), 400, ["authScopes"]),
        ({"serviceType": "IMAP", "active": True, "serverUrl": good, "password": "x"}, 400, ["email"]),
        ({"serviceType": "IMAP", "active": True, "serverUrl": good, "email": user.address}, 400, ["password"]),
    ]
    for body, status, words in cases:
        got, message = refusal(gateway, "POST", "/v1/am/accounts", body)
        assert got == status, (body, message)
        assert all(word in message for word in words), (body, message)
        assert refusal(gateway, "POST", "/v1/am/accounts/connect", body)[0] == status
    assert gateway.call("GET", "/v1/am/accounts")["totalSize"] == before


def test_certificates_and_private_networks_are_guarded(dovecot: Dovecot, user: User, authority: Authority) -> None:
    server = f"imaps://localhost:{dovecot.imaps}"
    with Gateway() as distrusting:  # knows the system's authorities only
        status, message = refusal(distrusting, "POST", "/v1/am/accounts", link(user, serverUrl=server))
        assert status == 400
        assert "certificate" in message
        assert distrusting.link(**link(user, serverUrl=server, trustServer=True))
    with Gateway(POSTROOM_ALLOW_PRIVATE_NETWORKS="false", POSTROOM_CA_BUNDLE=str(authority.bundle)) as public:
        for host in ("localhost", "127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "0.0.0.0", "[::ffff:127.0.0.1]"):
            url = f"imaps://{host}:{dovecot.imaps}"
            status, message = refusal(public, "POST", "/v1/am/accounts", link(user, serverUrl=url))
            assert (status, "serverUrl" in message) == (400, True), (host, message)


def test_nothing_malformed_is_sent(gateway: Gateway, bearer: str, dovecot: Dovecot) -> None:
    to = [{"address": "someone@example.test"}]
    many = [{"address": f"a{number}@example.test"} for number in range(200)]
    cases: list[tuple[Any, str]] = [
        (b"{", "body"),
        (b"\xff\xfe", "body"),
        (b"[1]", "body"),
        ({"to": "someone@example.test"}, "to"),
        ({"subject": "nobody"}, "to"),
        ({"to": [{"address": "not an address"}]}, "to.0"),
        ({"to": [{"address": "a@b.test\r\nBcc: c@d.test"}]}, "to.0"),
        ({"to": [{"address": "a@b.test", "name": "x\r\nBcc: c@d.test"}]}, "to.0"),
        ({"to": many}, "to"),
        ({"to": to, "bcc": many}, "bcc"),
        ({"to": to, "subject": "x\r\nBcc: c@d.test"}, "subject"),
        ({"to": to, "subject": "x\x00"}, "subject"),
        ({"to": to, "body": "x\x00"}, "body"),
        ({"to": to, "inReplyTo": "<a@b>\r\nBcc: c@d.test"}, "inReplyTo"),
        ({"to": to, "attachments": [{"name": "a", "content": "not base64!"}]}, "attachments.0.content"),
        ({"to": to, "attachments": [{"name": "a\r\nb", "content": ""}]}, "attachments.0.name"),
        ({"to": to, "xHeaders": [{"name": "Bcc", "value": "c@d.test"}]}, "xHeaders.0"),
        ({"to": to, "xHeaders": [{"name": "X-A", "value": "b\r\nBcc: c@d.test"}]}, "xHeaders.0.value"),
    ]
    for body, path in cases:
        for call in ("/v1/email/messages", "/v1/email/messages?bodyType=text"):
            status, message = refusal(gateway, "POST", call, body, bearer)
            assert (status, message.startswith(path)) == (400, True), (body, message)
    assert gateway.call("GET", "/v1/email/messages?q=in:sent", authorization=bearer)["records"] == []


def test_ids_that_do_not_exist_are_404_and_garbage_too(gateway: Gateway, bearer: str) -> None:
    for item in ("x", "AAAA", "%00", "..%2F..", "a" * 600, "%F0%9F%8E%89"):
        for path in (f"/v1/email/messages/{item}", f"/v1/email/folders/{item}", f"/v1/email/drafts/{item}",
                     f"/v1/email/conversations/{item}", f"/v1/email/folders/{item}/messages"):  # fmt: skip
            request = urllib.request.Request(
                f"http://127.0.0.1:{gateway.port}{path}", headers={"authorization": bearer}
            )
            with pytest.raises(urllib.error.HTTPError) as failed:
                urllib.request.urlopen(request, timeout=40)
            assert failed.value.code == 404, (path, failed.value.read())
