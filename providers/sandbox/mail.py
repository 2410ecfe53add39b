"""The Messages port."""

import json
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

from providers.base.collection import Delta, Page, PageRequest, Ref
from providers.base.errors import Invalid, NotFound
from providers.base.lane import blocking
from providers.base.match import matches
from providers.base.ports import Content, Leaving, MessageQuery, Messages, MessageView, Outgoing, Sent
from providers.base.search import names_folder
from providers.formats.body import plan
from providers.formats.compose import compose
from providers.formats.source import Source
from providers.sandbox import changes, convert, delivery
from providers.sandbox.box import Box, Letter, Role, Stored
from providers.sandbox.port import Port
from schemas.mail import EmailAddress, EmailMessage, UpdateMessageStatusData

_CHUNK = 256 * 1024  # octets
_CURSOR = re.compile(r"(-?\d{1,17})\.(\d{1,17})\Z", re.ASCII)
_MAX_KEYWORD = 100  # characters


class SandboxMessages(Port, Messages):
    """Lists are in the order of receipt; a cursor is a position there: neither arrivals nor deletions shift pages."""

    @blocking
    def find(self, parent: str | None, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        position = _position(page)
        with self.reading() as box:
            folders = _scope(box, parent, query)
            return _page(box, box.newest(folders, position), query, page)

    @blocking
    def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailMessage:
        with self.reading() as box:
            stored = box.message(ref.id)
            return convert.whole(stored, box.folder(stored.folder), view)

    @blocking
    def get_many(self, parent: str | None, ids: Sequence[str], view: MessageView = MessageView()) -> list[EmailMessage]:
        with self.reading() as box:
            folders = box.folders()
            found = box.messages(ids)
            return [convert.listed(found[item], folders[found[item].folder], view) for item in ids if item in found]

    @blocking
    def update(self, ref: Ref, patch: UpdateMessageStatusData, etag: str | None = None) -> EmailMessage:
        with self.writing() as box:
            stored = box.message(ref.id)
            if patch.unread is not None:
                stored = box.change(ref.id, seen=not patch.unread)
            if patch.keywords is not None:
                stored = box.change(ref.id, keywords=json.dumps(_checked(patch.keywords)))
            if patch.archived is not None:
                stored = _archive(box, stored, patch.archived)
            return convert.listed(stored, box.folder(stored.folder), MessageView())

    @blocking
    def delete(self, ref: Ref, etag: str | None = None) -> None:
        with self.writing() as box:
            stored, trash = box.message(ref.id), box.folder_for(Role.TRASH)
            if stored.folder == trash:
                box.remove(ref.id)
            else:
                box.change(ref.id, folder=trash)

    @blocking
    def changes(self, parent: str | None, cursor: str | None, query: MessageQuery) -> Delta:
        with self.reading() as box:
            return changes.delta(box, parent, cursor, query.received_since, self.changes_at_once)

    @blocking
    def source(self, ref: Ref) -> Content:
        with self.reading() as box:
            data = box.message(ref.id).source
        return Content(pieces(data), "message/rfc822", size=len(data))

    @blocking
    def attachment(self, ref: Ref, attachment_id: str) -> Content:
        with self.reading() as box:
            source = Source(box.message(ref.id).source)
        for part in plan(source.root).attachments:
            if part.section == attachment_id:
                data = source.content(attachment_id)
                return Content(pieces(data), part.mime_type, part.name, len(data))
        raise NotFound(f"the message has no attachment {attachment_id[:80]!r}")

    @blocking
    def conversation(self, thread_id: str, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        position = _position(page)
        with self.reading() as box:
            if next(box.conversation(thread_id, None), None) is None:
                raise NotFound(f"there is no conversation {thread_id[:80]!r}")
            folders = _scope(box, None, query)
            members = (stored for stored in box.conversation(thread_id, position) if stored.folder in folders)
            return _page(box, members, query, page)

    @blocking
    def send(self, outgoing: Outgoing, leaving: Leaving | None = None) -> Sent:
        sender = EmailAddress(name=self.mailbox.name, address=self.mailbox.email)
        wire, kept = (compose(outgoing, sender, bcc=bcc) for bcc in (False, True))
        letter = Letter(
            b"".join(kept.chunks()), datetime.now(UTC), seen=True, keywords=tuple(outgoing.email.keywords or ())
        )
        with self.writing() as box:
            refused = delivery.post(box.db, kept.recipients, b"".join(wire.chunks()), letter.received, leaving)
            copy = box.add(box.folder_for(Role.SENT), letter)
            if outgoing.answers:
                box.mark_answered(outgoing.answers.id)
        return Sent(outgoing.message_id, copy.id, copy.thread, refused)

    @blocking
    def sent(self, message_id: str) -> Sent | None:
        with self.reading() as box:
            found = box.by_message_id(message_id, box.folder_for(Role.SENT))
        return Sent(message_id, found.id, found.thread) if found else None


def _position(page: PageRequest) -> tuple[int, int] | None:
    if page.cursor is None:
        return None
    match = _CURSOR.match(page.cursor)
    if not match:
        raise Invalid("the page token is invalid: it names no position in a list", path="pageToken")
    return int(match[1]), int(match[2])


def _scope(box: Box, parent: str | None, query: MessageQuery) -> list[str]:
    """The ids of the folders to look in."""
    if parent is not None:
        return [box.folder(parent).id]
    return list(box.folders()) if query.include_trash_and_junk or names_folder(query.search) else box.visible()


def _page(box: Box, candidates: Iterable[Stored], query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
    folders, search = box.folders(), query.search
    found = (
        stored
        for stored in candidates
        if search is None or matches(search, convert.facts(stored, folders[stored.folder]))
    )
    first = list(islice(found, page.limit))
    more = bool(first) and next(iter(found), None) is not None
    records = [convert.listed(stored, folders[stored.folder], query.view) for stored in first]
    return Page(records, "{}.{}".format(*first[-1].position) if more else None)


def _archive(box: Box, stored: Stored, archived: bool) -> Stored:
    """Move into the archive, or out of it into the inbox; what lies elsewhere is not archived anyway."""
    archive = box.folder_for(Role.ARCHIVE)
    if archived == (stored.folder == archive):
        return stored
    return box.change(stored.id, folder=archive if archived else box.folder_for(Role.INBOX))


def _checked(keywords: list[str]) -> list[str]:
    for number, keyword in enumerate(keywords):
        if not keyword.strip() or not keyword.isprintable() or len(keyword) > _MAX_KEYWORD:
            raise Invalid(f"a keyword has 1 to {_MAX_KEYWORD} printable characters", path=f"keywords.{number}")
    return list(dict.fromkeys(keywords))


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    """Bytes as `Content` has them."""
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]
