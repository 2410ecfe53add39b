"""An open account of a test user, driven from plain tests; and a look at the server's truth behind its back."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any, TypeVar
from uuid import uuid4

from providers.base.collection import Ref
from providers.base.ports import Outgoing, Sent
from providers.base.provider import Mailbox, ProviderSettings
from providers.imap.grant import Endpoint, ImapGrant
from providers.imap.provider import ImapProvider, ImapSession
from schemas.mail import BodyType, EmailAddress
from schemas.outgoing import OutgoingEmail
from tests.servers.dovecot import Dovecot, User

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """A message as the server has it."""

    uid: int
    flags: frozenset[str]
    source: bytes

    @property
    def parsed(self) -> EmailMessage:
        """Read by a parser that is not ours."""
        return BytesParser(_class=EmailMessage, policy=default).parsebytes(self.source)  # type: ignore[arg-type]


class Desk:
    """`close()` when done."""

    def __init__(self, user: User, dovecot: Dovecot, smtp: Endpoint | None, settings: ProviderSettings, **fields: Any):
        self.user, self.dovecot = user, dovecot
        grant = ImapGrant(
            imap=fields.pop("imap", None) or Endpoint(host="localhost", port=dovecot.imaps),
            smtp=smtp,
            login=user.address,
            smtp_login=user.address,
            password=user.password,
            brand=fields.pop("brand", None),
        )
        mailbox = Mailbox(
            key=1, version=1, email=user.address, grant=grant.model_dump(mode="json"), name="Zoë Tester", **fields
        )
        self._runner = asyncio.Runner()
        self.session: ImapSession = self.run(ImapProvider(settings).open(mailbox))

    def run(self, job: Coroutine[Any, Any, T]) -> T:
        """The result of a verb."""
        return self._runner.run(job)

    def close(self) -> None:
        """Give the connections back."""
        self.run(self.session.close())
        self._runner.close()

    def send(self, email: OutgoingEmail, answers: Ref | None = None, message_id: str | None = None) -> Sent:
        """Send it as text."""
        return self.run(self.session.messages.send(outgoing(email, answers, message_id)))

    def folder(self, name: str, user: User | None = None) -> list[Found]:
        """The messages of a folder, oldest first."""
        client = self.dovecot.client(user or self.user)
        try:
            client.select_folder(name, readonly=True)
            rows = client.fetch(client.search(), ["FLAGS", "BODY.PEEK[]"])
        finally:
            client.logout()
        return [
            Found(uid, frozenset(flag.decode() for flag in row[b"FLAGS"]), row[b"BODY[]"])
            for uid, row in sorted(rows.items())
        ]

    def arrived(self, user: User, count: int = 1) -> list[Found]:
        """The INBOX of a user once it has so many messages."""
        deadline = time.monotonic() + 15
        while len(found := self.folder("INBOX", user)) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def put(self, folder: str, source: bytes, flags: Sequence[str] = ()) -> None:
        """Store a message behind the adapter's back."""
        client = self.dovecot.client(self.user)
        client.append(folder, source, flags)
        client.logout()


def outgoing(email: OutgoingEmail, answers: Ref | None = None, message_id: str | None = None) -> Outgoing:
    """Ready to be composed, as text."""
    fixed = message_id or f"<{uuid4()}@example.test>"
    return Outgoing(email, fixed, datetime.now(UTC).replace(microsecond=0), BodyType.TEXT, answers)


def to(*addresses: str, **fields: Any) -> OutgoingEmail:
    """A small message."""
    known = {"subject": "Grüße", "body": "Hello\n.\n..dots\n"} | fields
    return OutgoingEmail(to=[EmailAddress(address=address) for address in addresses], **known)
