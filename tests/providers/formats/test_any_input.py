"""Nothing raises and nothing takes long, whatever the octets; what comes out can be written as JSON."""

import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.formats import body
from providers.formats.addresses import parse_addresses
from providers.formats.charset import decode_text
from providers.formats.envelope import envelope, internet_headers, is_important
from providers.formats.headers import Headers
from providers.formats.parameters import parse
from providers.formats.part import leaves
from providers.formats.source import MAX_DEPTH, MAX_PARTS, Source
from providers.formats.text import html_to_text, snippet, strip_quoted
from providers.formats.transfer import decode_transfer
from providers.formats.words import decode_words
from schemas.mail import BodyType, EmailMessage
from tests.providers.formats.corpus import cpython_messages, generated_sources

_LIMIT = 3.0  # seconds of CPU for 300,000 octets; what is quadratic takes minutes


def _serve(data: bytes) -> bytes:
    """Everything an adapter does with a message, down to the JSON."""
    source = Source(data)
    plan = body.plan(source.root)
    texts = {part.section: source.text(part) for part in (*plan.html, *plan.text)}
    html = body.render(plan, texts, BodyType.HTML)
    text = body.render(plan, texts, BodyType.TEXT, strip_quoted=True)
    for part in plan.attachments:
        source.content(part.section)
    message = EmailMessage(
        id="1",
        body=body.render(plan, texts, BodyType.HTML, strip_quoted=True),
        body_snippet=snippet(text),
        has_attachments=plan.has_attachments,
        meeting_message_method=plan.method,
        attachments=body.attachments(plan, html),
        internet_headers=internet_headers(source.headers),
        **envelope(source.headers),
    )
    is_important(source.headers)
    return message.to_json()


def test_cpython_messages_are_served_with_any_line_end() -> None:
    for data in cpython_messages().values():
        for line_end in (b"\n", b"\r\n", b"\r"):
            assert _serve(data.replace(b"\r\n", b"\n").replace(b"\n", line_end))


def test_damaged_messages_are_served() -> None:
    rng = random.Random(5322)
    for data in generated_sources()[::3]:
        assert _serve(data[: rng.randrange(len(data))])
        place = rng.randrange(len(data))
        assert _serve(data[:place] + rng.randbytes(20) + data[place + 20 :])


_LINES = rb"""Subject:
From:
To:
Date:
Content-ID: <
References: <a@b>
Content-Type:
Content-Type: multipart/mixed; boundary=b
Content-Type: multipart/alternative; boundary="b c"
Content-Type: message/rfc822
Content-Type: text/html; charset=utf-7
Content-Type: text/calendar; method=x
Content-Transfer-Encoding: base64
Content-Transfer-Encoding: quoted-printable
Content-Transfer-Encoding: x-uuencode
Content-Disposition: attachment; filename*0*=utf-8''%E2; filename*1*=%82%AC
--b
--b--
--b c
=?utf-8?q?
?=
 folded
begin 644 f
<div class=gmail_quote>
> quoted
""".split(b"\n")
_FIELDS = st.sampled_from([*_LINES, b"\x00", b"\r"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_FIELDS, st.binary(max_size=12), st.sampled_from([b"\r\n", b"\n", b"\r", b""])), max_size=40))
def test_made_up_mime_is_served(lines: list[tuple[bytes, bytes, bytes]]) -> None:
    assert _serve(b"".join(b"".join(line) for line in lines))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=20) | st.sampled_from(["utf-7", "hex", "utf-16", "idna", "gb2312"]))
def test_any_octets_in_any_charset_become_text(data: bytes, charset: str) -> None:
    for html in (False, True):
        decode_text(data, charset, html=html).encode()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_html_becomes_text_and_keeps_something(html: str) -> None:
    html_to_text(html).encode("utf-8", "replace")
    for body_type in BodyType:
        stripped = strip_quoted(html, body_type)
        assert bool(stripped.strip()) == bool(html.strip())


@pytest.mark.parametrize(
    "read",
    [
        parse_addresses, decode_words, parse, lambda text: Headers.parse(text.encode()).items(),
        lambda text: envelope(Headers.parse(b"To: x\nReferences: " + text.encode() + b"\nDate: " + text.encode())),
        lambda text: strip_quoted(text, BodyType.TEXT), snippet,
        lambda text: decode_transfer(text.encode(), "quoted-printable"),
        lambda text: decode_transfer(text.encode(), "base64"),
        lambda text: Source(b"Content-Type: multipart/mixed; boundary=b\n\n" + text.encode()),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "pattern",
    [
        "a", " ", "(", '"', '"\\', "<", "<a@b> ", "=?a?q?", "=?utf-8?b?YQ==?= ", "[", ",", "a@", "\t \n", "\n--b\n",
        ";a=", ';a="', "x ", "On ", "> ", "@", ":", "=", "= \n", "\r",
    ],
)  # fmt: skip
def test_time_is_linear(read: Callable[[str], object], pattern: str) -> None:
    """Twice the text takes at most about twice the time, on a slow machine too."""
    text = pattern * (300_000 // len(pattern))
    whole = _spent(read, text)
    assert whole < _LIMIT or whole < 3 * _spent(read, text[: len(text) // 2])


def _spent(read: Callable[[str], object], text: str) -> float:
    """CPU seconds; the better of two tries, since Python's collector may run in either."""
    return min(_once(read, text) for _ in range(2))


def _once(read: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    read(text)
    return time.process_time() - start


def test_depth_and_parts_are_limited() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(200)) + b"\nx"
    depth, part = 0, Source(deep).root
    while part.children:
        depth, part = depth + 1, part.children[0]
    assert depth == MAX_DEPTH
    assert part.mime_type == "application/octet-stream"
    wide = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 5000
    assert len(list(leaves(Source(wide).root))) == MAX_PARTS


def test_a_header_of_megabytes_is_capped() -> None:
    headers = Headers.parse(b"Subject: first\n" + b"X-Long: " + b"a" * 3_000_000 + b"\nTo: late@example.com\n\n")
    assert headers.text("subject") == "first"
    assert headers.addresses("to") == []
