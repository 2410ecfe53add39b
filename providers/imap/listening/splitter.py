"""Octets as they come -> whole responses."""

from providers.imap.wire import LITERAL, Line, Lost

MAX_RESPONSE = 1024 * 1024  # octets; nothing that a listener asks for is as long


class Splitter:
    """Keeps what is not complete yet."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Line]:
        """The responses that are complete now. Raises `Lost` when one has no end."""
        data = self._rest + data if self._rest else data
        found, start = [], 0
        while (taken := _response(data, start)) is not None:
            line, start = taken
            found.append(line)
        self._rest = data[start:]
        if len(self._rest) > MAX_RESPONSE:
            raise Lost("the server sent an endless response")
        return found


def _response(data: bytes, start: int) -> tuple[Line, int] | None:
    """The response that begins at `start`, and where the next one does; None while its end is missing."""
    pieces: list[bytes] = []
    literals: list[bytes] = []
    while (end := data.find(b"\n", start) + 1) > 0:
        text = data[start:end]
        pieces.append(text.rstrip(b"\r\n"))
        match = LITERAL.search(text) if text.endswith((b"}\r\n", b"}\n")) else None
        if match is None:
            return Line(b"".join(pieces), literals), end
        start = end + int(match[1])
        if start > len(data):
            return None
        literals.append(data[end:start])
    return None
