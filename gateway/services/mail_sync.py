"""The change log of an account's mail, in the shapes of the contract (behaviour.md, section 6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from gateway.identity import Account
from gateway.positions import Branch, Position
from gateway.services.changelog import ChangeLog, Round
from gateway.services.sessions import Sessions
from gateway.services.source import Open, Source
from gateway.store.streams import Filter, Item, Stream
from providers.base.errors import Unsupported
from providers.base.ports import MessageQuery, Messages, MessageView
from schemas.mail import BodyType, EmailMessage
from schemas.sync import DeletedEmailMessage, EmailDeletedPage, EmailMessagesPage, SyncStatus

_PORT = "messages"
_ROUTE = "email"


class Tokens(Protocol):
    """Positions <-> the tokens that consumers hold."""

    def seal(self, account: int, route: str, position: Position) -> str: ...

    def open(
        self, account: int, route: str, branch: Branch, delta_token: str | None, page_token: str | None
    ) -> Position: ...


class MailSync:
    """One stream per account, age limit and rendering; all folders in one."""

    def __init__(self, log: ChangeLog, sessions: Sessions, tokens: Tokens) -> None:
        self._log, self._sessions, self._tokens = log, sessions, tokens

    async def start(self, account: Account, days_within: int | None, body_type: BodyType | None) -> SyncStatus:
        """Find or create the stream. The age limit counts from when it was created, so that no message leaves it by
        growing old."""
        asked = {"daysWithin": days_within, "bodyType": body_type}
        since = None if days_within is None else datetime.now(UTC) - timedelta(days=days_within)
        kept = {**asked, "receivedSince": since and since.isoformat()}
        stream = await self._log.find_or_create(account.id, _PORT, None, asked, kept)
        stream = await self._log.start(stream, self._open(account, stream))
        first = {branch: self._seal(account, Position(stream.id, branch, 0)) for branch in Branch}
        return SyncStatus(
            ready=stream.ready, sync_updated_token=first[Branch.UPDATED], sync_deleted_token=first[Branch.DELETED]
        )

    async def updated(self, account: Account, delta_token: str | None, page_token: str | None) -> EmailMessagesPage:
        """A page of new and changed messages. Raises `CursorExpired` for a token whose stream no longer exists."""
        position = self._tokens.open(account.id, _ROUTE, Branch.UPDATED, delta_token, page_token)
        stream = await self._log.stream(account.id, _PORT, None, position.stream)
        found = await self._log.updated(stream, position, self._open(account, stream))
        records = list(found.records)
        return EmailMessagesPage(length=len(records), records=records, **self._next(account, found))

    async def deleted(self, account: Account, delta_token: str | None, page_token: str | None) -> EmailDeletedPage:
        """A page of messages that went. Raises as `updated`."""
        position = self._tokens.open(account.id, _ROUTE, Branch.DELETED, delta_token, page_token)
        stream = await self._log.stream(account.id, _PORT, None, position.stream)
        found = await self._log.deleted(stream, position, self._open(account, stream))
        records = [_tombstone(item) for item in found.records]
        return EmailDeletedPage(length=len(records), records=records, **self._next(account, found))

    def _open(self, account: Account, stream: Stream) -> Open[EmailMessage]:
        query = _query(stream.filter)

        @asynccontextmanager
        async def opened() -> AsyncIterator[Source[EmailMessage]]:
            async with self._sessions.use(account) as session:
                if session.messages is None:
                    raise Unsupported("This account's provider has no messages")
                yield _source(session.messages, query)

        return opened

    def _seal(self, account: Account, position: Position) -> str:
        return self._tokens.seal(account.id, _ROUTE, position)

    def _next(self, account: Account, found: Round[Any]) -> dict[str, Any]:
        return {"next_delta_token" if found.ended else "next_page_token": self._seal(account, found.next)}


def _query(filter: Filter) -> MessageQuery:
    body, since = filter["bodyType"], filter["receivedSince"]
    view = MessageView(BodyType(body) if body else None)
    return MessageQuery(view=view, received_since=datetime.fromisoformat(since) if since else None)


def _source(messages: Messages, query: MessageQuery) -> Source[EmailMessage]:
    return Source(
        changes=partial(messages.changes, None, query=query), read=partial(messages.get_many, None, view=query.view)
    )


def _tombstone(item: Item) -> DeletedEmailMessage:
    return DeletedEmailMessage(
        id=item.id, folder_id=item.parent, internet_message_id=item.identity, timestamp=item.changed_at
    )
