"""The Drafts port. A draft has an id that stays, and at any time a message, whose id each change replaces.

Clients that found a draft in a list or a sync know the message's id only, so both lead to it.
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from providers.base.collection import Ref
from providers.base.errors import NotFound
from providers.base.ports import Drafts, Leaving, MessageView, Outgoing, Sent
from providers.formats.headers import Headers
from providers.google import payload, sending
from providers.google.account import Account, checked
from providers.google.keywords import Keywords
from providers.google.message_ids import by_message_id
from providers.google.requests import ME
from schemas.mail import EmailDraft

_PAGE = 500


class GoogleDrafts(Drafts):
    """Ids are those of drafts, also where a message's id was asked for."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailDraft:
        draft = await self._read(ref.id, "full")
        return EmailDraft(id=draft["id"], message=await self._account.whole(draft["message"], view))

    async def create(self, parent: str | None, draft: Outgoing) -> EmailDraft:
        return await self._store(self._account.apis.drafts.create, draft)

    async def update(self, ref: Ref, patch: Outgoing, etag: str | None = None) -> EmailDraft:
        found = (await self._read(ref.id, "minimal"))["id"]
        return await self._store(self._account.apis.drafts.update, patch, id=found)

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        found = (await self._read(ref.id, "minimal"))["id"]
        await self._account.client.call(self._account.apis.drafts.delete(userId=ME, id=found))

    async def send(self, ref: Ref, message_id: str, leaving: Leaving | None = None) -> Sent:
        draft = await self._read(ref.id, "raw")
        source = payload.decode(draft["message"].get("raw", ""))
        headers = Headers.parse(source)
        if headers.message_id is None or headers.raw("date") is None:
            await self._complete(draft, source, message_id, headers)
        if leaving is not None:
            await leaving()
        request = self._account.apis.drafts.send(userId=ME, body={"id": draft["id"]})
        answer = await sending.leave(self._account.client.call(request))
        return await sending.labelled(self._account, answer, headers.message_id or message_id, [])

    async def locate(self, message_id: str) -> str | None:
        if (text := by_message_id(message_id)) is None:
            return None
        answer = await self._account.client.call(self._account.apis.drafts.list(userId=ME, q=text))
        drafts = sorted(answer.get("drafts", ()), key=lambda one: int(one["message"]["id"], 16))
        return str(drafts[-1]["id"]) if drafts else None

    async def _store(self, method: Any, outgoing: Outgoing, **where: str) -> EmailDraft:
        source = sending.source_of(self._account, outgoing)
        thread = await sending.thread_of(self._account, outgoing)
        add = await Keywords(self._account).ids(outgoing.email.keywords or ())
        message = {"threadId": thread} if thread else {}
        stored = await sending.hand_over(self._account, method, {"message": message}, message, source, **where)
        await sending.labelled(self._account, stored["message"], outgoing.message_id, add)
        return await self.get(Ref(stored["id"]))

    async def _complete(self, draft: dict[str, Any], source: bytes, message_id: str, headers: Headers) -> None:
        """Give a draft of another program what a message has to have."""
        given = b"" if headers.message_id else f"Message-ID: {message_id}\r\n".encode()
        dated = b"" if headers.raw("date") else f"Date: {format_datetime(datetime.now(UTC))}\r\n".encode()
        message = {"threadId": draft["message"]["threadId"]}
        method = self._account.apis.drafts.update
        whole = given + dated + source
        await sending.hand_over(self._account, method, {"message": message}, message, whole, id=draft["id"])

    async def _read(self, item: str, form: str) -> dict[str, Any]:
        """The draft with this id, or of the message with this id. Raises `NotFound`."""
        request = self._account.apis.drafts.get(userId=ME, id=checked(item, "draft"), format=form)
        found: dict[str, Any] | None = await self._account.client.found(request)
        if found is None:
            request = self._account.apis.drafts.get(userId=ME, id=await self._of_message(item), format=form)
            found = await self._account.client.call(request)
            assert found is not None
        return found

    async def _of_message(self, item: str) -> str:
        raw = await self._account.raw(item, "minimal")
        token = "" if "DRAFT" in raw.get("labelIds", ()) else None
        while token is not None:
            page = {"pageToken": token} if token else {}
            answer = await self._account.client.call(
                self._account.apis.drafts.list(userId=ME, includeSpamTrash=True, maxResults=_PAGE, **page)
            )
            for draft in answer.get("drafts", ()):
                if draft["message"]["id"] == item:
                    return str(draft["id"])
            token = answer.get("nextPageToken")
        raise NotFound(f"message {item[:80]!r} is no draft")
