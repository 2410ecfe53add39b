"""The fixed mailbox that searches are tried on, and each message as the reference matcher sees it."""

import email.policy
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import cached_property
from typing import cast

from providers.base.match import Facts
from providers.base.search import Flag, Where
from tests.conformance.backends import ANSWERED, FLAGGED, SEEN
from tests.conformance.messages import START, source

_FLAGS = {SEEN: Flag.READ, FLAGGED: Flag.FLAGGED, ANSWERED: Flag.ANSWERED}
_NAMES = {"inbox": "inbox", "draft": "drafts"}


@dataclass(frozen=True)
class Entry:
    """A message of the corpus and where it lies."""

    source: bytes
    folder: str
    flags: tuple[str, ...]
    received: datetime

    @cached_property
    def message(self) -> EmailMessage:
        return cast(EmailMessage, email.message_from_bytes(self.source, policy=email.policy.default))

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def facts(self) -> Facts:
        flags = {_FLAGS[flag] for flag in self.flags}
        if any(True for _ in self.message.iter_attachments()):
            flags.add(Flag.ATTACHMENT)
        name = self.folder.lower()
        folders = {name, name.rpartition("/")[2], _NAMES.get(name, name)}
        return Facts(self.text, self.received, len(self.source), frozenset(flags), frozenset(folders))

    def text(self, where: Where) -> str:
        if where is Where.BODY:
            body = self.message.get_body(("plain", "html"))
            return str(body.get_content()) if body else ""
        if where is Where.TEXT:
            header = "\n".join(f"{name}: {value}" for name, value in self.message.items())
            return f"{header}\n{self.text(Where.BODY)}"
        return "\n".join(str(value) for value in self.message.get_all(where, []))


def _attached(text: str) -> str:
    return (
        f"--x\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        "--x\nContent-Type: application/pdf; name=plan.pdf\nContent-Disposition: attachment; filename=plan.pdf\n"
        "Content-Transfer-Encoding: base64\n\nJVBERi0xLjQK\n--x--"
    )


_MIXED = 'multipart/mixed; boundary="x"'
_TEXTS = (
    ("Quarterly report", "The numbers are up by ten percent."),
    ("=?utf-8?B?w5xiZXJzaWNodA==?= Quartal", "Die Zahlen für das zweite Quartal."),
    ("=?utf-8?B?5Lya6K2w44Gu5pel56iL?=", "水曜日の会議は三時からです。"),
    ("Lunch on Friday?", 'Pizza or pasta? Say "pasta" please.'),
    ("Invoice 4711", "Amount due: 64.20 EUR at 10:30 sharp."),
    ("Re: Invoice 4711", "Paid. 100% of it, see https://pay.example/x?id=4711&ok=1"),
    ("Meeting notes", "The report was read, the pizza was not."),
)
_SENDERS = ("Ann Example <ann@example.org>", "=?utf-8?Q?J=C3=BCrgen_M=C3=BCller?= <jm@example.de>", "bob@example.com")
_FOLDERS = ("inbox", "inbox", "archive", "sent", "Projects/Alpha", "trash", "junk", "draft")
_FLAG_SETS: tuple[tuple[str, ...], ...] = ((), (SEEN,), (SEEN, FLAGGED), (SEEN, ANSWERED), (FLAGGED,))


def _entry(number: int) -> Entry:
    subject, text = _TEXTS[number % len(_TEXTS)]
    headers = {"Cc": "Carol <carol@example.net>"} if number % 3 == 0 else {}
    if number % 5 == 0:
        headers["Bcc"] = "secret@example.net"
    if attached := number % 4 == 1:
        text = _attached(text)
    if number % 6 == 2:
        text += "\n" + "padding words to make it larger\n" * 200
    message = source(
        subject,
        text,
        sender=_SENDERS[number % len(_SENDERS)],
        to="Dora <dora@example.net>" if number % 2 else "sam@example.net",
        message_id=f"<corpus-{number}@suite.example>",
        headers=headers,
        content_type=_MIXED if attached else "text/plain; charset=utf-8",
    )
    received = START + timedelta(hours=17 * number)
    return Entry(message, _FOLDERS[number % len(_FOLDERS)], _FLAG_SETS[number % len(_FLAG_SETS)], received)


CORPUS = tuple(map(_entry, range(28)))
BY_ID = {str(entry.message["Message-ID"]): entry for entry in CORPUS}
