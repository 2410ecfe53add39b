"""BODYSTRUCTURE agrees with what Dovecot and our own reading of the source say; nonsense is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.formats.part import leaves
from providers.formats.source import Source
from providers.imap.fetch import read
from providers.imap.structure import Malformed, structure
from providers.imap.tokens import parse
from providers.imap.wire import Line
from tests.servers.dovecot import Dovecot, User

NESTED = b"""From: a@example.org
Subject: all kinds
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8

text
--inner
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<img src="cid:pic@x">
--inner--
--outer
Content-Type: image/png; name="=?utf-8?q?caf=C3=A9.png?="
Content-Transfer-Encoding: base64
Content-ID: <pic@x>
Content-Disposition: inline

AAAA
--outer
Content-Type: message/rfc822

Subject: =?utf-8?q?inner_caf=C3=A9?=
Content-Type: text/plain

inside
--outer
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''r%C3%A9sum%C3%A9.pdf
Content-Transfer-Encoding: base64

AAAA
--outer--
""".replace(b"\n", b"\r\n")


@pytest.mark.parametrize("source", [NESTED, b"Subject: x\r\n\r\nplain\r\n", b"\r\n", NESTED[:-60]])
def test_agrees_with_our_reading_of_the_source(dovecot: Dovecot, user: User, source: bytes) -> None:
    with dovecot.client(user) as client:
        client.append("INBOX", source)
        client.select_folder("INBOX")
        client._imap.send(b"X1 UID FETCH 1 (BODYSTRUCTURE)\r\n")
        line = Line(client._imap.readline().rstrip()[2:])
        client._imap.readline()
    served = structure(read([line])[1][b"BODYSTRUCTURE"])
    ours = Source(source).root
    facts = [
        [(p.section, p.mime_type, p.name, p.disposition, p.content_id, p.encoding) for p in leaves(root)]
        for root in (served, ours)
    ]
    assert facts[0] == facts[1]


@pytest.mark.parametrize(
    "text",
    [
        b"NIL",
        b"()",
        b'("text")',
        b'("text" "plain" NIL NIL NIL "7bit")',
        b'("text" "plain" NIL NIL NIL "7bit" "many")',
        b"(" * 80 + b")" * 80,
        b'(("text" "plain" NIL NIL NIL "7bit" 1 1)("broken") "mixed")',
    ],
)
def test_nonsense_is_malformed(text: bytes) -> None:
    with pytest.raises(Malformed):
        structure(parse(Line(text))[0])


@given(st.recursive(st.none() | st.binary(max_size=5), lambda inner: st.lists(inner, max_size=9), max_leaves=30))
def test_nothing_else_is_raised(values: object) -> None:
    try:
        structure(values)
    except Malformed:
        pass


def test_oddities_that_can_be_understood() -> None:
    text = b'("TEXT" "PLAIN" ("CHARSET" "x") NIL NIL NIL 12 3 NIL "attachment")'  # a disposition without parentheses
    part = structure(parse(Line(text))[0])
    assert (part.section, part.mime_type, part.charset, part.encoding, part.size) == (
        "1",
        "text/plain",
        "x",
        "7bit",
        12,
    )
    assert part.disposition == "attachment"
