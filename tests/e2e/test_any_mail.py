"""Whatever lies in a mailbox is served: CPython's e-mail test messages and generated ones, from Dovecot over HTTP."""

import base64
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from imapclient import IMAPClient

from tests.providers.formats.corpus import cpython_messages, generated_sources
from tests.servers.dovecot import Dovecot
from tests.servers.gateway import Gateway

GENERATED = 150


@pytest.fixture
def corpus(request: pytest.FixtureRequest) -> list[bytes]:
    """NUL cannot travel over IMAP (RFC 3501 section 9)."""
    sources = list(cpython_messages().values()) if request.param == "cpython" else generated_sources()[:GENERATED]
    return [source for source in sources if b"\0" not in source and source.strip()]


@pytest.fixture
def bearer(gateway: Gateway, dovecot: Dovecot, corpus: list[bytes]) -> str:
    user = dovecot.new_user()
    with dovecot.client(user) as client:
        append(client, corpus)
    server = f"imaps://localhost:{dovecot.imaps}"
    return gateway.link(serviceType="IMAP", email=user.address, password=user.password, serverUrl=server)


def append(client: IMAPClient, sources: list[bytes]) -> None:
    for source in sources:
        client.append("INBOX", source)


def records(gateway: Gateway, bearer: str) -> Iterator[dict[str, Any]]:
    """Every record of the list, page by page."""
    query = "limit=100&bodyType=text"
    while True:
        page = gateway.call("GET", f"/v1/email/messages?{query}", authorization=bearer)
        yield from page["records"]
        if "nextPageToken" not in page:
            return
        query = f"pageToken={page['nextPageToken']}&limit=100"


@pytest.mark.parametrize("corpus", ["cpython", "generated"], indirect=True)
def test_every_message_is_served(gateway: Gateway, bearer: str, corpus: list[bytes]) -> None:
    sources = {source.replace(b"\r\n", b"\n").rstrip() for source in corpus}
    listed = list(records(gateway, bearer))
    assert len(listed) == len(corpus)
    for record in listed:
        path = f"/v1/email/messages/{record['id']}"
        message = gateway.call("GET", f"{path}?loadInlines=true", authorization=bearer)
        text = gateway.call("GET", f"{path}?bodyType=text&stripQuoted=true", authorization=bearer)
        assert message["subject"] == record["subject"] if "subject" in record else "subject" not in message
        assert isinstance(message["body"], str)
        assert isinstance(text["body"], str)
        for attachment in message["attachments"]:
            got = gateway.call("GET", f"{path}/attachments/{attachment['id']}", authorization=bearer)
            base64.b64decode(got["content"], validate=True)
        assert raw(gateway, path, bearer).replace(b"\r\n", b"\n").rstrip() in sources


def raw(gateway: Gateway, path: str, bearer: str) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{gateway.port}{path}/raw", headers={"authorization": bearer})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())
