"""The Messages port."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from providers.base.collection import Delta, Page, PageRequest, Ref
from providers.base.errors import Invalid, NotFound
from providers.base.ports import Content, Leaving, MessageQuery, Messages, MessageView, Outgoing, Sent
from providers.base.search import names_folder
from providers.formats.source import Source
from providers.google import payload, sending
from providers.google.account import Account, checked
from providers.google.convert import received
from providers.google.keywords import Keywords
from providers.google.labels import HIDDEN, PLACES
from providers.google.mail_changes import MailChanges, Scope
from providers.google.message_ids import by_message_id
from providers.google.requests import ME
from providers.google.search import NOTHING
from providers.google.search import query as search_text
from schemas.mail import EmailMessage, UpdateMessageStatusData

_PAGE = 500
_CHUNK = 256 * 1024  # octets


class GoogleMessages(Messages):
    """Lists are in Gmail's order, the newest first; a cursor is Gmail's page token."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._changes = MailChanges(account)

    async def find(self, parent: str | None, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        labels = await (self._account.labels() if parent is None else self._account.folder(parent))
        text = search_text(query.search, labels)
        if text is NOTHING:
            return Page([])
        hidden = query.include_trash_and_junk or names_folder(query.search) or parent is not None
        asked: dict[str, Any] = {"includeSpamTrash": hidden, "maxResults": min(page.limit, _PAGE)}
        given = {"q": text, "pageToken": page.cursor, "labelIds": [parent] if parent is not None else None}
        asked |= {name: value for name, value in given.items() if value}
        try:
            answer = await self._account.client.call(self._account.apis.messages.list(userId=ME, **asked))
        except Invalid as error:
            path = "pageToken" if page.cursor else "q"
            raise Invalid(error.message, path=error.path or path, original=error.original) from None
        raws = await self._account.gathered([str(one["id"]) for one in answer.get("messages", ())])
        return Page(await self._account.listed(raws, query.view), answer.get("nextPageToken"))

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailMessage:
        return await self._account.whole(await self._account.raw(ref.id), view)

    async def get_many(
        self, parent: str | None, ids: Sequence[str], view: MessageView = MessageView()
    ) -> list[EmailMessage]:
        return await self._account.listed(await self._account.gathered(ids), view)

    async def update(self, ref: Ref, patch: UpdateMessageStatusData, etag: str | None = None) -> EmailMessage:
        keywords = await Keywords(self._account).ids(patch.keywords) if patch.keywords is not None else None
        raw = await self._account.raw(ref.id)
        before = set(raw.get("labelIds", ()))
        after = _archive(before, patch.archived, self._account.mailbox.marks.get("archive"))
        after = after if patch.unread is None else after - {"UNREAD"} | ({"UNREAD"} if patch.unread else set())
        if keywords is not None:
            labels = await self._account.labels(before)
            after = after - labels.user.keys() | set(keywords)
        if after != before:
            body = {"addLabelIds": sorted(after - before), "removeLabelIds": sorted(before - after)}
            request = self._account.apis.messages.modify(userId=ME, id=ref.id, body=body)
            raw = {**raw, "labelIds": (await self._account.client.call(request)).get("labelIds", [])}
        return (await self._account.listed([raw], MessageView()))[0]

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        raw = await self._account.raw(ref.id, "minimal")
        verb = (
            self._account.apis.messages.delete
            if "TRASH" in raw.get("labelIds", ())
            else self._account.apis.messages.trash
        )
        await self._account.client.call(verb(userId=ME, id=ref.id))

    async def changes(self, parent: str | None, cursor: str | None, query: MessageQuery) -> Delta:
        return await self._changes.delta(Scope(parent, query.received_since), cursor, self.changes_at_once)

    async def source(self, ref: Ref) -> Content:
        octets = payload.decode((await self._account.raw(ref.id, "raw")).get("raw", ""))
        return Content(pieces(octets), "message/rfc822", size=len(octets))

    async def attachment(self, ref: Ref, attachment_id: str) -> Content:
        read = payload.read((await self._account.raw(ref.id)).get("payload", {}))
        for part in read.plan.attachments:
            if part.section == attachment_id:
                octets = await self._octets(ref.id, read, attachment_id)
                return Content(pieces(octets), part.mime_type, part.name, len(octets))
        raise NotFound(f"the message has no attachment {attachment_id[:80]!r}")

    async def conversation(self, thread_id: str, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        request = self._account.apis.threads.get(userId=ME, id=checked(thread_id, "conversation"), format="full")
        raws = (await self._account.client.call(request)).get("messages", [])
        if not (query.include_trash_and_junk or names_folder(query.search)):
            raws = [raw for raw in raws if not HIDDEN & set(raw.get("labelIds", ()))]
        raws.sort(key=lambda raw: (received(raw), str(raw["id"])))
        ids = [str(raw["id"]) for raw in raws]
        if page.cursor is not None and page.cursor not in ids:
            raise Invalid("the page token is invalid: it names no message of the conversation", path="pageToken")
        start = ids.index(page.cursor) + 1 if page.cursor else 0
        shown, more = raws[start : start + page.limit], len(raws) > start + page.limit
        records = await self._account.listed(shown, query.view)
        return Page(records, records[-1].id if more else None)

    async def send(self, outgoing: Outgoing, leaving: Leaving | None = None) -> Sent:
        return await sending.submit(self._account, outgoing, leaving)

    async def sent(self, message_id: str) -> Sent | None:
        if (text := by_message_id(message_id)) is None:
            return None
        request = self._account.apis.messages.list(userId=ME, q=text, labelIds=["SENT"], includeSpamTrash=True)
        found = (await self._account.client.call(request)).get("messages", ())
        return Sent(message_id, found[0]["id"], found[0]["threadId"]) if found else None

    async def _octets(self, item: str, read: payload.Payload, section: str) -> bytes:
        """An attachment; once more with a new token where Gmail does not take the one just given, and out of the
        source where it has none."""
        if section in read.data or section in read.tokens:
            try:
                return await self._account.content(item, read, section)
            except (Invalid, NotFound):
                again = payload.read((await self._account.raw(item)).get("payload", {}))
                return await self._account.content(item, again, section)
        source = Source(payload.decode((await self._account.raw(item, "raw")).get("raw", "")))
        try:
            return source.content(".".join(str(int(number) + 1) for number in section.split(".")))
        except KeyError:
            raise NotFound("the attachment has no content") from None


def _archive(labels: set[str], archived: bool | None, mark: str | None) -> set[str]:
    """Archived is what lies in no place; the owner's mark goes with it."""
    marked = {mark} if mark else set()
    if archived:
        return labels - {"INBOX", *HIDDEN} | marked
    if archived is False and not labels & set(PLACES):
        return labels - marked | {"INBOX"}
    return labels


async def pieces(octets: bytes) -> AsyncIterator[bytes]:
    """Bytes as `Content` has them."""
    for start in range(0, len(octets), _CHUNK):
        yield octets[start : start + _CHUNK]
