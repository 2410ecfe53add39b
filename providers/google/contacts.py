"""The Contacts port: the account's own contacts (People API), without "other contacts" and without profile data.

Changes of one account go one after the other, as Google wants it. What was written may take minutes to show in
`changes`: what a write returns is the truth.
"""

import asyncio
import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from providers.base.collection import Change, Delta, Page, PageRequest, Ref
from providers.base.errors import Conflict, CursorExpired, Invalid, NotFound
from providers.base.ports import Contacts, ContactView
from providers.google import person
from providers.google.client import Client
from schemas.contacts import Contact, ContactPhoto

_ME = "people/me"
_CONTACTS = ["READ_SOURCE_TYPE_CONTACT"]
_READ = {"personFields": person.READ_FIELDS, "sources": _CONTACTS}
_PAGE, _BATCH = 1000, 200
_ID = re.compile(r"[0-9A-Za-z_-]{1,200}\Z", re.ASCII)
_PREFIX = "p"
_LONGEST = 4000  # characters of a cursor

Json = Mapping[str, Any]


class GoogleContacts(Contacts):
    """Ids are those of persons, without `people/`."""

    def __init__(self, client: Client) -> None:
        self._client, self._apis = client, client.apis
        self._turn = asyncio.Lock()

    async def find(self, parent: str | None, query: None, page: PageRequest) -> Page[Contact]:
        asked: dict[str, Any] = {"pageToken": page.cursor} if page.cursor is not None else {}
        request = self._apis.connections.list(resourceName=_ME, pageSize=min(page.limit, _PAGE), **_READ, **asked)
        try:
            answer = await self._client.call(request)
        except Invalid as error:
            raise Invalid(error.message, path="pageToken", original=error.original) from None
        view = ContactView()
        found = [person.contact(raw, view) for raw in answer.get("connections", ())]
        return Page(found, answer.get("nextPageToken"))

    async def get(self, ref: Ref, view: ContactView = ContactView()) -> Contact:
        return await self._shown(await self._raw(ref.id), view)

    async def get_many(
        self, parent: str | None, ids: Sequence[str], view: ContactView = ContactView()
    ) -> list[Contact]:
        names = [_name(item) for item in ids if _ID.match(item)]
        batches = [names[start : start + _BATCH] for start in range(0, len(names), _BATCH)]
        requests = [self._apis.people.getBatchGet(resourceNames=batch, **_READ) for batch in batches]
        answers = await asyncio.gather(*(self._client.call(request) for request in requests))
        told = [one for answer in answers for one in answer.get("responses", ())]
        found = {str(one.get("requestedResourceName")): one["person"] for one in told if one.get("person")}
        return list(await asyncio.gather(*(self._shown(found[name], view) for name in names if name in found)))

    async def create(self, parent: str | None, draft: Contact) -> Contact:
        async with self._turn:
            request = self._apis.people.createContact(body=person.body(draft, {}), **_READ)
            raw = await self._client.call(request)
            if draft.photo is not None and draft.photo.content:
                raw = await self._put_photo(str(raw["resourceName"]), draft.photo)
        return person.contact(raw, ContactView())

    async def update(self, ref: Ref, patch: Contact, etag: str | None = None) -> Contact:
        async with self._turn:
            raw = await self._checked(ref.id, etag)
            if body := person.body(patch, raw):
                raw = await self._patch(raw, body)
            if "photo" in patch.model_fields_set:
                raw = await self._put_photo(_name(ref.id), patch.photo)
        return person.contact(raw, ContactView())

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        """Google knows no guard here: the version is looked at first."""
        async with self._turn:
            await self._checked(ref.id, etag)
            await self._client.call(self._apis.people.deleteContact(resourceName=_name(ref.id)))

    async def changes(self, parent: str | None, cursor: str | None, query: None) -> Delta:
        if cursor is not None and (
            not cursor.startswith(_PREFIX) or len(cursor) > _LONGEST or not cursor.isascii() or len(cursor) == 1
        ):
            raise CursorExpired("the position is none of these contacts")
        try:
            found, token = await self._round({} if cursor is None else {"syncToken": cursor[len(_PREFIX) :]})
        except Invalid as error:
            raise CursorExpired("Google does not know this position", original=error.original) from None
        changed, removed = [], []
        for raw in found:
            metadata = raw.get("metadata") or {}
            removed += [str(name).removeprefix("people/") for name in metadata.get("previousResourceNames", ())]
            if metadata.get("deleted"):
                removed.append(person.item_id(raw))
            else:
                changed.append(Change(person.item_id(raw), str(person.etag(raw))))
        return Delta(changed, removed if cursor is not None else [], f"{_PREFIX}{token}")

    async def _round(self, asked: dict[str, Any]) -> tuple[list[Json], str]:
        """All pages; parameters have to be the same in every round."""
        found: list[Json] = []
        page: dict[str, Any] = {}
        while True:
            request = self._apis.connections.list(
                resourceName=_ME, pageSize=_PAGE, requestSyncToken=True, **_READ, **asked, **page
            )
            answer = await self._client.call(request)
            found += answer.get("connections", ())
            if answer.get("nextPageToken") is None:
                return found, str(answer["nextSyncToken"])
            page = {"pageToken": answer["nextPageToken"]}

    async def _raw(self, item: str) -> Json:
        found: Json = await self._client.call(self._apis.people.get(resourceName=_name(item), **_READ))
        return found

    async def _checked(self, item: str, etag: str | None) -> Json:
        raw = await self._raw(item)
        if etag is not None and etag.strip('"') != person.etag(raw):
            raise Conflict("the contact was changed since")
        return raw

    async def _patch(self, raw: Json, body: dict[str, Any]) -> Json:
        source = {name: person.source(raw)[name] for name in ("type", "id", "etag") if name in person.source(raw)}
        request = self._apis.people.updateContact(
            resourceName=raw["resourceName"],
            updatePersonFields=",".join(sorted(body)),
            body={**body, "etag": raw.get("etag"), "metadata": {"sources": [source]}},
            **_READ,
        )
        changed: Json = await self._client.call(request)
        return changed

    async def _put_photo(self, name: str, photo: ContactPhoto | None) -> Json:
        if photo is None or not photo.content:
            request = self._apis.people.deleteContactPhoto(resourceName=name, **_READ)
        else:
            body = {"photoBytes": photo.content, **_READ}
            request = self._apis.people.updateContactPhoto(resourceName=name, body=body)
        answer = await self._client.call(request)
        found: Json = answer["person"]
        return found

    async def _shown(self, raw: Json, view: ContactView) -> Contact:
        contact, url = person.contact(raw, view), person.photo_url(raw)
        if not view.with_photo or url is None:
            return contact
        kind, octets = await self._client.fetch(url)
        photo = ContactPhoto(mime_type=kind, content=base64.b64encode(octets).decode("ascii"))
        return contact.model_copy(update={"photo": photo})


def _name(item: str) -> str:
    if not _ID.match(item) or item == "me":
        raise NotFound(f"there is no contact {item[:80]!r}")
    return f"people/{item}"
