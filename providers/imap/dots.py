"""The transparency procedure of SMTP (RFC 5321 4.5.2) over a message in chunks.

Line ends are made CRLF on the way: a bare LF before a dot would let a stored draft smuggle a second message.
"""

import re
from collections.abc import Iterable, Iterator

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def transparent(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks with CRLF line ends and doubled leading dots, ending with CRLF; the final dot is the caller's."""
    held, at_start = b"", True  # a CR at the end of a chunk waits for its LF
    for chunk in chunks:
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""
        if held:
            data = data[:-1]
        if data:
            yield _stuffed(data, at_start=at_start)
            at_start = data.endswith(b"\n")
    if held or not at_start:
        yield b"\r\n"


def _stuffed(data: bytes, *, at_start: bool) -> bytes:
    data = _BARE.sub(b"\r\n", data).replace(b"\r\n.", b"\r\n..")
    return b"." + data if at_start and data.startswith(b".") else data
