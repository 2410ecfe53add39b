"""What changed in a mailbox: history since an id, and at the beginning (or when Gmail forgot the id) everything.

Neither needs a look at the messages. The beginning lists the mailbox label by label, 500 ids a call, and knows so each
message's labels; history says them with every record. A version is the set of labels: nothing else of a message ever
changes, and drafts that are edited are other messages. Message-IDs stay unknown here.

A cursor is `h<history id>`, or `l<history id>.<message id>` within the beginning, whose ids come in falling order. The
history id is read before the listing, so that what changes meanwhile is told afterwards.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from providers.base.collection import Change, Delta
from providers.base.errors import CursorExpired, Invalid, NotFound
from providers.google import convert
from providers.google.account import Account
from providers.google.labels import Labels, system_ids, tracked
from providers.google.requests import ME
from providers.google.search import since as received_since

_CURSOR = re.compile(r"h(\d{1,40})|l(\d{1,40})\.([0-9a-f]{1,40})", re.ASCII)
_PAGE = 500
_KINDS = ("messagesAdded", "labelsAdded", "labelsRemoved", "messagesDeleted")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a stream is about: one label or all, and from when on."""

    parent: str | None
    since: datetime | None


class MailChanges:
    """The verb `changes`; remembers the last listing, whose pages are asked for one after the other."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._listed: tuple[Scope, str, list[Change]] | None = None

    async def delta(self, scope: Scope, cursor: str | None, limit: int) -> Delta:
        """At most `limit` changes. Raises `CursorExpired`, `NotFound` (the label)."""
        if scope.parent is not None:
            await self._account.folder(scope.parent)
        if cursor is None:
            return await self._beginning(scope, await self._now(), None, limit)
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise CursorExpired("the position is none of this mailbox")
        if match[1] is not None:
            return await self._since(scope, match[1], limit)
        return await self._beginning(scope, match[2], match[3], limit)

    async def _beginning(self, scope: Scope, history: str, told: str | None, limit: int) -> Delta:
        if self._listed is None or told is None or self._listed[:2] != (scope, history):
            self._listed = (scope, history, await self._everything(scope))
        left = [change for change in self._listed[2] if told is None or int(change.id, 16) < int(told, 16)]
        page, more = left[:limit], len(left) > limit
        if more:
            return Delta(page, [], f"l{history}.{page[-1].id}", more)
        self._listed = None
        moved = told is not None and await self._now() != history  # while the portions were told
        return Delta(page, [], f"h{history}", moved)

    async def _now(self) -> str:
        """The newest history id."""
        profile = await self._account.client.call(self._account.apis.users.getProfile(userId=ME))
        return str(profile["historyId"])

    async def _everything(self, scope: Scope) -> list[Change]:
        """Every message with its labels, newest first."""
        labels = await self._account.labels(fresh=True)
        ids = (*system_ids(), *labels.user)
        threads, *lists = await asyncio.gather(self._ids(scope, None), *(self._ids(scope, label) for label in ids))
        found: dict[str, set[str]] = {item: set() for item in threads}
        for label, members in zip(ids, lists, strict=True):
            for item in members.keys() & threads.keys():
                found[item].add(label)
        falling = sorted(found, key=lambda item: -int(item, 16))
        return [_change(labels, item, threads[item], found[item]) for item in falling]

    async def _ids(self, scope: Scope, label: str | None) -> dict[str, str]:
        """Ids and threads of the messages that have the label."""
        found: dict[str, str] = {}
        wanted = [item for item in dict.fromkeys((scope.parent, label)) if item is not None]
        query: dict[str, Any] = {"labelIds": wanted} if wanted else {}
        if scope.since is not None:
            query["q"] = received_since(scope.since)
        token: str | None = ""
        while token is not None:
            page = {"pageToken": token} if token else {}
            request = self._account.apis.messages.list(
                userId=ME, includeSpamTrash=True, maxResults=_PAGE, **query, **page
            )
            answer = await self._account.client.call(request)
            found |= {str(one["id"]): str(one["threadId"]) for one in answer.get("messages", ())}
            token = answer.get("nextPageToken")
        return found

    async def _since(self, scope: Scope, start: str, limit: int) -> Delta:
        request = self._account.apis.history.list(userId=ME, startHistoryId=start, maxResults=_PAGE)
        try:
            answer = await self._account.client.call(request)
        except (NotFound, Invalid) as error:
            raise CursorExpired("Gmail forgot this position", original=error.original) from None
        seen: dict[str, Any] = {}
        last, cut = start, False
        for record in answer.get("history", ()):
            found = {**seen, **_records(record)}
            if cut := bool(seen) and len(found) > limit:
                break
            last, seen = str(record["id"]), found
        more = cut or bool(answer.get("nextPageToken"))
        changed, removed = await self._sorted(scope, seen)
        return Delta(changed, removed, f"h{last}" if more else f"h{answer['historyId']}", more)

    async def _sorted(self, scope: Scope, seen: Mapping[str, Any]) -> tuple[list[Change], list[str]]:
        """What is in the stream's scope, and what is not or not any more."""
        there = {item: message for item, message in seen.items() if message is not None and _within(scope, message)}
        labels = await self._account.labels(
            label for message in there.values() for label in message.get("labelIds", ())
        )
        young = await self._young(scope, list(there))
        changed = [
            _change(labels, item, str(message.get("threadId", "")), message.get("labelIds", ()))
            for item, message in there.items()
            if item in young
        ]
        return changed, [item for item in seen if item not in there]

    async def _young(self, scope: Scope, ids: Sequence[str]) -> set[str]:
        """Those that came late enough; history does not say when a message came."""
        if scope.since is None:
            return set(ids)
        requests = [self._account.apis.messages.get(userId=ME, id=item, format="minimal") for item in ids]
        found = await asyncio.gather(*(self._account.client.found(request) for request in requests))
        return {str(raw["id"]) for raw in found if raw is not None and convert.received(raw) >= scope.since}


def _records(record: Mapping[str, Any]) -> dict[str, Any]:
    """The messages that a record is about, None for those that went."""
    found: dict[str, Any] = {}
    for kind in _KINDS:
        for entry in record.get(kind, ()):
            message = entry["message"]
            found[str(message["id"])] = None if kind == "messagesDeleted" else message
    return found


def _within(scope: Scope, message: Mapping[str, Any]) -> bool:
    return scope.parent is None or scope.parent in message.get("labelIds", ())


def _change(labels: Labels, item: str, thread: str, ids: Sequence[str] | set[str]) -> Change:
    version = hashlib.sha256(" ".join(tracked(ids)).encode()).hexdigest()[:16]
    told: dict[str, object] = {"threadId": thread}
    if "DRAFT" in ids:
        told["draft"] = True
    return Change(item, version, labels.folder(ids), attributes=told)
