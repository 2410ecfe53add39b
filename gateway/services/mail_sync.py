"""The change log of an account's mail, in the shapes of the contract (behaviour.md, section 6)."""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from gateway.identity import Account
from gateway.positions import Branch, Position
from gateway.services.changelog import ChangeLog, Round
from gateway.services.sources import MESSAGES, Sources
from gateway.store.streams import Item, Stream
from providers.base.ports import MessageView
from schemas.mail import BodyType
from schemas.sync import DeletedEmailMessage, EmailDeletedPage, EmailMessagesPage, SyncStatus

_ROUTE = "email"


class Tokens(Protocol):
    """Positions <-> the tokens that consumers hold; `view` is carried along."""

    def seal(self, account: int, route: str, position: Position, view: str = "") -> str: ...

    def open(
        self, account: int, route: str, branch: Branch, delta_token: str | None, page_token: str | None
    ) -> tuple[Position, str]: ...


class MailSync:
    """One stream per account and age limit, all folders in one. How bodies are shown stands in the tokens."""

    def __init__(self, log: ChangeLog, sources: Sources, tokens: Tokens) -> None:
        self._log, self._sources, self._tokens = log, sources, tokens

    async def start(self, account: Account, days_within: int | None, body_type: BodyType | None) -> SyncStatus:
        """Find or create the stream. The age limit counts from when it was created, so that no message leaves it by
        growing old."""
        stream = await self._log.find_or_create(account.id, MESSAGES, None, *_filters(days_within))
        stream = await self._log.start(stream, self._sources.open(account, stream))
        first = {branch: self._seal(account, Position(stream.id, branch, 0), body_type or "") for branch in Branch}
        return SyncStatus(
            ready=stream.ready, sync_updated_token=first[Branch.UPDATED], sync_deleted_token=first[Branch.DELETED]
        )

    async def updated(self, account: Account, delta_token: str | None, page_token: str | None) -> EmailMessagesPage:
        """A page of new and changed messages. Raises `CursorExpired` for a token whose stream no longer exists."""
        position, view = self._tokens.open(account.id, _ROUTE, Branch.UPDATED, delta_token, page_token)
        stream = await self._stream(account, position)
        shown = MessageView(BodyType(view) if view else None)
        found = await self._log.updated(stream, position, self._sources.open(account, stream, shown), view)
        records = list(found.records)
        return EmailMessagesPage(length=len(records), records=records, **self._next(account, found, view))

    async def deleted(self, account: Account, delta_token: str | None, page_token: str | None) -> EmailDeletedPage:
        """A page of messages that went. Raises as `updated`."""
        position, view = self._tokens.open(account.id, _ROUTE, Branch.DELETED, delta_token, page_token)
        stream = await self._stream(account, position)
        found = await self._log.deleted(stream, position, self._sources.open(account, stream))
        records = [_tombstone(item) for item in found.records]
        return EmailDeletedPage(length=len(records), records=records, **self._next(account, found, view))

    async def _stream(self, account: Account, position: Position) -> Stream:
        return await self._log.stream(account.id, MESSAGES, None, position.stream)

    def _seal(self, account: Account, position: Position, view: str) -> str:
        return self._tokens.seal(account.id, _ROUTE, position, view)

    def _next(self, account: Account, found: Round[Any], view: str) -> dict[str, Any]:
        return {"next_delta_token" if found.ended else "next_page_token": self._seal(account, found.next, view)}


def _filters(days_within: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is asked for, and what the stream keeps of it."""
    if days_within is None:
        return {}, {}
    asked = {"daysWithin": days_within}
    since = datetime.now(UTC) - timedelta(days=days_within)
    return asked, {**asked, "receivedSince": since.isoformat()}


def _tombstone(item: Item) -> DeletedEmailMessage:
    return DeletedEmailMessage(
        id=item.id, folder_id=item.parent, internet_message_id=item.identity, timestamp=item.changed_at
    )
