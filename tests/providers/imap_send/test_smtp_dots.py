"""Dot-stuffing over chunks, whatever the chunks (RFC 5321 4.5.2); no line end can end the message early."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.imap.dots import transparent


def plain(data: bytes) -> bytes:
    """The same in one piece, in two plain steps."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    lines += b"" if not lines or lines.endswith(b"\r\n") else b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines)


@pytest.mark.parametrize(
    ("chunks", "wire"),
    [
        ([], b""),
        ([b"a"], b"a\r\n"),
        ([b"."], b"..\r\n"),
        ([b"a\r\n", b".\r\n"], b"a\r\n..\r\n"),
        ([b"a\r", b"\n.b"], b"a\r\n..b\r\n"),
        ([b"a\n.\nb"], b"a\r\n..\r\nb\r\n"),
        ([b"a\r.\rb\r"], b"a\r\n..\r\nb\r\n"),
        ([b"a\r\n", b"", b".", b".", b"\n"], b"a\r\n...\r\n"),
    ],
)
def test_examples(chunks: list[bytes], wire: bytes) -> None:
    assert b"".join(transparent(chunks)) == wire


@given(st.lists(st.text(alphabet="a.\r\n", max_size=12).map(str.encode), max_size=6))
def test_chunks_make_no_difference(chunks: list[bytes]) -> None:
    wire = b"".join(transparent(chunks))
    assert wire == plain(b"".join(chunks))
    assert b"\r\n.\r\n" not in b"\r\n" + wire
