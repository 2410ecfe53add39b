"""A message of 25 MB goes through without the gateway holding it twice: memory is read off the running process."""

import base64
import hashlib
import json
import time
import urllib.request
from pathlib import Path

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.gateway import Gateway
from tests.servers.postfix import Postfix

MIB = 2**20
SIZE = 18 * MIB  # 25 MB once it is Base64 with its line ends


@pytest.fixture
def bearer(gateway: Gateway, dovecot: Dovecot, postfix: Postfix) -> str:
    user = dovecot.new_user("large")
    return gateway.link(
        serviceType="IMAP",
        email=user.address,
        password=user.password,
        serverUrl=f"imaps://localhost:{dovecot.imaps}",
        serverUrl2=f"smtps://localhost:{postfix.submissions}",
    )


class Peak:
    """The growth of the process's memory over a block, in bytes: VmHWM, which /proc lets us reset."""

    def __init__(self, pid: int) -> None:
        self._process = Path(f"/proc/{pid}")

    def __enter__(self) -> "Peak":
        (self._process / "clear_refs").write_text("5")
        self._before = self._read("VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        self.growth = self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        lines = (self._process / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def test_a_message_of_25_mb_goes_through(gateway: Gateway, bearer: str) -> None:
    blob = hashlib.shake_256(b"large").digest(SIZE)
    mail = {
        "to": [{"address": "large@example.test"}],
        "subject": "large",
        "body": "see attachment",
        "attachments": [
            {"name": "blob.bin", "mimeType": "application/octet-stream", "content": base64.b64encode(blob).decode()}
        ],
    }
    gateway.call("GET", "/v1/email/messages", authorization=bearer)
    with Peak(gateway.process.pid) as sending:
        assert gateway.call("POST", "/v1/email/messages", mail, bearer)["status"] == "Ok"
    body = len(json.dumps(mail))
    assert sending.growth < 2.5 * body  # the body, and for a moment what was read out of it

    message = arrived(gateway, bearer)
    attachment = message["attachments"][0]["id"]
    with Peak(gateway.process.pid) as reading:
        content = gateway.call("GET", f"/v1/email/messages/{message['id']}/attachments/{attachment}", None, bearer)
    assert base64.b64decode(content["content"]) == blob
    assert reading.growth < 8 * MIB

    with Peak(gateway.process.pid) as source:
        request = urllib.request.Request(
            f"http://127.0.0.1:{gateway.port}/v1/email/messages/{message['id']}/raw", headers={"authorization": bearer}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            raw = answer.read()
    assert len(raw) > 24_000_000
    assert source.growth < 8 * MIB


def arrived(gateway: Gateway, bearer: str) -> dict[str, object]:
    """The received message with its attachments."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = gateway.call("GET", "/v1/email/messages?q=in:inbox", authorization=bearer)["records"]
        if found:
            return gateway.call("GET", f"/v1/email/messages/{found[0]['id']}", authorization=bearer)  # type: ignore[no-any-return]
        time.sleep(0.2)
    raise TimeoutError("the message did not arrive")
