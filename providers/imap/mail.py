"""The mail of an account (port Messages); sending is in `submit`."""

from collections.abc import Iterable, Sequence
from functools import partial

from providers.base.collection import Delta, Page, PageRequest, Ref
from providers.base.errors import NotFound
from providers.base.lane import blocking
from providers.base.ports import Content, MessageQuery, Messages, MessageView
from providers.base.search import names_folder
from providers.formats.part import Part
from providers.imap import changes, changing, content, cursor, ids, pages, single
from providers.imap.account import Account
from providers.imap.content import Piece
from providers.imap.ids import MessageId
from providers.imap.snapshot import Position, Snapshot
from providers.imap.submit import Submission
from schemas.mail import EmailMessage, UpdateMessageStatusData

_PATIENCE = 0.3  # seconds that a list waits for conversations that are not worked out yet
_REQUIRED_PATIENCE = 5.0  # seconds that a caller waits who cannot do without


class ImapMessages(Submission, Messages):
    """Messages of all folders; lists are newest first by time of receipt (INTERNALDATE)."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.lane, self.pool, self.mailbox = account.lane, account.pool, account.mailbox
        self.grant, self.settings = account.grant, account.settings

    async def find(self, parent: str | None, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        """See `Collection.find`."""
        await self._threads(query.view)
        return await self.lane.run(partial(self._find, parent, query, page))

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailMessage:
        """See `Messages.get`."""
        place = ids.message_id(ref.id)
        await self._threads(view)
        return await self.lane.run(partial(self._get, place, view))

    @blocking
    def get_many(self, parent: str | None, ids: Sequence[str], view: MessageView = MessageView()) -> list[EmailMessage]:
        """Records as lists have them, without bodies."""
        return self._get_many(ids, view)

    @blocking
    def update(self, ref: Ref, patch: UpdateMessageStatusData, etag: str | None = None) -> EmailMessage:
        """See `Collection.update`; a message that was moved has a new id."""
        old = ids.message_id(ref.id)
        before = self._get_many([ref.id]) if patch.archived is not None else []
        place = self.account.at(old, partial(changing.update, self.account, patch=patch))
        if place is None and before:
            return before[0]  # moved, but nobody can tell where to
        return self._record(place or old)

    @blocking
    def delete(self, ref: Ref, etag: str | None = None) -> None:
        """Into the trash; out of the trash for good."""
        self.account.at(ids.message_id(ref.id), partial(changing.delete, self.account))

    @blocking
    def changes(self, parent: str | None, cursor: str | None, query: MessageQuery) -> Delta:
        """See `Collection.changes`; a move is a removal and a new message of the same kin."""
        return changes.delta(self.account, parent, cursor, query.received_since, self.changes_at_once)

    async def source(self, ref: Ref) -> Content:
        """See `Messages.source`."""
        place, piece = await self.lane.run(partial(self._first_piece, ids.message_id(ref.id)))
        chunks = content.stream(self.lane, self.pool, place, b"", piece.data)
        return Content(chunks, "message/rfc822", size=piece.message_size)

    async def attachment(self, ref: Ref, attachment_id: str) -> Content:
        """See `Messages.attachment`."""
        job = partial(self._first_of_attachment, ids.message_id(ref.id), attachment_id)
        place, part, first = await self.lane.run(job)
        if isinstance(first, bytes):  # cut out of the source and decoded
            return Content(content.single(first), part.mime_type, part.name, len(first))
        chunks = content.stream(self.lane, self.pool, place, part.section.encode(), first.data)
        return Content(content.decoded(chunks, part.encoding), part.mime_type, part.name, part.decoded_size)

    async def conversation(self, thread_id: str, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        """See `Messages.conversation`."""
        await self.account.threads.require(_REQUIRED_PATIENCE)
        return await self.lane.run(partial(self._conversation, thread_id, query, page))

    async def _threads(self, view: MessageView) -> None:
        if view.require_thread_id:
            await self.account.threads.require(_REQUIRED_PATIENCE)
        else:
            await self.account.threads.ready(_PATIENCE)

    def _find(self, parent: str | None, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        before = cursor.decode(page.cursor)
        only = ids.folder_name(parent) if parent is not None else None
        snapshot = self.account.refresh(only)
        mailboxes = [only] if only is not None else _mailboxes(snapshot, query)
        if query.search is None:
            return pages.page(self.account, snapshot, snapshot.newest(mailboxes, before), query.view, page)
        matches = self.account.finder.find(snapshot, mailboxes, query.search, before)
        found = pages.page(self.account, snapshot, matches, query.view, page)
        if found.cursor is None and matches.stopped_at is not None:
            return Page(found.records, cursor.encode(matches.stopped_at))
        return found

    def _get(self, place: MessageId, view: MessageView) -> EmailMessage:
        self.account.snapshot()
        found = self.account.at(place, partial(single.read, self.account, view=view))
        if found.thread_id is None and self.account.threads.complete:  # it came after the last list
            self.account.refresh()
            return single.threaded(self.account, found)
        return found

    def _get_many(self, wanted: Iterable[str], view: MessageView = MessageView()) -> list[EmailMessage]:
        snapshot = self.account.refresh()
        positions = [position for item in wanted if (position := _position(snapshot, item)) is not None]
        found = pages.present(self.account, snapshot, positions, view)
        return pages.records(self.account, snapshot, found, view)

    def _record(self, place: MessageId) -> EmailMessage:
        found = self._get_many([str(place)])
        if not found:
            raise NotFound("the message went away in the meantime")
        return found[0]

    def _first_piece(self, place: MessageId) -> tuple[MessageId, Piece]:
        def first(found: MessageId) -> tuple[MessageId, Piece]:
            job = partial(content.piece, place=found, section=b"", offset=0)
            return found, self.pool.read(job, found.folder)

        return self.account.at(place, first)

    def _first_of_attachment(self, place: MessageId, section: str) -> tuple[MessageId, Part, Piece | bytes]:
        def first(found: MessageId) -> tuple[MessageId, Part, Piece | bytes]:
            job = partial(single.attachment, self.account, place=found, section=section)
            return found, *self.pool.read(job, found.folder)

        return self.account.at(place, first)

    def _conversation(self, thread_id: str, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        after = cursor.decode(page.cursor)
        snapshot = self.account.refresh()
        apart = query.include_trash_and_junk
        members = self.account.threads.members(snapshot, thread_id, trash_and_junk=apart)
        later = [position for position in members if after is None or position > after]
        found = pages.page(self.account, snapshot, later, query.view, page)
        if not found.records and after is None:
            raise NotFound(f"there is no conversation with the id {thread_id[:80]!r}")
        return found


def _mailboxes(snapshot: Snapshot, query: MessageQuery) -> list[str]:
    return snapshot.mailboxes(trash_and_junk=query.include_trash_and_junk or names_folder(query.search))


def _position(snapshot: Snapshot, message_id: str) -> Position | None:
    """Where a message lies in the snapshot; None when it is gone, or the id was never one."""
    try:
        place = ids.message_id(message_id)
    except NotFound:
        return None
    contents = snapshot.contents.get(place.folder)
    if contents is None or contents.uidvalidity != place.uidvalidity:
        return None
    received = contents.time(place.uid)
    return None if received is None else Position(received, place.folder, place.uid)
