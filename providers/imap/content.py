"""Sources and attachments in pieces, so that none is ever held whole (RFC 3501 6.4.5, partial FETCH)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from providers.base.errors import NotFound
from providers.base.lane import Lane
from providers.formats.transfer import TransferDecoder
from providers.imap import fetch
from providers.imap.connection import Connection
from providers.imap.ids import MessageId
from providers.imap.pool import Pool
from providers.imap.wire import lines

CHUNK = 262_144  # octets of one piece


@dataclass(frozen=True, slots=True)
class Piece:
    """Octets of a section, and the size of the whole message in octets."""

    data: bytes
    message_size: int | None


def piece(connection: Connection, place: MessageId, section: bytes, offset: int) -> Piece:
    """`CHUNK` octets of a section, fewer at its end. Raises `NotFound` when the message is gone."""
    item = b"RFC822.SIZE BODY.PEEK[%b]<%d.%d>" % (section, offset, CHUNK)
    answers = connection.on(place.folder, fetch.commands([place.uid], item), uidvalidity=place.uidvalidity)
    found = fetch.read(lines(answers), {place.uid}).get(place.uid)
    if found is None:
        answers[0].check()
        raise NotFound("the message does not exist any more")
    data, size = found.get(b"BODY[%b]" % section), found.get(b"RFC822.SIZE")
    return Piece(data if isinstance(data, bytes) else b"", int(size) if isinstance(size, bytes) else None)


async def stream(lane: Lane, pool: Pool, place: MessageId, section: bytes, first: bytes) -> AsyncIterator[bytes]:
    """A section from its first piece on; each further piece is a job of its own."""
    data, offset = first, len(first)
    yield data
    while len(data) == CHUNK:
        job = partial(piece, place=place, section=section, offset=offset)
        data = (await lane.run(partial(pool.read, job, place.folder))).data
        offset += len(data)
        yield data


async def decoded(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Transfer-decoded while it passes."""
    decoder = TransferDecoder(encoding)
    async for chunk in chunks:
        if data := decoder.feed(chunk):
            yield data
    if rest := decoder.close():
        yield rest


async def single(data: bytes) -> AsyncIterator[bytes]:
    """Octets that are there already."""
    yield data
