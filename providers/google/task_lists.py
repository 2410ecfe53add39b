"""The TaskLists port. The first list of an account is its default one, and cannot be deleted."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Conflict, Invalid, NotFound
from providers.base.ports import TaskLists
from providers.google.client import Client
from schemas.tasks import TaskList, TaskListCreate, TaskListUpdate

_PAGE = 1000
_ID = re.compile(r"[0-9A-Za-z_=@-]{1,200}\Z", re.ASCII)

Json = Mapping[str, Any]


class GoogleTaskLists(TaskLists):
    """Lists in Google's order."""

    def __init__(self, client: Client) -> None:
        self._client, self._api = client, client.apis.task_lists
        self._primary: str | None = None

    async def find(self, parent: str | None, query: None, page: PageRequest) -> Page[TaskList]:
        default = await self.primary()
        asked: dict[str, Any] = {"pageToken": page.cursor} if page.cursor is not None else {}
        try:
            answer = await self._client.call(self._api.list(maxResults=min(page.limit, _PAGE), **asked))
        except Invalid as error:
            raise Invalid(error.message, path="pageToken", original=error.original) from None
        return Page([_list(raw, default) for raw in answer.get("items", ())], answer.get("nextPageToken"))

    async def get(self, ref: Ref) -> TaskList:
        return _list(await self._raw(ref.id), await self.primary())

    async def create(self, parent: str | None, draft: TaskListCreate) -> TaskList:
        made = await self._client.call(self._api.insert(body={"title": _title(draft.title)}))
        return _list(made, await self.primary())

    async def update(self, ref: Ref, patch: TaskListUpdate, etag: str | None = None) -> TaskList:
        raw = await self._raw(ref.id)
        check(raw, etag)
        if "title" in patch.model_fields_set:
            body = {"id": raw["id"], "title": _title(patch.title)}
            raw = await self._client.call(self._api.patch(tasklist=ref.id, body=body))
        return _list(raw, await self.primary())

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        check(await self._raw(ref.id), etag)
        await self._client.call(self._api.delete(tasklist=ref.id))

    async def primary(self) -> str:
        if self._primary is None:
            self._primary = str((await self._raw("@default"))["id"])
        return self._primary

    async def _raw(self, item: str) -> Json:
        found: Json = await self._client.call(self._api.get(tasklist=checked(item, "task list")))
        return found


def checked(item: str | None, what: str) -> str:
    """An id that can be one. Raises `NotFound`."""
    if item is None or not _ID.match(item):
        raise NotFound(f"there is no {what} {(item or '')[:80]!r}")
    return item


def check(raw: Json, etag: str | None) -> None:
    """Google knows no guard here: the version is looked at before a write. Raises `Conflict`."""
    if etag is not None and etag.strip('"') != bare(raw):
        raise Conflict("it was changed since")


def bare(raw: Json) -> str:
    """The etag without its quotes."""
    return str(raw.get("etag") or "").strip('"')


def _title(title: str | None) -> str:
    if not (title or "").strip():
        raise Invalid("a task list needs a title", path="title")
    return (title or "").strip()


def _list(raw: Json, default: str) -> TaskList:
    updated = raw.get("updated")
    return TaskList(
        id=raw["id"],
        etag=bare(raw) or None,
        title=raw.get("title"),
        owner=True,
        shared=False,
        default_list=raw["id"] == default,
        emails_list=False,
        last_modified_time=datetime.fromisoformat(updated) if updated else None,
    )
