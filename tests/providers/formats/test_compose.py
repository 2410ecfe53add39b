"""What is composed is read back by CPython's email package and by our own reader as it was handed in."""

import base64
import email
import email.policy
import re
import tracemalloc
from datetime import UTC, datetime
from email.message import EmailMessage as CpythonMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base.ports import Outgoing
from providers.formats import body
from providers.formats.compose import Composed, compose
from providers.formats.source import Source
from schemas.mail import BodyType, EmailAddress, EmailHeader
from schemas.outgoing import OutgoingEmail, OutgoingEmailAttachment

_SENDER = EmailAddress(name="Ada Lovelace", address="ada@example.com")
_DATE = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
_PNG = base64.b64encode(b"\x89PNG" * 50).decode()


def _outgoing(body_type: BodyType = BodyType.TEXT, **fields: Any) -> Outgoing:
    fields.setdefault("to", [{"address": "bob@example.com"}])
    return Outgoing(OutgoingEmail(**fields), "<1.a@example.com>", _DATE, body_type)


def _octets(composed: Composed) -> bytes:
    data = b"".join(composed.chunks())
    assert len(data) == composed.size
    assert data == b"".join(composed.chunks()), "chunks can be read again"
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data), "CRLF line ends only"
    assert data.endswith(b"\r\n")
    return data


def _composed(outgoing: Outgoing, *, bcc: bool = False) -> bytes:
    return _octets(compose(outgoing, _SENDER, bcc=bcc))


def _read(data: bytes) -> CpythonMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert [defect for part in message.walk() for defect in part.defects] == []
    return message


def _types(message: CpythonMessage) -> list[str]:
    return [part.get_content_type() for part in message.walk()]


def test_text_is_one_part() -> None:
    message = _read(_composed(_outgoing(subject="Hi", body="one\ntwo")))
    assert _types(message) == ["text/plain"]
    assert message.get_content().split() == ["one", "two"]
    assert (message["subject"], message["message-id"], message["mime-version"]) == ("Hi", "<1.a@example.com>", "1.0")
    assert message["date"].datetime == _DATE
    assert str(message["from"]) == "Ada Lovelace <ada@example.com>"


def test_html_comes_with_text() -> None:
    message = _read(_composed(_outgoing(BodyType.HTML, body="<p>Grüße <b>you</b></p>")))
    assert _types(message) == ["multipart/alternative", "text/plain", "text/html"]
    text, html = message.iter_parts()
    assert text.get_content().strip() == "Grüße you"
    assert html.get_content().strip() == "<p>Grüße <b>you</b></p>"


def test_pictures_belong_to_the_html_and_files_to_the_message() -> None:
    attachments = [
        {"name": "logo.png", "contentId": "<Logo@1>", "content": _PNG, "inline": True},
        {"name": "unused.png", "contentId": "unused@1", "content": _PNG, "inline": True},
        {"name": "Übersicht für alle.pdf", "mimeType": "application/pdf", "content": _PNG},
    ]
    data = _composed(_outgoing(BodyType.HTML, body='<img src="cid:logo@1">', attachments=attachments))
    assert _types(_read(data)) == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "image/png", "application/pdf",
    ]  # fmt: skip
    source = Source(data)
    found = body.attachments(body.plan(source.root), source.text(body.plan(source.root).html[0]))
    assert [(item.id, item.name, item.inline, item.size) for item in found] == [
        ("1.2.2", "logo.png", True, 200),
        ("2", "unused.png", False, 200),
        ("3", "Übersicht für alle.pdf", False, 200),
    ]
    assert all(base64.b64encode(source.content(item.id)).decode() == _PNG for item in found)


def test_messages_as_attachments_are_files() -> None:
    """Base64 is not allowed for message/rfc822 (RFC 2046 5.2.1)."""
    content = base64.b64encode(b"Subject: inner\r\n\r\nx").decode()
    attachment = {"name": "mail.eml", "mimeType": "message/rfc822", "content": content}
    part = next(iter(_read(_composed(_outgoing(attachments=[attachment]))).iter_attachments()))
    assert (part.get_content_type(), part.get_filename()) == ("application/octet-stream", "mail.eml")


def test_bcc_is_in_the_envelope_and_in_no_header_on_the_wire() -> None:
    outgoing = _outgoing(cc=[{"address": "BOB@example.com"}], bcc=[{"name": "Eve", "address": "eve@example.com"}])
    wire, kept = compose(outgoing, _SENDER, bcc=False), compose(outgoing, _SENDER, bcc=True)
    assert wire.recipients == kept.recipients == ("bob@example.com", "eve@example.com")
    assert b"eve" not in _octets(wire).lower()
    assert b"bcc" not in _octets(wire).lower()
    assert _octets(kept).replace(b"Bcc: Eve <eve@example.com>\r\n", b"") == _octets(wire)


def test_another_sender_is_named_but_the_account_gets_the_bounces() -> None:
    composed = compose(_outgoing(**{"from": {"address": "sales@example.com"}}), _SENDER, bcc=False)
    assert composed.envelope_from == "ada@example.com"
    assert b"\r\nFrom: sales@example.com\r\n" in _octets(composed)


def test_international_domains_go_by_their_ascii_name_and_local_parts_need_smtputf8() -> None:
    domain = compose(_outgoing(to=[{"address": "bob@faß.example"}]), _SENDER, bcc=False)
    assert (domain.recipients, domain.needs_smtputf8) == (("bob@xn--fa-hia.example",), False)
    local = compose(_outgoing(to=[{"name": "Jörg", "address": "jörg@example.com"}]), _SENDER, bcc=False)
    assert (local.recipients, local.needs_smtputf8, local.eight_bit) == (("jörg@example.com",), True, True)
    assert Source(_octets(local)).headers.addresses("to")[0].address == "jörg@example.com"


def test_references_are_kept_and_a_long_thread_is_cut_in_the_middle() -> None:
    ids = [f"<{number}.{'x' * 40}@example.com>" for number in range(60)]
    headers = Source(_composed(_outgoing(references=" ".join(ids), inReplyTo=ids[-1]))).headers
    assert headers.in_reply_to == ids[-1:]
    assert headers.references[0] == ids[0]
    assert headers.references[1:] == ids[-len(headers.references) + 1 :]
    assert 800 < len(" ".join(headers.references)) <= 900


_HOSTILE = "x\r\nBcc: evil@example.com\r\n\r\nbody"


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": _HOSTILE},
        {"references": _HOSTILE},
        {"in_reply_to": _HOSTILE},
        {"to": [EmailAddress(name=_HOSTILE, address="bob@example.com")]},
        {"x_headers": [EmailHeader(name="X-A", value=_HOSTILE)]},
        {"attachments": [OutgoingEmailAttachment.model_construct(name=_HOSTILE, content=_PNG, content_id=_HOSTILE)]},
        {"subject": "a\u2028Bcc: evil@example.com"},
        {"body": "--=_mixed_\r\nBcc: evil@example.com"},
    ],
)
def test_no_header_can_be_injected_even_past_the_schema(fields: dict[str, Any]) -> None:
    fields = {"to": [EmailAddress(address="bob@example.com")], **fields}
    outgoing = Outgoing(OutgoingEmail.model_construct(**fields), "<1.a@example.com>", _DATE, BodyType.TEXT)
    message = email.message_from_bytes(_composed(outgoing))
    assert message["Bcc"] is None
    assert all(part["Bcc"] is None for part in message.walk())


@pytest.mark.parametrize(
    ("fields", "message_id"),
    [
        ({"to": [EmailAddress(address="bob@example.com>\r\nBcc: evil@example.com")]}, "<1.a@example.com>"),
        ({"to": [EmailAddress(address=None)]}, "<1.a@example.com>"),
        ({"x_headers": [EmailHeader(name="X: a\r\nBcc", value="evil@example.com")]}, "<1.a@example.com>"),
        ({"x_headers": [EmailHeader(name="bcc", value="evil@example.com")]}, "<1.a@example.com>"),
        ({}, "<1.a@example.com>\r\nBcc: evil@example.com"),
    ],
)
def test_what_cannot_be_written_is_refused(fields: dict[str, Any], message_id: str) -> None:
    outgoing = Outgoing(OutgoingEmail.model_construct(**fields), message_id, _DATE, BodyType.TEXT)
    with pytest.raises(ValueError, match=r"address|header field|Message-ID"):
        compose(outgoing, _SENDER, bcc=False)


_LINE = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=120)
_TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=400)


@settings(max_examples=300, deadline=None)
@given(subject=_LINE, name=_LINE, text=_TEXT, filename=_LINE, extra=_LINE)
def test_everything_comes_back(subject: str, name: str, text: str, filename: str, extra: str) -> None:
    outgoing = _outgoing(
        subject=subject,
        body=text,
        to=[{"name": name, "address": "bob@example.com"}, {"address": "eve@example.com"}],
        xHeaders=[{"name": "X-Extra", "value": extra}],
        attachments=[{"name": filename, "content": _PNG}],
    )
    data = _composed(outgoing)
    assert data.isascii()
    source = Source(data)
    first = source.headers.addresses("to")[0]
    assert source.headers.text("subject") == subject
    assert source.headers.text("x-extra") == extra
    assert (first.name or "").split() == name.split()
    assert first.address == "bob@example.com"
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    assert source.content("1").decode() == lines
    assert source.content("2") == base64.b64decode(_PNG)
    theirs = _read(data)
    assert "".join(str(theirs["subject"]).split()) == "".join(subject.split())
    assert theirs["to"].addresses[0].addr_spec == "bob@example.com"


def test_25_megabytes_are_written_without_a_second_copy() -> None:
    content = base64.b64encode(bytes(25 << 20)).decode()
    outgoing = _outgoing(body="see file", attachments=[{"name": "big.bin", "content": content}])
    tracemalloc.start()
    try:
        composed = compose(outgoing, _SENDER, bcc=False)
        written = sum(len(chunk) for chunk in composed.chunks())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written == composed.size > len(content)
    assert peak < 2 << 20
