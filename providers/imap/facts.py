"""What never changes about a message: its headers and its structure, as one FETCH brings them."""

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from providers.formats import body, envelope
from providers.formats.body import Plan
from providers.formats.headers import Headers, body_offset
from providers.formats.source import Source
from providers.imap.fetch import Items
from providers.imap.shape import Shape, plan_of, shape_of
from providers.imap.structure import Malformed, structure
from schemas.mail import EmailMessage

_EXTRA = ("Importance", "X-Priority", "Priority", "Message-ID", "In-Reply-To", "References")
_FIELDS = " ".join(dict.fromkeys([*envelope.FIELDS, *_EXTRA])).upper().encode()

#: What to FETCH for `facts`, together with the whole header.
DESCRIPTION = b"BODYSTRUCTURE"
#: What to FETCH for `facts` alone.
ITEMS = b"BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (" + _FIELDS + b")]"
#: What to FETCH for `links` alone.
LINK_ITEMS = b"BODY.PEEK[HEADER.FIELDS (MESSAGE-ID IN-REPLY-TO REFERENCES)]"
#: What to FETCH for `from_source`, when the server's account of the structure is of no use; a start of the message
#: that large tells all parts of any but the strangest.
SOURCE_ITEMS = b"BODY.PEEK[]<0.8388608>"

_BLANK = EmailMessage(id="")
_FIXED_WEIGHT = 3000  # octets: a model with its addresses, a plan
_PART_WEIGHT = 400


@dataclass(frozen=True, slots=True)
class Facts:
    """Headers and structure, converted once.

    `base` has all fields that these give (its id is empty). `layout` is the plan of its parts, or the BODYSTRUCTURE
    that it follows from. `header` is the whole header, `snippet` the beginning of the text, once somebody asked for it.
    `links` are 64-bit hashes of the Message-ID (0: none) and of the references.
    `broken`: the server does not understand the structure, so parts must be cut out of the source here.
    """

    base: EmailMessage
    layout: Plan | bytes
    links: tuple[int, ...]
    important: bool = False
    header: bytes | None = None
    snippet: str | None = None
    thread_id: str | None = None  # where the server threads (X-GM-THRID, RFC 8474)
    broken: bool = False

    @property
    def plan(self) -> Plan:
        """Which of its parts are the body, and which are attached."""
        return plan_of(self.layout) if isinstance(self.layout, bytes) else self.layout

    @property
    def weight(self) -> int:
        """About how many octets of memory it takes."""
        parts = _weight(self.layout)
        texts = len(self.header or b"") + 2 * len(self.snippet or "") + 8 * len(self.links)
        return _FIXED_WEIGHT + parts + texts

    def knowing(self, **more: Any) -> "Facts":
        """With something learned later."""
        return replace(self, **more)


def facts(items: Items) -> Facts:
    """From the answer to `ITEMS`, or to `DESCRIPTION` with the whole header. Raises `Malformed` where it is no use."""
    whole = items.get(b"BODY[HEADER]")
    header = whole if isinstance(whole, bytes) else items.get(b"BODY[HEADER.FIELDS]")
    if not isinstance(header, bytes):
        raise Malformed("no headers")
    described = items.get(b"BODYSTRUCTURE")
    layout = described if isinstance(described, bytes) else body.plan(structure(described))
    return _facts(Headers.parse(header), layout, items, header=whole if isinstance(whole, bytes) else None)


def from_source(items: Items) -> Facts:
    """From the answer to `SOURCE_ITEMS`."""
    data = items.get(b"BODY[]") or b""
    source = Source(data)
    header = data[: body_offset(data)]
    return _facts(source.headers, body.plan(source.root), items, broken=True, header=header)


def _facts(headers: Headers, layout: Plan | bytes, items: Items, **more: Any) -> Facts:
    """The values are of the model's types by construction: checking them once more would cost as much as all else."""
    shape = shape_of(layout) if isinstance(layout, bytes) else Shape.of(layout)
    found = {"has_attachments": shape.has_attachments, "meeting_message_method": shape.method}
    base = _BLANK.model_copy(update=found | envelope.envelope(headers))
    return Facts(base, layout, links(headers), envelope.is_important(headers), thread_id=thread_id(items), **more)


def _weight(layout: Plan | bytes) -> int:
    if isinstance(layout, bytes):
        return len(layout)
    return _PART_WEIGHT * (len(layout.html) + len(layout.text) + len(layout.attachments))


def links(headers: Headers) -> tuple[int, ...]:
    """Hashes of the Message-ID (0: none), then of all messages it refers to, the conversation's first one first."""
    own = headers.message_id
    named = [*headers.references, *headers.in_reply_to]
    return (link(own) if own else 0, *dict.fromkeys(link(name) for name in named if name != own))


def link(message_id: str) -> int:
    """The 64-bit hash that stands for a Message-ID."""
    return int.from_bytes(blake2b(message_id.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def link_headers(items: Items) -> Headers:
    """The headers in the answer to `LINK_ITEMS`."""
    header = items.get(b"BODY[HEADER.FIELDS]")
    return Headers.parse(header if isinstance(header, bytes) else b"")


def thread_id(items: Items) -> str | None:
    """The server's own thread of a message: X-GM-THRID in hexadecimal digits, as Gmail's own API writes it; THREADID as
    it is (RFC 8474 section 5.2)."""
    gmail, objectid = items.get(b"X-GM-THRID"), items.get(b"THREADID")
    if isinstance(gmail, bytes) and gmail.isdigit():
        return f"{int(gmail):x}"
    if isinstance(objectid, list) and objectid and isinstance(objectid[0], bytes):
        return objectid[0].decode("ascii", "replace")
    return None
