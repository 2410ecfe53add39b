"""A gateway whose processes die or freeze wherever a plan says, and the mailbox they send from.

The submission is real: the SMTP dialogue of the adapter with a scripted server. Drafts and the sent folder are kept in
memory. A process dies by an exception that nothing of ours catches; a frozen one goes on when it is thawed.
"""

import asyncio
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.store.database import Database
from gateway.store.due_sends import Claimed, DueSends
from gateway.store.sends import LoggedSend, Sends
from providers.base.collection import Ref
from providers.base.errors import NotFound, Unavailable, Uncertain
from providers.base.lane import Lane, call_back
from providers.base.ports import Drafts, Leaving, Messages, MessageView, Outgoing, Sent
from providers.base.provider import Mailbox, ProviderSettings, Session
from providers.imap import smtp
from providers.imap.grant import Endpoint, ImapGrant, Security
from providers.imap.smtp import Envelope
from schemas.mail import EmailAddress, EmailDraft, EmailMessage
from tests.gateway.services.mailbox_provider import MemoryProvider
from tests.servers.scripted_smtp import DROP, LOSE, ScriptedSmtp

TO = "bob@example.test"

#: Every step between two effects, in the order of a send.
STEPS = (
    *("recover before", "recover after", "begin before", "begin after", "claim before", "claim after", "find"),
    *("draft read", "submit", "leaving before", "leaving after", "payload", "dot", "answered", "filed", "removed"),
    *("settle before", "settle after", "look before", "look after", "not_found before", "not_found after"),
)


class Died(BaseException):
    """The process was killed here."""


@dataclass
class Life:
    """One process: `end` is the step at which it dies (or freezes); a blind one cannot read the sent folder."""

    end: str | None = None
    freezes: bool = False
    blind: bool = False
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    thawed: asyncio.Event = field(default_factory=asyncio.Event)

    async def step(self, name: str) -> None:
        if name != self.end:
            return
        self.reached.set()
        if not self.freezes:
            raise Died(name)
        await self.thawed.wait()

    def step_in_thread(self, name: str) -> None:
        if name == self.end and not self.freezes:
            self.reached.set()
            raise Died(name)


present: ContextVar[Life] = ContextVar("present")


async def step(name: str) -> None:
    """The running process gets here."""
    await present.get().step(name)


class MortalSends(Sends):
    """The send log as a process uses it that may die before and after each statement."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.life = present.get()

    async def begin(self, *arguments: Any, **more: Any) -> LoggedSend:
        await step("begin before")
        found = await super().begin(*arguments, **more)
        await step("begin after")
        return found

    async def leaving(self, send: LoggedSend, message_id: str) -> None:
        await self.life.step("leaving before")
        await super().leaving(send, message_id)
        await self.life.step("leaving after")

    async def settle(self, *arguments: Any, **more: Any) -> None:
        await step("settle before")
        await super().settle(*arguments, **more)
        await step("settle after")


class MortalDue(DueSends):
    """The same for what is due."""

    async def recover(self, send: int) -> None:
        await step("recover before")
        await super().recover(send)
        await step("recover after")

    async def claim(self, send: int) -> Claimed | None:
        await step("claim before")
        found = await super().claim(send)
        await step("claim after")
        return found

    async def not_found(self, send: LoggedSend, error: str) -> None:
        await step("not_found before")
        await super().not_found(send, error)
        await step("not_found after")


@dataclass
class Post:
    """The mailbox: drafts and the sent folder, by Message-ID where they have one."""

    server: ScriptedSmtp
    drafts: dict[str, str] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    lane: Lane = field(default_factory=lambda: Lane(8))

    def draft(self) -> str:
        key = uuid.uuid4().hex
        self.drafts[key] = f"<{key}@example.test>"
        return key

    def copies(self, mark: str) -> int:
        """How many messages with this text the server took."""
        return sum(mark.encode() in message.data for message in self.server.messages)

    async def submit(self, message_id: str, mark: str, leaving: Leaving | None) -> None:
        """Over SMTP; from here on as in the adapter."""
        life = present.get()
        await life.step("submit")
        await self.lane.run(partial(self._submit, life, message_id, mark, leaving))
        await life.step("answered")
        self.sent[message_id] = uuid.uuid4().hex
        await life.step("filed")

    def _submit(self, life: Life, message_id: str, mark: str, leaving: Leaving | None) -> None:
        plain = Endpoint(host=self.server.host, port=self.server.port, security=Security.PLAIN)
        grant = ImapGrant(imap=plain, smtp=plain, login="ann", smtp_login="ann", password=self.server.password)
        settings = ProviderSettings(None, allow_private_networks=True)  # type: ignore[arg-type]
        envelope = Envelope("ann@example.test", [TO], 100)
        gone = partial(call_back, leaving) if leaving else None
        try:
            smtp.submit(grant, settings, envelope, _chunks(life, message_id, mark), gone)
        except Uncertain:
            life.step_in_thread("dot")
            raise


def _chunks(life: Life, message_id: str, mark: str) -> Iterator[bytes]:
    yield f"Message-ID: {message_id}\r\n\r\n".encode()
    life.step_in_thread("payload")
    yield f"{mark}\r\n".encode()


class PostDrafts(Drafts):
    """The drafts of a `Post`."""

    def __init__(self, post: Post) -> None:
        self.post = post

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailDraft:
        await step("find")
        if ref.id not in self.post.drafts:
            raise NotFound("no such draft")
        message = EmailMessage(
            id=ref.id, internet_message_id=self.post.drafts[ref.id], to=[EmailAddress(address=TO)], subject="x"
        )
        await step("draft read")
        return EmailDraft(id=ref.id, message=message)

    async def locate(self, message_id: str) -> str | None:
        return next((key for key, known in self.post.drafts.items() if known == message_id), None)

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        if self.post.drafts.pop(ref.id, None) is None:
            raise NotFound("no such draft")

    async def send(self, ref: Ref, message_id: str, leaving: Leaving | None = None) -> Sent:
        if ref.id not in self.post.drafts:
            raise NotFound("no such draft")
        await self.post.submit(message_id, ref.id, leaving)
        self.post.drafts.pop(ref.id, None)
        await step("removed")
        return Sent(message_id, self.post.sent[message_id])


class PostMessages(Messages):
    """The sent folder of a `Post`, and sending without a draft."""

    def __init__(self, post: Post) -> None:
        self.post = post

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailMessage:
        return EmailMessage(id=ref.id)

    async def send(self, outgoing: Outgoing, leaving: Leaving | None = None) -> Sent:
        await self.post.submit(outgoing.message_id, outgoing.email.subject or "", leaving)
        return Sent(outgoing.message_id, self.post.sent[outgoing.message_id])

    async def sent(self, message_id: str) -> Sent | None:
        await step("look before")
        if present.get().blind:
            raise Unavailable("the sent folder cannot be read")
        found = self.post.sent.get(message_id)
        await step("look after")
        return Sent(message_id, found) if found else None


class PostProvider(MemoryProvider):
    """Opens accounts of one `Post`."""

    def __init__(self, settings: ProviderSettings, post: Post) -> None:
        super().__init__(settings)
        self.post = post

    async def open(self, mailbox: Mailbox) -> Session:
        session = Session()
        session.messages, session.drafts = PostMessages(self.post), PostDrafts(self.post)
        return session


#: Faults of the submission server: where, and what it says.
FAULTS = (
    *(("CONNECT", "421 busy"), ("CONNECT", DROP), ("AUTH", "454 4.7.0 later"), ("AUTH", "535 5.7.8 no")),
    *(("MAIL", "451 later"), ("MAIL", DROP), ("RCPT", "450 4.2.0 greylisted"), ("RCPT", DROP)),
    *(("DATA", "452 full"), ("DATA", DROP), (".", "451 4.3.0 later"), (".", DROP), (".", LOSE)),
)
FINAL_FAULTS = (("RCPT", "550 5.1.1 unknown"), (".", "554 5.7.1 spam"), ("MAIL", "550 not you"))
