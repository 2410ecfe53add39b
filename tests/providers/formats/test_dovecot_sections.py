"""Sections, sizes and content are those of a real IMAP server, so that attachment ids agree between adapters."""

from collections.abc import Iterator
from typing import Any

import pytest

from providers.formats.part import Part, leaves
from providers.formats.source import Source
from providers.formats.transfer import decode_transfer
from tests.providers.formats.corpus import cpython_messages, generated_sources
from tests.servers.dovecot import Dovecot, User

# Where we say more than the server does; the rest is the same, octet for octet.
_AGREED = {
    "msg_14.txt": "a type without subtype, for which the server gives none at all",
    "msg_17.txt": "multipart without delimiters: the server gives an empty text, we give the body as text",
    "msg_19.txt": "no header section: the server takes the first lines for one, we give the whole as text",
    "msg_25.txt": "multipart without a boundary, as msg_17",
    "msg_31.txt": "multipart with another boundary than it says, as msg_17",
    "msg_33.txt": "a boundary in RFC 2231 notation, which the server does not understand",
    "msg_38.txt": "parts without a header section, as msg_19",
    "msg_41.txt": "multipart without a boundary, as msg_17",
}
_EVERY = 5  # of the generated messages


def _leaf_sections(structure: Any, section: str = "") -> Iterator[tuple[str, str, int]]:
    """Section, type and size of the leaves in imapclient's BODYSTRUCTURE."""
    if isinstance(structure[0], list):
        for number, child in enumerate(structure[0], 1):
            yield from _leaf_sections(child, f"{section}.{number}".lstrip("."))
    else:
        yield section or "1", b"/".join(structure[:2]).decode().lower(), structure[6]


def _expected(part: Part) -> tuple[str, str, int]:
    return part.section, part.mime_type, part.size


def _crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _compare(dovecot: Dovecot, user: User, messages: dict[str, bytes]) -> dict[str, Any]:
    client = dovecot.client(user)
    client.select_folder("INBOX")
    different = {}
    for number, (name, data) in enumerate(messages.items(), 1):
        client.append("INBOX", data)
        client.noop()
        source = Source(data)
        expected = list(map(_expected, leaves(source.root)))
        found = list(_leaf_sections(client.fetch([number], ["BODYSTRUCTURE"])[number][b"BODYSTRUCTURE"]))
        if expected != found:
            different[name] = (expected, found)
            continue
        for part in leaves(source.root):
            answer = client.fetch([number], [f"BODY.PEEK[{part.section}]"])[number]
            content = decode_transfer(answer[f"BODY[{part.section}]".encode()], part.encoding)
            if content != source.content(part.section):
                different[f"{name} {part.section}"] = (source.content(part.section), content)
    client.logout()
    return different


def test_cpython_messages_have_the_servers_sections(dovecot: Dovecot, user: User) -> None:
    messages = {name: _crlf(data) for name, data in cpython_messages().items()}
    assert set(_compare(dovecot, user, messages)) == set(_AGREED)


def test_generated_messages_have_the_servers_sections(dovecot: Dovecot, user: User) -> None:
    messages = {str(number): data for number, data in enumerate(generated_sources()) if number % _EVERY == 0}
    assert _compare(dovecot, user, messages) == {}


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: no body\r\n",
        b"\r\nno headers\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
        b"--c\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
        b'Content-Type: multipart/digest; boundary="b"\r\n\r\n--b\r\n\r\nSubject: in\r\n\r\nx\r\n--b--\r\n',
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: BASE64\r\n\r\naGVsbG8=\r\n",
    ],
)
def test_odd_messages_have_the_servers_sections(dovecot: Dovecot, user: User, data: bytes) -> None:
    assert _compare(dovecot, user, {"odd": data}) == {}
