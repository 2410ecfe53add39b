"""The mail that `ScriptedImap` serves: folders in memory, and how a FETCH of them is written (RFC 3501 7.4.2)."""

import email
import email.message
import itertools
import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"BODY(?:\.PEEK)?\[([^]]*)\](?:<(\d+)(?:\.(\d+))?>)?\Z", re.IGNORECASE)


@dataclass
class Stored:
    """A message; `flags` and `received` (an INTERNALDATE) as they go over the wire."""

    uid: int
    source: bytes
    flags: set[str] = field(default_factory=set)
    received: str = "01-Nov-2026 12:00:00 +0000"


@dataclass
class Folder:
    """A mailbox; change `uidvalidity` to make every known UID meaningless."""

    name: str
    attributes: str = "\\HasNoChildren"
    uidvalidity: int = 1_700_000_000
    messages: list[Stored] = field(default_factory=list)
    highest: int = 0

    def add(self, source: bytes, *flags: str, received: str = Stored.received) -> int:
        """Append a message and return its UID."""
        self.highest += 1
        self.messages.append(Stored(self.highest, source, set(flags), received))
        return self.highest

    def selected(self, numbers: str) -> list[tuple[int, Stored]]:
        """(sequence number, message) for a UID set such as `1,3:5,7:*`."""
        ranges = []
        for piece in numbers.split(","):
            first, _, last = piece.partition(":")
            ends = [self.highest if end == "*" else int(end) for end in (first, last or first)]
            ranges.append((min(ends), max(ends)))
        return [
            (at, found)
            for at, found in enumerate(self.messages, 1)
            if any(low <= found.uid <= high for low, high in ranges)
        ]


def default_folders() -> dict[str, Folder]:
    """INBOX and the special ones, by name."""
    special = [Folder(name, f"\\HasNoChildren \\{name}") for name in ("Drafts", "Sent", "Trash", "Junk", "Archive")]
    return {folder.name: folder for folder in [Folder("INBOX"), *special]}


def fetch_items(message: Stored, items: list[str], *, flags: bool, structure: str | None) -> bytes:
    """The parenthesised answer to the wanted items; `flags` False leaves FLAGS out, `structure` overrides the truth."""
    written = [f"UID {message.uid}".encode()]
    for item in items:
        upper = item.upper()
        if upper == "FLAGS" and flags:
            written.append(f"FLAGS ({' '.join(sorted(message.flags))})".encode())
        elif upper == "INTERNALDATE":
            written.append(f'INTERNALDATE "{message.received}"'.encode())
        elif upper == "RFC822.SIZE":
            written.append(f"RFC822.SIZE {len(message.source)}".encode())
        elif upper == "BODYSTRUCTURE":
            parsed = email.message_from_bytes(message.source)
            written.append(b"BODYSTRUCTURE " + (structure or body_structure(parsed)).encode())
        elif match := _SECTION.match(item):
            written.append(_section(message.source, match))
    return b"(" + b" ".join(written) + b")"


def _section(source: bytes, match: re.Match[str]) -> bytes:
    name, offset, length = match[1], match[2], match[3]
    data = _content(source, name)
    label = f"BODY[{name}]"
    if offset is not None:
        data = data[int(offset) : int(offset) + int(length) if length else None]
        label += f"<{offset}>"
    return f"{label} {{{len(data)}}}\r\n".encode() + data


def _content(source: bytes, name: str) -> bytes:
    head, _, body = source.partition(b"\r\n\r\n")
    upper = name.upper()
    if not name:
        return source
    if upper == "TEXT":
        return body
    if upper == "HEADER":
        return head + b"\r\n\r\n"
    if upper.startswith("HEADER.FIELDS"):
        wanted = {field.lower() for field in upper.partition("(")[2].rstrip(")").split()}
        fields = re.findall(rb"^([^:\s]+):((?:.*(?:\r\n[ \t])?)+)\r\n", head + b"\r\n", re.MULTILINE)
        kept = (f + b":" + value + b"\r\n" for f, value in fields if f.decode("latin-1").lower() in wanted)
        return b"".join(kept) + b"\r\n"
    return _part(email.message_from_bytes(source), [int(step) for step in name.split(".") if step.isdigit()])


def _part(message: email.message.Message, path: list[int]) -> bytes:
    for step in path:
        if message.is_multipart():
            message = message.get_payload(step - 1)  # type: ignore[assignment]
    return str(message.get_payload()).replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "surrogateescape")


def body_structure(message: email.message.Message) -> str:
    """BODYSTRUCTURE of a simple message: multiparts, texts, attachments; no message/rfc822."""
    if message.is_multipart():
        children = "".join(body_structure(part) for part in message.get_payload())  # type: ignore[arg-type]
        return f'({children} "{message.get_content_subtype()}" NIL NIL NIL NIL)'
    parameters = " ".join(itertools.chain(*((_quoted(k), _quoted(v)) for k, v in message.get_params([])[1:])))
    payload = str(message.get_payload())
    kind = f"{_quoted(message.get_content_maintype())} {_quoted(message.get_content_subtype())}"
    encoding = message.get("content-transfer-encoding", "7bit")
    lines = f" {payload.count(chr(10))}" if message.get_content_maintype() == "text" else ""
    disposition = message.get_content_disposition()
    shown = f"({_quoted(disposition)} NIL)" if disposition else "NIL"
    content_id = _quoted(message["content-id"]) if message["content-id"] else "NIL"
    return (
        f"({kind} ({parameters}) {content_id} NIL {_quoted(encoding)} {len(payload)}{lines} NIL {shown} NIL NIL)"
        if parameters
        else f"({kind} NIL {content_id} NIL {_quoted(encoding)} {len(payload)}{lines} NIL {shown} NIL NIL)"
    )


def _quoted(value: object) -> str:
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
