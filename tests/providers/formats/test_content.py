"""Transfer encodings, charsets, MIME parameters and names."""

import base64
import binascii
import quopri
import random

import pytest

from providers.formats.charset import TransferDecoder, decode_text, decode_transfer
from providers.formats.parameters import parse
from providers.formats.part import MAX_NAME, build, clean_name
from providers.formats.transfer import decoded_size, estimated_size

_DATA = random.Random(1).randbytes(5000)


def _uuencoded(data: bytes) -> bytes:
    lines = [binascii.b2a_uu(data[place : place + 45]) for place in range(0, len(data), 45)]
    return b"begin 644 file\n" + b"".join(lines) + b"`\nend\n"


@pytest.mark.parametrize(
    ("encoding", "encoded"),
    [
        ("base64", base64.encodebytes(_DATA)),
        ("BASE64", base64.encodebytes(_DATA).replace(b"\n", b"\r\n")),
        ("quoted-printable", quopri.encodestring(_DATA)),
        ("x-uuencode", _uuencoded(_DATA)),
        ("8bit", _DATA),
        ("unheard-of", _DATA),
    ],
)
def test_transfer_encodings_at_once_and_in_pieces(encoding: str, encoded: bytes) -> None:
    assert decode_transfer(encoded, encoding) == _DATA
    rng = random.Random(2)
    decoder, found, place = TransferDecoder(encoding), b"", 0
    while place < len(encoded):
        step = rng.randrange(1, 200)
        found += decoder.feed(encoded[place : place + step])
        place += step
    assert found + decoder.close() == _DATA


@pytest.mark.parametrize(
    ("encoding", "encoded", "expected"),
    [
        ("base64", b"aGVsbG8", b"hello"),
        ("base64", b"aGVs!!bG8=\x00", b"hello"),
        ("base64", b"aGVsbG8=IHdvcmxk", b"hello world"),
        ("base64", b"aGVsbG8=A", b"hello"),
        ("quoted-printable", b"a=\r\nb=20 \r\nc=ZZ=", b"ab \r\nc=ZZ"),
        ("quoted-printable", b"trailing \t\r\nx", b"trailing\r\nx"),
        ("x-uuencode", b"no beginning", b""),
    ],
)
def test_damaged_encodings(encoding: str, encoded: bytes, expected: bytes) -> None:
    assert decode_transfer(encoded, encoding) == expected


@pytest.mark.parametrize("size", [0, 1, 2, 56, 57, 58, 1000, 4096])
def test_decoded_sizes(size: int) -> None:
    encoded = base64.encodebytes(b"x" * size).replace(b"\n", b"\r\n")
    assert decoded_size(encoded, "base64") == size
    assert abs(estimated_size(len(encoded), "base64") - size) <= 2


@pytest.mark.parametrize(
    ("data", "charset", "expected"),
    [
        ("Grüße €".encode("cp1252"), "iso-8859-1", "Grüße €"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("Grüße".encode(), "unknown-8bit", "Grüße"),
        ("会议记录".encode("gbk"), "GB2312", "会议记录"),
        ("議事録".encode("iso-2022-jp"), "ISO-2022-JP", "議事録"),
        ("①".encode("cp932"), "shift_jis", "①"),
        ("한글".encode("cp949"), "ks_c_5601-1987", "한글"),
        (b"\xef\xbb\xbfabc", "iso-8859-1", "abc"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет"),
        (b"+2AA-", "utf-7", "\ufffd"),
        (b"abc", "unicode_escape", "abc"),
        (b"\\x41", "unicode_escape", "\\x41"),
        (b"78da", "hex", "78da"),
    ],
)
def test_charsets(data: bytes, charset: str, expected: str) -> None:
    assert decode_text(data, charset) == expected


def test_long_texts_without_charset_are_guessed() -> None:
    russian = "Протокол встречи и решение по вопросу о бюджете. " * 5
    chinese = "会议记录请查收附件谢谢,我们明天再谈这个问题。" * 5
    assert decode_text(russian.encode("koi8-r"), None) == russian
    assert decode_text(chinese.encode("gb18030"), None) == chinese


def test_html_is_believed_over_a_charset_that_cannot_be_right() -> None:
    page = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head>Grüße'
    assert decode_text(page.encode(), "iso-8859-1", html=True) == page
    koi8 = page.replace("utf-8", "koi8-r").replace("Grüße", "Привет")
    assert decode_text(koi8.encode("koi8-r"), None, html=True) == koi8
    stale = page.replace("utf-8", "iso-8859-1")  # converted on the way, with the old label inside
    assert decode_text(stale.encode(), "utf-8", html=True) == stale


@pytest.mark.parametrize(
    ("value", "parameter", "expected"),
    [
        ('text/plain; name="a;b.txt"', "name", "a;b.txt"),
        ("text/plain; name=my file (1).txt", "name", "my file (1).txt"),
        (r'text/plain; name="C:\path\a.txt"', "name", r"C:\path\a.txt"),
        (r'text/plain; name="a\"b"', "name", 'a"b'),
        ('text/plain; name="=?utf-8?q?=C3=9Cber.txt?="', "name", "Über.txt"),
        ("text/plain; name*=utf-8'de'%C3%9Cber.txt", "name", "Über.txt"),
        ("text/plain; name*=iso-8859-1''%DCber.txt; name=uber.txt", "name", "Über.txt"),
        ("text/plain; name*0*=utf-8''%E2%82; name*1*=%AC; name*2=.txt", "name", "€.txt"),
        ('text/plain; name*1=b; name*0="a"', "name", "ab"),
        ('text/plain; charset="utf-8', "charset", "utf-8"),
    ],
)
def test_parameters(value: str, parameter: str, expected: str) -> None:
    assert parse(value) == ("text/plain", {parameter: expected})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("C:\\a.txt", "C:_a.txt"),
        ("a\r\nb\x00.txt", "ab.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("..", None),
        (" \x07 ", None),
        ("x" * 500 + ".pdf", "x" * (MAX_NAME - 4) + ".pdf"),
    ],
)
def test_names_are_safe(name: str, expected: str | None) -> None:
    assert clean_name(name) == expected


def test_a_part_is_put_in_order() -> None:
    part = build(
        "1", " Text/CALENDAR ", {"charset": '"UTF-8" (x)', "method": "REQUEST"}, encoding=" Base64", content_id="<a@b>"
    )
    assert (part.mime_type, part.charset, part.encoding) == ("text/calendar", "UTF-8", "base64")
    assert (part.method, part.content_id, part.name) == ("request", "a@b", None)
    assert build("1", "text", {}).mime_type == "text/plain"
    assert build("1", "message/rfc822", {}, subject="Re: a/b").name == "Re: a_b.eml"
    assert build("1", "message/rfc822", {}).name == "message.eml"
