"""One Gmail mailbox: messages with labels, drafts, history. Nothing is known of HTTP here."""

import email
import email.utils
import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.servers.google.world import Failure, Json, User

SYSTEM = (
    *("INBOX", "SENT", "DRAFT", "SPAM", "TRASH", "UNREAD", "STARRED", "IMPORTANT", "CHAT", "CATEGORY_PERSONAL"),
    *("CATEGORY_SOCIAL", "CATEGORY_PROMOTIONS", "CATEGORY_UPDATES", "CATEGORY_FORUMS"),
)
_RESERVED = {"inbox", "sent", "drafts", "draft", "spam", "trash", "unread", "starred", "important", "chat", "chats"}
_FIXED = {"SENT", "DRAFT", "CHAT"}  # nobody sets or takes them
_REFERENCE = re.compile(r"<[^<>\s]+>")
FIRST_HISTORY = 1_000_000


@dataclass
class Stored:
    """A message."""

    id: str
    thread: str
    source: bytes
    labels: set[str]
    received: int  # milliseconds of the epoch
    history: int = 0


@dataclass
class Mail:
    """A user's mail."""

    user: User
    messages: dict[str, Stored] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)  # draft id -> message id
    names: dict[str, str] = field(default_factory=dict)  # ids of the user's labels -> names
    records: list[Json] = field(default_factory=list)
    floor: int = FIRST_HISTORY  # older ids are forgotten
    counter: int = FIRST_HISTORY
    mentions: dict[str, str] = field(default_factory=dict)  # Message-ID -> thread
    attachments: dict[str, tuple[str, str]] = field(default_factory=dict)  # token -> message, part
    watched: Json | None = None
    _serial: int = 0x18C0000000000000

    def message(self, item: str) -> Stored:
        if not re.fullmatch(r"[0-9a-f]{1,16}", item):
            raise Failure(400, "invalidArgument", "Invalid id value")
        if item not in self.messages:
            raise Failure(404, "notFound", "Requested entity was not found.")
        return self.messages[item]

    def add(self, source: bytes, labels: Iterable[str], received: int | None = None, thread: str = "") -> Stored:
        self._serial += 0x10001
        item = f"{self._serial:016x}"
        when = received if received is not None else time.time_ns() // 1_000_000
        stored = Stored(item, thread or self._thread(source, item), source, set(labels), when)
        self._mention(source, stored.thread)
        self.messages[item] = stored
        self._record(stored, "messagesAdded")
        return stored

    def remove(self, item: str) -> None:
        stored = self.message(item)
        del self.messages[item]
        self._record(stored, "messagesDeleted")

    def change(self, stored: Stored, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Stored:
        add, remove = set(add), set(remove)
        if (add | remove) & _FIXED:
            raise Failure(400, "invalidArgument", f"Invalid label: {', '.join((add | remove) & _FIXED)}")
        for label in add | remove:
            self.known(label)
        added, gone = add - stored.labels, (remove & stored.labels) - add
        stored.labels = (stored.labels | added) - gone
        if added:
            self._record(stored, "labelsAdded", added)
        if gone:
            self._record(stored, "labelsRemoved", gone)
        return stored

    def known(self, label: str) -> None:
        if label not in SYSTEM and label not in self.names:
            raise Failure(400, "invalidArgument", f"Invalid label: {label}")

    def label(self, name: str) -> str:
        """The id of a user's label, made where there is none."""
        found = [item for item, known in self.names.items() if known.lower() == name.lower()]
        return found[0] if found else self.new_label(name)

    def new_label(self, name: str) -> str:
        if not name.strip() or name.lower() in _RESERVED or len(name) > 225:
            raise Failure(400, "invalidArgument", "Invalid label name")
        if name.lower() in (known.lower() for known in self.names.values()):
            raise Failure(409, "aborted", "Label name exists or conflicts")
        item = f"Label_{len(self.names) + 1}{uuid.uuid4().hex[:6]}"
        self.names[item] = name
        return item

    def new_draft(self, source: bytes, thread: str = "") -> str:
        stored = self.add(source, {"DRAFT"}, thread=thread)
        draft = f"r{uuid.uuid4().int % 10**18}"
        self.drafts[draft] = stored.id
        return draft

    def draft(self, item: str) -> Stored:
        if item not in self.drafts:
            raise Failure(404, "notFound", "Requested entity was not found.")
        return self.messages[self.drafts[item]]

    def _record(self, stored: Stored, kind: str, labels: Iterable[str] = ()) -> None:
        self.counter += 7
        stored.history = self.counter
        entry: Json = {"message": {"id": stored.id, "threadId": stored.thread, "labelIds": sorted(stored.labels)}}
        if labels:
            entry["labelIds"] = sorted(labels)
        self.records.append({"id": str(self.counter), "messages": [{"id": stored.id, "threadId": stored.thread}]})
        self.records[-1][kind] = [entry]

    def _thread(self, source: bytes, item: str) -> str:
        return next((self.mentions[name] for name in _mentioned(source) if name in self.mentions), item)

    def _mention(self, source: bytes, thread: str) -> None:
        for name in _mentioned(source):
            self.mentions.setdefault(name, thread)


def _mentioned(source: bytes) -> list[str]:
    message = email.message_from_bytes(source)
    values = [str(message[name] or "") for name in ("References", "In-Reply-To", "Message-ID")]
    return [found for value in values for found in _REFERENCE.findall(value)]


def recipients(source: bytes) -> list[str]:
    message = email.message_from_bytes(source)
    fields = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    return [address.lower() for _, address in email.utils.getaddresses(fields) if address]


def without(source: bytes, name: bytes) -> bytes:
    """A source without a header field."""
    head, gap, body = source.partition(b"\r\n\r\n")
    lines = rb"(?im)^" + name + rb"[ \t]*:.*\r\n(?:[ \t].*\r\n)*"
    return re.sub(lines, b"", head + b"\r\n").removesuffix(b"\r\n") + gap + body
