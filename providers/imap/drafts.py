"""Drafts: messages in the drafts folder, or flagged \\Draft. A replaced draft is a new message, so its id changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from providers.base.collection import Ref
from providers.base.errors import NotFound, ProviderError, Uncertain
from providers.base.lane import blocking
from providers.base.ports import Drafts, Leaving, Messages, MessageView, Outgoing, Sent
from providers.imap import copies, filing, ids, stored_draft
from providers.imap.account import Account, marks
from providers.imap.connection import Connection
from providers.imap.convert import is_chosen
from providers.imap.ids import MessageId
from providers.imap.outbox import Outbox
from providers.imap.roles import Role
from providers.imap.submit import composed, sender_of
from schemas.mail import EmailDraft, SysLabel

T = TypeVar("T")

_FLAGS = ("\\Draft", "\\Seen")
_NO_DRAFT = "there is no draft with this id"


class ImapDrafts(Drafts):
    """The drafts of an account; `messages` reads them."""

    def __init__(self, account: Account, messages: Messages) -> None:
        self.lane = account.lane
        self._account, self._pool, self._mailbox = account, account.pool, account.mailbox
        self._messages = messages
        self._marks = marks(account.mailbox)

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailDraft:
        """See `Drafts.get`."""
        message = await self._messages.get(ref, view)
        if SysLabel.DRAFT not in (message.sys_labels or ()):
            raise NotFound(_NO_DRAFT)
        return EmailDraft(id=message.id, message=message)

    async def create(self, parent: str | None, draft: Outgoing) -> EmailDraft:
        """See `Collection.create`; Bcc and keywords are kept."""
        return await self.get(Ref(await self._create(draft)))

    async def update(self, ref: Ref, patch: Outgoing, etag: str | None = None) -> EmailDraft:
        """Replace a draft; the new one has another id. There are no versions: a draft that was replaced is gone."""
        return await self.get(Ref(await self._replace(ref, patch)))

    @blocking
    def delete(self, ref: Ref, etag: str | None = None) -> None:
        """Remove a draft for good, past the trash."""
        self._at(ref, self._delete)

    @blocking
    def send(self, ref: Ref, message_id: str, leaving: Leaving | None = None) -> Sent:
        """See `Drafts.send`. The draft is removed only after the server took the message."""
        return self._at(ref, partial(self._send, message_id=message_id, leaving=leaving))

    @blocking
    def locate(self, message_id: str) -> str | None:
        """See `Drafts.locate`; drafts outside the drafts folder are not found."""
        return self._pool.read(partial(self._locate, message_id=message_id))

    @blocking
    def _create(self, draft: Outgoing) -> str:
        with self._pool.borrow() as connection:
            return str(self._append(connection, draft))

    @blocking
    def _replace(self, ref: Ref, draft: Outgoing) -> str:
        return str(self._at(ref, partial(self._replaced, draft=draft)))

    def _at(self, ref: Ref, job: Callable[[MessageId], T]) -> T:
        return self._account.at(ids.message_id(ref.id), job)

    def _delete(self, place: MessageId) -> None:
        with self._pool.borrow(place.folder) as connection:
            self._open(connection, place)
            filing.remove(connection, place.uid)

    def _replaced(self, place: MessageId, draft: Outgoing) -> MessageId:
        """The new one is there before the old one goes: nothing is lost when the connection breaks in between."""
        with self._pool.borrow(place.folder) as connection:
            self._open(connection, place)
            made = self._append(connection, draft)
            self._remove(connection, place)
        return made

    def _send(self, place: MessageId, message_id: str, leaving: Leaving | None) -> Sent:
        with self._pool.borrow(place.folder) as connection:
            flags = self._open(connection, place)
            source = stored_draft.read(connection, place.uid)
        draft = stored_draft.StoredDraft(source, message_id, sender_of(self._mailbox), datetime.now(UTC))
        keywords = [flag for flag in sorted(flags) if is_chosen(flag)]
        return self._discarded(place, Outbox(self._account).deliver(draft.parcel(keywords), leaving))

    def _append(self, connection: Connection, draft: Outgoing) -> MessageId:
        target = copies.folder(connection, Role.DRAFTS, self._marks)
        keywords = draft.email.keywords or []
        if keywords:
            filing.keyword_changes(keywords, frozenset(), connection.select(target))
        made = composed(draft, self._mailbox, bcc=True)
        flags = [*_FLAGS, *keywords]
        place = copies.append(connection, target, flags, made.size, made.chunks(), draft.message_id)
        if place is None:
            raise Uncertain("the draft was stored, but the server does not say where: look for it in the drafts folder")
        return place

    def _locate(self, connection: Connection, message_id: str) -> str | None:
        target = copies.existing(connection, Role.DRAFTS, self._marks)
        place = filing.locate(connection, target, message_id) if target else None
        return str(place) if place else None

    def _open(self, connection: Connection, place: MessageId) -> frozenset[str]:
        """Select the draft's folder; its flags. Raises `NotFound` for what is no draft."""
        _, flags = filing.open_message(connection, place)
        if "\\Draft" in flags or copies.existing(connection, Role.DRAFTS, self._marks) == place.folder:
            return flags
        raise NotFound(_NO_DRAFT)

    def _discarded(self, place: MessageId, sent: Sent) -> Sent:
        """The draft gone; that it stayed is worth a note, and no reason to send again."""
        try:
            with self._pool.borrow(place.folder) as connection:
                self._remove(connection, place)
        except ProviderError as error:
            note = f"the draft was sent, but could not be removed: {error.message}"
            return replace(sent, notes=(*sent.notes, note))
        return sent

    def _remove(self, connection: Connection, place: MessageId) -> None:
        connection.select(place.folder, uidvalidity=place.uidvalidity)
        filing.remove(connection, place.uid)
