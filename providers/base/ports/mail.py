"""Messages, drafts and folders."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from providers.base.collection import Collection, Page, PageRequest, Ref, optional, unsupported
from providers.base.errors import NotFound
from providers.base.ports.content import Content
from providers.base.search import Search
from schemas.mail import (
    BodyType,
    EmailDraft,
    EmailFolderInfo,
    EmailMessage,
    UpdateMessageStatusData,
    WellKnownFoldersOut,
)
from schemas.outgoing import EmailFolderCreate, OutgoingEmail

#: Awaited once, after all that can be checked was checked and before the first octet by which the message could leave.
#: When it raises, nothing must leave, and what it raised is raised on.
Leaving = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MessageView:
    """How much of a message to load, and in which rendering (the contract's query parameters)."""

    body_type: BodyType | None = None
    native_properties: tuple[str, ...] = ()
    load_inlines: bool = False
    strip_quoted: bool = False
    require_thread_id: bool = False


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """Which messages of a list; without `search` all of them, newest first."""

    search: Search | None = None
    include_trash_and_junk: bool = False
    view: MessageView = MessageView()
    received_since: datetime | None = None  # `changes` only: older messages are left out


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to be composed; `message_id` (with angle brackets) was fixed before the first try.

    `answers` is the message it replies to, `thread_id` the conversation it belongs to, where there is one.
    """

    email: OutgoingEmail
    message_id: str
    date: datetime
    body_type: BodyType = BodyType.HTML
    answers: Ref | None = None
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known of a message that left; `refused` has the recipients that the server did not take, and why.

    `notes` say, for people, which step after the submission failed (such as the copy in the sent folder).
    """

    message_id: str
    id: str | None = None
    thread_id: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Messages(Collection[EmailMessage, OutgoingEmail, UpdateMessageStatusData, MessageQuery]):
    """The mail of an account; the parent is a folder id.

    `changes` without a parent covers every folder, trash and junk too. With `received_since`, removals are told of
    every message that was ever told; a message that only ages is none.
    """

    changes_at_once: int = 2000  # changes and removals in one `Delta`

    @optional
    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailMessage:
        """One message, as much of it as `view` asks for. Raises `Pending` while a required thread id is unknown."""
        raise unsupported(self, "get")

    async def get_many(
        self, parent: str | None, ids: Sequence[str], view: MessageView = MessageView()
    ) -> list[EmailMessage]:
        """The messages that still exist among `ids`, in that order, as lists show them."""
        found = await asyncio.gather(*(self._get_or_none(Ref(item, parent), view) for item in ids))
        return [item for item in found if item is not None]

    async def _get_or_none(self, ref: Ref, view: MessageView = MessageView()) -> EmailMessage | None:
        try:
            return await self.get(ref, view)
        except NotFound:
            return None

    @optional
    async def source(self, ref: Ref) -> Content:
        """The RFC 5322 source as the server stores it. Raises `NotFound` before the first chunk."""
        raise unsupported(self, "source")

    @optional
    async def attachment(self, ref: Ref, attachment_id: str) -> Content:
        """One attachment, decoded. Raises `NotFound` before the first chunk."""
        raise unsupported(self, "attachment")

    @optional
    async def conversation(self, thread_id: str, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        """The messages of a thread, oldest first, over all folders. Raises `NotFound`, `Pending`."""
        raise unsupported(self, "conversation")

    @optional
    async def send(self, outgoing: Outgoing, leaving: Leaving | None = None) -> Sent:
        """Submit once and file the copy in the sent folder; `leaving` is the point of no return. Raises `Uncertain`
        when the answer was lost after the bytes went out; any other error means that nothing left."""
        raise unsupported(self, "send")

    @optional
    async def sent(self, message_id: str) -> Sent | None:
        """Find a sent message by its Message-ID (with brackets); None when the sent folder does not have it."""
        raise unsupported(self, "sent")


class Drafts(Collection[EmailDraft, Outgoing, Outgoing, None]):
    """Unsent messages. A replaced draft may get a new id."""

    @optional
    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailDraft:
        """One draft with its message. Raises `NotFound`, also for a message that is no draft."""
        raise unsupported(self, "get")

    @optional
    async def send(self, ref: Ref, message_id: str, leaving: Leaving | None = None) -> Sent:
        """Submit a draft as it is stored and take it out of the drafts; `message_id` is its Message-ID, or the one to
        give it when it has none. `leaving` and errors as in `Messages.send`."""
        raise unsupported(self, "send")

    @optional
    async def locate(self, message_id: str) -> str | None:
        """The id of the draft with this Message-ID (with brackets), the newest if there are several: so a draft is
        found again that another program replaced."""
        raise unsupported(self, "locate")


class Folders(Collection[EmailFolderInfo, EmailFolderCreate, None, None]):
    """Folders and labels."""

    @optional
    async def well_known(self) -> WellKnownFoldersOut:
        """The folders used for archiving and for sent mail: the account's own marks, else what the server says."""
        raise unsupported(self, "well_known")
