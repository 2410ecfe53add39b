"""Believable mail for a new mailbox: the same for the same address and moment, as RFC 5322 source."""

import random
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from hashlib import sha256

from providers.sandbox.box import Letter
from providers.sandbox.material import (
    BULLETINS,
    CONVERSATIONS,
    DRAFTS,
    INVITATION,
    MALFORMED,
    ME,
    PRIYA,
    Bulletin,
    Conversation,
    Person,
    Turn,
)

Placed = tuple[str, Letter]  # path of a folder, what lies in it


def letters(address: str, name: str, linked_at: datetime) -> Iterator[Placed]:
    """About sixty messages of the three weeks before `linked_at` for the mailbox of `name` <`address`>."""
    yield from _Writer((name, address), linked_at).everything()


class _Writer:
    def __init__(self, owner: Person, linked_at: datetime) -> None:
        self.owner, self.linked_at = owner, linked_at
        self.random = random.Random(owner[1])  # noqa: S311 - for variety, not for secrecy
        self.count = 0

    def everything(self) -> Iterator[Placed]:
        for conversation in CONVERSATIONS:
            yield from self.conversation(conversation)
        for bulletin in BULLETINS:
            yield from self.bulletin(bulletin)
        for number, (subject, text, reader) in enumerate(DRAFTS):
            when = self.ago(30 - 9 * number)
            draft = self.message(ME, (reader,), subject, when)
            draft.set_content(text)
            yield "Drafts", Letter(_source(draft), when, seen=True, draft=True)
        yield "Inbox", self.invitation()
        yield "Inbox", Letter(MALFORMED, self.ago(75))

    def conversation(self, talk: Conversation) -> Iterator[Placed]:
        said: list[str] = []
        for number, turn in enumerate(talk.turns):
            when = self.ago(talk.age - number * talk.pace - self.random.random())
            left = len(talk.turns) - number  # 1: the last one
            subject = talk.subject if not said else f"Re: {talk.subject}"
            message = self.turn(turn, talk.people, subject, when, said)
            said.append(message["Message-ID"])
            mine = turn.writer is ME
            yield (
                "Sent" if mine else talk.folder,
                Letter(
                    _source(message),
                    when,
                    seen=mine or left > talk.unread,
                    flagged=talk.flagged and left == 1,
                    answered=not mine and left > 1 and talk.turns[number + 1].writer is ME,
                    keywords=talk.keywords,
                ),
            )

    def turn(
        self, turn: Turn, people: tuple[Person, ...], subject: str, when: datetime, said: list[str]
    ) -> EmailMessage:
        readers = tuple(person for person in (*people, ME) if person is not turn.writer)
        message = self.message(turn.writer, readers, subject, when)
        if said:
            message["In-Reply-To"], message["References"] = said[-1], " ".join(said)
        message.set_content(turn.text)
        if turn.inline:
            paragraphs = "".join(f"<p>{line}</p>" for line in turn.text.splitlines() if line)
            message.add_alternative(f'{paragraphs}<img src="cid:{turn.inline}@sandbox">', subtype="html")
            _add_image(message, turn.inline)
        for name in turn.files:
            kind, subtype = _KINDS[name.rpartition(".")[2]]
            content = _picture(self.random) if subtype == "png" else _document(name, self.random)
            message.add_attachment(content, maintype=kind, subtype=subtype, filename=name)
        return message

    def bulletin(self, bulletin: Bulletin) -> Iterator[Placed]:
        for number in range(bulletin.times):
            words = {key: texts[number] for key, texts in bulletin.words.items()}
            when = self.ago(bulletin.age - number * 7 * 24)
            message = self.message(bulletin.sender, (ME,), bulletin.subject.format(**words), when)
            if bulletin.list_id:
                message["List-Id"] = f"<{bulletin.list_id}>"
                message["List-Unsubscribe"] = f"<https://{bulletin.list_id}/unsubscribe>"
            message.set_content(bulletin.html.format(**words), subtype="html")
            if "cid:logo" in bulletin.html:
                _add_image(message, "logo")
            yield bulletin.folder, Letter(_source(message), when, seen=self.random.random() < 0.7)

    def invitation(self) -> Letter:
        when, start = self.ago(48), self.linked_at + timedelta(days=2)
        message = self.message(PRIYA, (ME,), "Invitation: Alpha retrospective", when)
        message.set_content("Priya Nair invites you to: Alpha retrospective")
        message.add_alternative(
            INVITATION.format(
                uid=message["Message-ID"].strip("<>"),
                stamp=f"{when:%Y%m%dT%H%M%SZ}",
                start=f"{start:%Y%m%dT100000Z}",
                end=f"{start:%Y%m%dT110000Z}",
                me=self.owner[1],
            ),
            subtype="calendar",
            params={"method": "REQUEST"},
        )
        return Letter(_source(message), when)

    def message(self, writer: Person, readers: tuple[Person, ...], subject: str, when: datetime) -> EmailMessage:
        self.count += 1
        sender = self.person(writer)
        token = sha256(f"{self.owner[1]}/{self.count}".encode()).hexdigest()[:20]
        message = EmailMessage(policy=SMTP if self.owner[1].isascii() else SMTPUTF8)
        message["From"] = _mailbox(sender)
        message["To"] = [_mailbox(self.person(reader)) for reader in readers]
        message["Subject"] = subject
        message["Date"] = format_datetime(when)
        message["Message-ID"] = f"<{token}@{sender[1].rpartition('@')[2]}>"
        return message

    def person(self, person: Person) -> Person:
        return self.owner if person is ME else person

    def ago(self, hours: float) -> datetime:
        return (self.linked_at - timedelta(hours=hours)).replace(microsecond=0)


_KINDS = {"pdf": ("application", "pdf"), "csv": ("text", "csv"), "png": ("image", "png")}


def _mailbox(person: Person) -> Address:
    name, address = person
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)


def _document(name: str, chance: random.Random) -> bytes:
    """A small file that opens: one page with the file's name, or a table."""
    if name.endswith(".csv"):
        return b"name,amount\r\n" + b"".join(b"item %d,%d\r\n" % (row, chance.randrange(1000)) for row in range(40))
    stream = b"BT /F1 18 Tf 72 720 Td (" + name.encode("ascii", "replace") + b") Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body = b"".join(b"%d 0 obj%sendobj\n" % (number, item) for number, item in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R/Size 6>>\n%%EOF\n"


def _picture(chance: random.Random, side: int = 24) -> bytes:
    """A PNG of one colour (RFC 2083)."""
    rows = b"".join(b"\0" + bytes(chance.randrange(256) for _ in range(3)) * side for _ in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _add_image(message: EmailMessage, name: str) -> None:
    """Put a picture beside the html part that shows it."""
    html = message.get_body(("html",))
    picture = _picture(random.Random(name))  # noqa: S311 - for variety, not for secrecy
    file = name if "." in name else f"{name}.png"
    if isinstance(html, EmailMessage):
        html.add_related(picture, "image", "png", cid=f"<{name}@sandbox>", filename=file, disposition="inline")


def _source(message: EmailMessage) -> bytes:
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{number}_{message['Message-ID'][1:13]}")  # the package's own are random
    return message.as_bytes()
