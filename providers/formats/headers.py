"""The header section of a message (RFC 5322 section 2.2), split at once and decoded only where it is asked for."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from providers.formats.addresses import parse_addresses
from providers.formats.dates import parse_date
from providers.formats.words import clean, decode_words
from schemas.mail import EmailAddress

_SHORT = 200  # characters of a field whose addresses are remembered
MAX_HEADER = 1 << 20  # octets of a header section that are read

# One field with its folded lines; the name may be followed by space (RFC 5322 4.5). Other lines are passed over.
_FIELD = re.compile(r"^([!-9;-~]++)[ \t]*+:[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_BRACKETED = re.compile(r"<[^<>]+>")
_BETWEEN_IDS = re.compile(r"[\s,<>\"]+")
_SPACE = re.compile(r"\s+")


class Headers:
    """Fields in their order; names are compared without case. Nothing here raises on any input."""

    __slots__ = ("_fields", "_index")

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields
        self._index: dict[str, list[str]] = {}
        for name, value in fields:
            self._index.setdefault(name.lower(), []).append(value)

    @classmethod
    def parse(cls, data: bytes) -> "Headers":
        """Read octets up to the first blank line, or to the end; any mixture of line ends."""
        text = data[: body_offset(data, 0, MAX_HEADER)].decode("utf-8", "surrogateescape")
        if "\r" in text:  # a lone one ends a line only where nothing else does: no field may hide behind it
            text = text.replace("\r\n", "\n").replace("\r", " ") if "\n" in text else text.replace("\r", "\n")
        return cls(_FIELD.findall(text))

    def __len__(self) -> int:
        """How many fields there are."""
        return len(self._fields)

    def raw(self, name: str) -> str | None:
        """The first field of that name, unfolded, its encoded words left alone; None when there is none."""
        values = self._index.get(name.lower())
        return _unfold(values[0]) if values else None

    def raw_all(self, name: str) -> list[str]:
        """Every field of that name, as `raw`."""
        return [_unfold(value) for value in self._index.get(name.lower(), ())]

    def text(self, name: str) -> str | None:
        """The first field of that name as people read it."""
        value = self.raw(name)
        return decode_words(value) if value is not None else None

    def items(self) -> list[tuple[str, str]]:
        """Every field: the name as it was written, the value decoded."""
        return [(name, decode_words(_unfold(value))) for name, value in self._fields]

    def addresses(self, name: str) -> list[EmailAddress]:
        """The mailboxes of all fields of that name; see `parse_addresses`."""
        return [address for value in self.raw_all(name) for address in _addresses(value)]

    def date(self, name: str) -> datetime | None:
        """An aware instant; None when the field is absent, no date, or absurd."""
        value = self.raw(name)
        return parse_date(value) if value else None

    @property
    def message_id(self) -> str | None:
        """The Message-ID with its brackets, which are added where the sender forgot them."""
        value = (self.raw("message-id") or "").strip()
        if match := _BRACKETED.search(value):
            return _SPACE.sub("", match[0])
        return f"<{value}>" if value and not _SPACE.search(value) and "<" not in value and ">" not in value else None

    @property
    def references(self) -> list[str]:
        """The message ids of References, oldest first."""
        return message_ids(self.raw("references"))

    @property
    def in_reply_to(self) -> list[str]:
        """The message ids of In-Reply-To, without the phrases of older mail programs (RFC 5322 4.5.4)."""
        return message_ids(self.raw("in-reply-to"))


def _addresses(value: str) -> Sequence[EmailAddress]:
    return _remembered(value) if len(value) <= _SHORT else parse_addresses(value)


@lru_cache(maxsize=4096)
def _remembered(value: str) -> Sequence[EmailAddress]:
    """The same people write, and are written to, again and again."""
    return tuple(parse_addresses(value))


def message_ids(value: str | None) -> list[str]:
    """The message ids in a field's text, with brackets; where none has any, the words with an at sign."""
    if not value:
        return []
    if "<" in value and (found := _BRACKETED.findall(value)):
        return [_SPACE.sub("", item) for item in found]
    return [f"<{item}>" for item in _BETWEEN_IDS.split(value) if "@" in item]


def body_offset(data: bytes, start: int = 0, end: int | None = None) -> int:
    """Where the body begins in `data[start:end]`: behind the first blank line, or at the end."""
    end = len(data) if end is None else min(end, len(data))
    for blank in (b"\r\n", b"\n", b"\r"):
        if data.startswith(blank, start, end):
            return start + len(blank)
    for blank in (b"\n\r\n", b"\n\n"):
        position = data.find(blank, start, end)
        end = position + len(blank) if position >= 0 else end
    if data.find(b"\n", start, end) < 0 and (position := data.find(b"\r\r", start, end)) >= 0:
        return position + 2
    return end


def _unfold(value: str) -> str:
    """One line of valid Unicode."""
    if "\n" in value:
        value = " ".join(line.strip(" \t") for line in value.split("\n"))
    return (value if value.isascii() else clean(value)).strip()
