"""Writing header fields (RFC 5322 section 2.2.3, RFC 2047, RFC 2231): ASCII, folded at 78 columns.

Whatever the text, a field is one field: control characters become spaces before anything else happens.
"""

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

import idna

from schemas.mail import EmailAddress
from schemas.outgoing import is_address

LINE = 78  # columns without the line end (RFC 5322 2.1.1)

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LONGEST_LINE = 900  # of a word that cannot be folded (RFC 5322 2.1.1: 998 with the field's name)
_LONGEST_WORD = 60  # what is longer is encoded, so that it can be folded
_WORD_OCTETS = 36  # of text in one encoded word: 60 columns, which fit behind most field names
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")  # in a phrase as well
_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]+\Z")
_ATTR_SAFE = "!#$&+-.^_`|~"  # RFC 5987 3.2.1, which is within RFC 2231's
_PARAMETER_PIECE = 60  # columns of one continued value


def field(name: str, tokens: Iterable[str]) -> str:
    """One folded field with its line end; `tokens` stay whole and are separated by single spaces."""
    lines, line = [], f"{name}:"  # which never stands alone: some readers take a field for empty then
    for token in tokens:
        if len(line) + 1 + len(token) > LINE and not line.endswith(":"):
            lines.append(line)
            line = ""
        line += " " + token
    return "\r\n".join([*lines, line]) + "\r\n"


def text_tokens(text: str) -> list[str]:
    """The tokens of an unstructured field: words, or encoded words where plain ones would not come back the same."""
    text = _CONTROL.sub(" ", text)
    words = text.split(" ")
    plain = text.isascii() and "=?" not in text and all(0 < len(word) <= _LONGEST_LINE for word in words)
    return words if plain or not text else encoded_words(text)


def encoded_words(text: str) -> list[str]:
    """RFC 2047 words in UTF-8, in the shorter of the two encodings; characters stay whole."""
    pieces, octets = [], b""
    quoted = sum(_q_length(char.encode()) for char in text) < len(text.encode()) * 4 / 3
    for char in text:
        raw = char.encode()
        size = _q_length(octets + raw) if quoted else len(octets + raw)
        if octets and size > (_WORD_OCTETS * 4 // 3 if quoted else _WORD_OCTETS):
            pieces.append(octets)
            octets = b""
        octets += raw
    pieces.append(octets)
    return [_q_word(piece) if quoted else f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in pieces]


def _q_length(octets: bytes) -> int:
    return sum(1 if octet in _Q_SAFE or octet == 0x20 else 3 for octet in octets)


def _q_word(octets: bytes) -> str:
    encoded = "".join(chr(octet) if octet in _Q_SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in octets)
    return f"=?utf-8?q?{encoded}?="


def wire_address(address: str) -> str:
    """The address as it is transmitted: an international domain by its ASCII name (RFC 5891), where it has one.

    Raises `ValueError` for what is no address.
    """
    if not is_address(address):
        raise ValueError(f"{address[:80]!r} is not an e-mail address")
    local, _, domain = address.rpartition("@")
    if domain.isascii() or not local.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain).decode('ascii')}"
    except idna.IDNAError:
        return address


def mailbox_tokens(mailboxes: Iterable[EmailAddress]) -> list[str]:
    """The tokens of an address list. Raises `ValueError` for what is no address."""
    tokens: list[str] = []
    for mailbox in mailboxes:
        if tokens:
            tokens[-1] += ","
        address = wire_address(mailbox.address or "")
        tokens += [*_phrase_tokens(mailbox.name), f"<{address}>"] if mailbox.name else [address]
    return tokens


def _phrase_tokens(name: str) -> list[str]:
    name = _CONTROL.sub(" ", name)
    if not name.isascii() or "=?" in name or len(name) > _LONGEST_WORD or name != name.strip():
        return encoded_words(name)
    if _ATOMS.match(name):
        return name.split(" ")
    return ['"' + name.replace("\\", r"\\").replace('"', r"\"") + '"']


def parameter_tokens(name: str, value: str) -> list[str]:
    """A MIME parameter, continued over several tokens where it is long (RFC 2231); all but the last end in `;`."""
    value = _CONTROL.sub("", value)
    if value.isascii() and len(value) <= _PARAMETER_PIECE and not set(value) & set('"\\%') and "=?" not in value:
        return [f"{name}={value}" if _TOKEN.match(value) else f'{name}="{value}"']
    encoded = "utf-8''" + quote(value.encode("utf-8"), safe=_ATTR_SAFE)
    if len(encoded) <= _PARAMETER_PIECE:
        return [f"{name}*={encoded}"]
    pieces = re.findall(rf"(?:%[0-9A-F]{{2}}|[^%]){{1,{_PARAMETER_PIECE // 3}}}", encoded)
    tokens = [f"{name}*{number}*={piece};" for number, piece in enumerate(pieces)]
    return [*tokens[:-1], tokens[-1].rstrip(";")]
