"""Commands as an IMAP client writes them, read with their literals and taken apart (RFC 3501 9)."""

import re
from typing import BinaryIO

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n\Z")
_TOKEN = re.compile(
    rb'\x00(\d+)\x00|"((?:[^"\\]|\\.)*)"|([()])|((?:BODY(?:\.PEEK)?\[[^]]*\](?:<[\d.]+>)?)|[^\s()]+)', re.I
)

Token = str | bytes | list["Token"]  # bytes: a literal; list: a parenthesised group


class Commands:
    """Reads commands from a connection; `go_ahead` is called for each synchronising literal."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def line(self) -> bytes:
        """One raw line without its line end; empty when the client went away."""
        return self._stream.readline().rstrip(b"\r\n")

    def read(self) -> tuple[str, list[Token]] | None:
        """(tag, tokens) of the next command, or None when the client went away. Literals are asked for."""
        text, literals = b"", []
        while line := self._stream.readline():
            found = _LITERAL.search(line)
            if not found:
                tag, _, rest = (text + line.rstrip(b"\r\n")).partition(b" ")
                return tag.decode("latin-1"), _tokens(rest, literals)
            if not found[2]:
                self.go_ahead()
            text += line[: found.start()] + b"\x00%d\x00" % len(literals)
            literals.append(self._stream.read(int(found[1])))
        return None

    def go_ahead(self) -> None:
        """Overridden with what answers `+`."""


def _tokens(text: bytes, literals: list[bytes]) -> list[Token]:
    stack: list[list[Token]] = [[]]
    for match in _TOKEN.finditer(text):
        if match[1] is not None:
            stack[-1].append(literals[int(match[1])])
        elif match[2] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", match[2]).decode("utf-8", "surrogateescape"))
        elif match[3] == b"(":
            stack.append([])
        elif match[3] == b")" and len(stack) > 1:
            group = stack.pop()
            stack[-1].append(group)
        elif match[4] is not None:
            stack[-1].append(match[4].decode("utf-8", "surrogateescape"))
    return stack[0]


def text_of(token: Token) -> str:
    """A token as text, whether it came as atom, quoted string or literal."""
    if isinstance(token, list):
        return "(" + " ".join(map(text_of, token)) + ")"
    return token.decode("utf-8", "surrogateescape") if isinstance(token, bytes) else token
