"""Parameters of MIME header fields: RFC 2045 section 5.1, RFC 2231, and what is sent instead."""

import re
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from providers.formats.charset import decode_text
from providers.formats.words import decode_words

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')  # any other backslash is one of a Windows path
_EXTENDED = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?\Z")


def parse(value: str) -> tuple[str, dict[str, str]]:
    """Split `text/plain; charset=utf-8` into its lower-case value and its decoded parameters (lower-case names)."""
    head, semicolon, rest = value.partition(";")
    return head.partition("(")[0].strip().lower(), decode(_PARAMETER.findall(semicolon + rest)) if rest else {}


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join RFC 2231 pieces, decode charsets, RFC 2047 words and quotes; `pairs` as they stand in the header."""
    found: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = defaultdict(dict)
    for name, value in pairs:
        match = _EXTENDED.match(name.lower())
        if match and (match[2] or match[3]):
            pieces[match[1]].setdefault(int(match[2] or 0), (_unquote(value), bool(match[3])))
        else:
            found.setdefault(name.lower(), decode_words(_unquote(value)))
    return found | {name: _join(parts) for name, parts in pieces.items()}


def _unquote(value: str) -> str:
    value = value.strip()
    if value.startswith('"'):
        return _ESCAPED.sub(r"\1", value[1:-1] if len(value) > 1 and value.endswith('"') else value[1:])
    return value


def _join(pieces: dict[int, tuple[str, bool]]) -> str:
    charset: str | None = None
    octets = bytearray()
    for number, (value, encoded) in sorted(pieces.items()):
        if encoded and number == min(pieces) and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        octets += unquote_to_bytes(value) if encoded else value.encode("utf-8", "surrogateescape")
    return decode_words(decode_text(bytes(octets), charset or None))
