"""Header fields: addresses, encoded words, dates, ids, and the envelope made of them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from providers.formats.addresses import parse_addresses
from providers.formats.dates import parse_date
from providers.formats.envelope import FIELDS, envelope, internet_headers, is_important
from providers.formats.headers import Headers
from providers.formats.words import decode_words
from schemas.mail import EmailMessage, Sensitivity


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Bob <bob@x.org>", [("Bob", "bob@x.org")]),
        ('"Doe, John" <j@x.org>, jane@x.org', [("Doe, John", "j@x.org"), (None, "jane@x.org")]),
        ('"Q \\"x\\" Y" <q@x.org>', [('Q "x" Y', "q@x.org")]),
        ("undisclosed-recipients:;", []),
        ('Team: a@x.org, "B C" <b@x.org>;, c@x.org', [(None, "a@x.org"), ("B C", "b@x.org"), (None, "c@x.org")]),
        ("bob@x.org (Bob Smith)", [("Bob Smith", "bob@x.org")]),
        ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", [("Pete", "pete@silly.test")]),
        ("<@a,@b:user@c.d>", [(None, "user@c.d")]),
        ("<john . doe @ x . org>", [(None, "john.doe@x.org")]),
        ("john . doe @ x . org", [(None, "john.doe@x.org")]),
        ('Joe <"john doe"@x.org>', [("Joe", '"john doe"@x.org')]),
        ("a@[IPv6:::1], b@c.d", [(None, "a@[IPv6:::1]"), (None, "b@c.d")]),
        ("=?utf-8?Q?Doe,_John?= <j@x.org>", [("Doe, John", "j@x.org")]),
        ('"=?utf-8?q?J=C3=B6rg?=" <j@x.org>', [("Jörg", "j@x.org")]),
        ("=?iso-8859-1?q?J=F6rg?= =?iso-8859-1?q?_M?= <j@x.org>", [("Jörg M", "j@x.org")]),
        ("a@x.org; b@x.org", [(None, "a@x.org"), (None, "b@x.org")]),
        ("A <a@b.org> B <c@d.org>", [("A", "a@b.org"), ("B", "c@d.org")]),
        (",,a@b.c,,", [(None, "a@b.c")]),
        ("", []),
    ],
)
def test_addresses_that_are_certain(value: str, expected: list[tuple[str | None, str]]) -> None:
    found = parse_addresses(value)
    assert [(item.name, item.address) for item in found] == expected
    assert all(item.raw is None for item in found)


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ("Doe, John <j@x.org>", "Doe, John", "j@x.org"),
        ("John Doe john@x.org", "John Doe", "john@x.org"),
        ("John Doe <john@x.org", "John Doe", "john@x.org"),
        ("john@x.org>", None, "john@x.org"),
        ('"john@x.org"', None, "john@x.org"),
        ('"unclosed <a@b.c>', '"unclosed', "a@b.c"),
        ("root", None, "root"),
        ("root (Cron Daemon)", "Cron Daemon", "root"),
        ("Undisclosed recipients", "Undisclosed recipients", None),
        ("<>", None, None),
        ("<john doe@x.org>", None, None),
        ('"admin@bank.com" <evil@x.org>', "admin@bank.com", "evil@x.org"),
        ("=?utf-8?q?admin=40bank.com?= <evil@x.org>", "admin@bank.com", "evil@x.org"),
        ("=?utf-8?q?Bob_=3Cbob=40x.org=3E?=", "Bob <bob@x.org>", None),
    ],
)
def test_doubtful_addresses_show_what_was_received(value: str, name: str | None, address: str | None) -> None:
    (found,) = parse_addresses(value)
    assert (found.name, found.address, found.raw) == (name, address, value)


def test_a_name_that_repeats_its_own_address_is_no_doubt() -> None:
    (found,) = parse_addresses('"Bob@x.org" <bob@x.org>')
    assert found.raw is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?caf=C3=A9?= au =?iso-8859-1?q?lait=E9?=", "café au laité"),
        ("=?utf-8?b?5pel?= =?utf-8?b?5pys?=", "日本"),
        ("=?utf-8?b?5pc=?= =?utf-8?b?pQ==?=", "日"),  # one character split over two words
        ("=?utf-8?b?5pc=?= =?utf-8?q?=A5?=", "日"),
        ("=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        ("=?utf-8?Q?How are you??=", "How are you?"),  # spaces and question marks are not allowed inside
        ("=?utf-8*en?q?hi?=", "hi"),  # RFC 2231 section 5
        ("=?x-unknown?q?caf=C3=A9?=", "café"),
        ("=?iso-8859-1?q?=80?=", "€"),
        ("=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        ("=?utf-8?b?YWJj", "=?utf-8?b?YWJj"),
        ("=?utf-8?b?YW Jj?=", "abc"),
        ("a =? b", "a =? b"),
        ("=?utf-8?q??=", ""),
    ],
)
def test_encoded_words(value: str, expected: str) -> None:
    assert decode_words(value) == expected


_PLUS_1 = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Sat, 21 Nov 2026 09:30:01 +0100", datetime(2026, 11, 21, 9, 30, 1, tzinfo=_PLUS_1)),
        ("21 Nov 2026 09:30 +0100", datetime(2026, 11, 21, 9, 30, tzinfo=_PLUS_1)),
        ("Sat, 21 Nov 2026 09:30:01 GMT", datetime(2026, 11, 21, 9, 30, 1, tzinfo=UTC)),
        ("21 Nov 26 09:30:01 EST", datetime(2026, 11, 21, 14, 30, 1, tzinfo=UTC)),
        ("Sat, 21 Nov 2026 09:30:01 -0000 (nowhere)", datetime(2026, 11, 21, 9, 30, 1, tzinfo=UTC)),
        ("Sat, 21 Nov 2026 09:30:60 +0000", datetime(2026, 11, 21, 9, 30, 59, tzinfo=UTC)),
        ("Sat, 21 Nov 2026 09:30:01", datetime(2026, 11, 21, 9, 30, 1, tzinfo=UTC)),
        ("Sat, 31 Feb 2026 09:30:01 +0000", None),
        ("Sat, 21 Nov 1926 09:30:01 +0000", None),
        ("Sat, 21 Nov 2926 09:30:01 +0000", None),
        ("Sat, 21 Nov 2026 09:30:01 +9999", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(value: str, expected: datetime | None) -> None:
    assert parse_date(value) == expected


def test_fields_are_unfolded_found_in_any_case_and_kept_in_order() -> None:
    headers = Headers.parse(
        b"From nobody\r\nSUBJECT : one\r\n\ttwo\r\ngarbage\r\nX-A: 1\r\nx-a: 2\r\n\r\nX-A: body\r\n"
    )
    assert headers.raw("Subject") == "one two"
    assert headers.raw_all("X-A") == ["1", "2"]
    assert headers.items() == [("SUBJECT", "one two"), ("X-A", "1"), ("x-a", "2")]
    assert headers.raw("To") is headers.text("To") is headers.date("Date") is None


@pytest.mark.parametrize(
    ("octets", "expected"),
    [("Grüße".encode(), "Grüße"), ("Grüße".encode("latin-1"), "Grüße"), ("Протокол".encode("cp1251"), "Протокол")],
)
def test_raw_eight_bit_fields_are_read(octets: bytes, expected: str) -> None:
    headers = Headers.parse(b"Subject: " + octets + b'\nFrom: "' + octets + b'" <a@x.org>\n\n')
    assert headers.text("subject") == expected
    assert headers.addresses("from")[0].name == expected


def test_a_lone_carriage_return_hides_no_field() -> None:
    assert Headers.parse(b"Subject: a\rBcc: b@x.org\r\n\r\n").raw("bcc") is None
    assert Headers.parse(b"Subject: a\rTo: b@x.org\r\rbody").raw("to") == "b@x.org"


def test_message_ids() -> None:
    headers = Headers.parse(
        b"Message-ID: a@x\nReferences: <a@x>\n <b@x>,<c\n d@x>\nIn-Reply-To: Your mail of Monday <b@x>\n\n"
    )
    assert headers.message_id == "<a@x>"
    assert headers.references == ["<a@x>", "<b@x>", "<cd@x>"]
    assert headers.in_reply_to == ["<b@x>"]
    assert Headers.parse(b"References: a@x b@x\n\n").references == ["<a@x>", "<b@x>"]
    assert Headers.parse(b"Message-ID: not an id\n\n").message_id is None


def test_envelope_has_what_the_contract_wants() -> None:
    data = (
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nFrom: A <a@x.org>\nTo: b@x.org\nTo: c@x.org\nReply-To: d@x.org\n"
        b"Date: Sat, 21 Nov 2026 09:30:01 +0000\nMessage-ID: <1@x>\nIn-Reply-To: <0@x>\nReferences: <9@x>\n  <0@x>\n"
        b"Thread-Index: AdX\n yz==\nSensitivity: Company-Confidential\nImportance: High\n\n"
    )
    headers = Headers.parse(data)
    message = EmailMessage(id="1", **envelope(headers))
    assert (message.subject, message.in_reply_to, message.references) == ("Grüße", "<0@x>", "<9@x> <0@x>")
    assert (message.internet_message_id, message.thread_index) == ("<1@x>", "AdXyz==")
    assert message.sensitivity is Sensitivity.CONFIDENTIAL
    assert [item.address for item in message.to or []] == ["b@x.org", "c@x.org"]
    assert (message.cc, message.bcc) == ([], [])
    assert is_important(headers)
    assert internet_headers(headers)[0].value == "Grüße"
    assert {name.lower() for name, _ in headers.items()} <= {name.lower() for name in FIELDS}


@pytest.mark.parametrize(
    ("field", "important"),
    [
        ("X-Priority: 1 (Highest)", True),
        ("X-Priority: 3", False),
        ("Priority: Urgent", True),
        ("Importance: low", False),
    ],
)
def test_importance(field: str, important: bool) -> None:
    assert is_important(Headers.parse(field.encode())) is important
