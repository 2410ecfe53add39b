"""Drafts: messages in the drafts folder, or flagged \\Draft. A replaced draft is a new message, so its id changes."""

from dataclasses import replace
from datetime import UTC, datetime

from providers.base.collection import Ref
from providers.base.errors import Invalid, NotFound, ProviderError
from providers.base.lane import Lane, blocking
from providers.base.ports import Drafts, Messages, MessageView, Outgoing, Sent
from providers.base.provider import Mailbox, ProviderSettings
from providers.formats.compose import compose
from providers.imap import copies, filing, ids, stored_draft
from providers.imap.connection import Connection
from providers.imap.convert import is_chosen
from providers.imap.grant import ImapGrant
from providers.imap.ids import MessageId
from providers.imap.outbox import Outbox
from providers.imap.pool import Pool
from providers.imap.roles import Role
from providers.imap.submit import sender_of
from schemas.mail import EmailDraft, SysLabel

_MARKS = ("\\Draft", "\\Seen")


class ImapDrafts(Drafts):
    """The drafts of an account; `messages` reads them."""

    def __init__(
        self,
        lane: Lane,
        pool: Pool,
        mailbox: Mailbox,
        grant: ImapGrant,
        settings: ProviderSettings,
        messages: Messages,
    ) -> None:
        self.lane, self.pool, self.mailbox, self.grant, self.settings = lane, pool, mailbox, grant, settings
        self._messages = messages
        self._marks = copies.marks(mailbox.marks)

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailDraft:
        """See `Drafts.get`."""
        message = await self._messages.get(ref, view)
        if SysLabel.DRAFT not in (message.sys_labels or ()):
            raise _no_draft(ref)
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
        place = ids.message_id(ref.id)
        with self.pool.borrow(place.folder) as connection:
            self._open(connection, place, ref)
            filing.remove(connection, place.uid)

    @blocking
    def send(self, ref: Ref, message_id: str) -> Sent:
        """See `Drafts.send`. The draft is removed only after the server took the message."""
        place = ids.message_id(ref.id)
        with self.pool.borrow(place.folder) as connection:
            flags = self._open(connection, place, ref)
            source = stored_draft.read(connection, place.uid)
        draft = stored_draft.StoredDraft(source, message_id, sender_of(self.mailbox), datetime.now(UTC))
        if not draft.recipients:
            raise Invalid("the draft has no recipients", path="to")
        keywords = [flag for flag in sorted(flags) if is_chosen(flag)]
        sent = Outbox(self.pool, self.mailbox, self.grant, self.settings).deliver(draft.parcel(keywords))
        return self._discarded(place, sent)

    @blocking
    def _create(self, draft: Outgoing) -> str:
        with self.pool.borrow() as connection:
            return str(self._append(connection, draft))

    @blocking
    def _replace(self, ref: Ref, draft: Outgoing) -> str:
        """The new one is there before the old one goes: nothing is lost when the connection breaks in between."""
        place = ids.message_id(ref.id)
        with self.pool.borrow(place.folder) as connection:
            self._open(connection, place, ref)
            made = self._append(connection, draft)
            connection.select(place.folder, uidvalidity=place.uidvalidity)
            filing.remove(connection, place.uid)
        return str(made)

    def _append(self, connection: Connection, draft: Outgoing) -> MessageId:
        target = copies.folder(connection, Role.DRAFTS, self._marks)
        keywords = draft.email.keywords or []
        if keywords:
            filing.keyword_changes(keywords, frozenset(), connection.select(target))
        composed = compose(draft, sender_of(self.mailbox), bcc=True)
        flags = [*_MARKS, *keywords]
        made = copies.append(connection, target, flags, composed.size, composed.chunks(), draft.message_id)
        if made is None:
            raise NotFound("the draft was stored, but the server does not say where")
        return made

    def _open(self, connection: Connection, place: MessageId, ref: Ref) -> frozenset[str]:
        """Select the draft's folder; its flags. Raises `NotFound` for what is no draft."""
        _, flags = filing.open_message(connection, place)
        if "\\Draft" in flags or copies.existing(connection, Role.DRAFTS, self._marks) == place.folder:
            return flags
        raise _no_draft(ref)

    def _discarded(self, place: MessageId, sent: Sent) -> Sent:
        """The draft gone; that it stayed is worth a note, and no reason to send again."""
        try:
            with self.pool.borrow(place.folder) as connection:
                connection.select(place.folder, uidvalidity=place.uidvalidity)
                filing.remove(connection, place.uid)
        except ProviderError as error:
            note = f"the draft was sent, but could not be removed: {error.message}"
            return replace(sent, notes=(*sent.notes, note))
        return sent


def _no_draft(ref: Ref) -> NotFound:
    return NotFound(f"there is no draft with the id {ref.id[:80]!r}")
