"""The tokens of an address list (RFC 5322 sections 3.2 to 3.4), from whatever stands in the field.

Linear in the length of the field: a quote or comment that never ends is looked for once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from providers.formats.words import decode_words

_TOKEN = re.compile(
    r"(?P<WORD>=\?[^?\s]{1,80}\?[bBqQ]\?(?:(?!\?=|=\?(?!=)).)*\?=)"  # whatever commas it has inside
    r"|(?P<SPACE>\s++)"
    r"|(?P<LITERAL>\[[^\]\[\s\"(),;<>]{1,255}\])"
    r'|(?P<SPECIAL>["(),:;<>@])'
    r'|(?P<ATOM>(?:(?!=\?)[^\s"(),:;<>@\[])++|.)',
    re.DOTALL,
)
_QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NESTING = re.compile(r"\\.|[()]", re.DOTALL)


class Kind(Enum):
    """ANGLE is `<...>` as a whole; the text of the other kinds is as it stands in the field."""

    WORD = auto()
    SPACE = auto()
    LITERAL = auto()
    SPECIAL = auto()
    ATOM = auto()
    QUOTED = auto()
    COMMENT = auto()
    ANGLE = auto()


@dataclass(slots=True)
class Token:
    """`text` stands at `start` in the field; `inner` are the tokens of an ANGLE."""

    kind: Kind
    text: str
    start: int
    inner: tuple["Token", ...] = ()

    def is_special(self, character: str) -> bool:
        """Whether it is this character with its special meaning."""
        return self.kind is Kind.SPECIAL and self.text == character


def segments(value: str) -> Iterator[list[Token]]:
    """The tokens of each mailbox; group names and separators are left out."""
    tokens = _join_angles(list(_tokens(value)))
    last_semicolon = max((index for index, token in enumerate(tokens) if token.is_special(";")), default=-1)
    current: list[Token] = []
    for index, token in enumerate(tokens):
        if token.is_special(",") or token.is_special(";"):
            yield current
            current = []
        elif token.is_special(":") and index < last_semicolon:
            current = []  # the name of a group
        elif token.kind is Kind.ANGLE and any(other.kind is Kind.ANGLE for other in current):
            before = next(place for place, other in enumerate(current) if other.kind is Kind.ANGLE) + 1
            yield current[:before]  # the comma between them is missing
            current = [*current[before:], token]
        else:
            current.append(token)
    yield current


def _tokens(value: str) -> Iterator[Token]:
    position, closes = 0, {'"': True, "(": True}
    while match := _TOKEN.match(value, position):
        kind, text = Kind[match.lastgroup or "ATOM"], match[0]
        if text in closes and kind is Kind.SPECIAL:
            end = (_quoted_end if text == '"' else _comment_end)(value, position) if closes[text] else None
            closes[text] = end is not None
            kind = (Kind.QUOTED if text == '"' else Kind.COMMENT) if end else Kind.ATOM
            text = value[position:end] if end else text
        length = len(text)
        if kind is Kind.WORD and decode_words(text) == ",":  # CPython writes such commas
            kind, text = Kind.SPECIAL, ","
        yield Token(kind, text, position)
        position += length


def _quoted_end(value: str, position: int) -> int | None:
    match = _QUOTED.match(value, position)
    return match.end() if match else None


def _comment_end(value: str, position: int) -> int | None:
    depth = 0
    for match in _NESTING.finditer(value, position):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    return None


def _join_angles(tokens: list[Token]) -> list[Token]:
    """Replace `<`, ..., `>` by one token; a bracket without its partner stays."""
    joined: list[Token] = []
    opened: int | None = None
    for token in tokens:
        joined.append(token)
        if token.is_special("<"):
            opened = len(joined) - 1
        elif token.is_special(">") and opened is not None:
            inner = tuple(joined[opened + 1 : -1])
            start = joined[opened].start
            text = "".join(item.text for item in joined[opened:])
            joined[opened:] = [Token(Kind.ANGLE, text, start, inner)]
            opened = None
    return joined
