"""The change log of an account's mail, in the shapes of the contract (behaviour.md, section 6)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.identity import Account
from gateway.services.following import Following, Given, Subject
from gateway.services.sources import MESSAGES
from gateway.store.streams import Item
from providers.base.ports import MessageView
from schemas.mail import BodyType
from schemas.sync import DeletedEmailMessage, EmailDeletedPage, EmailMessagesPage, SyncStatus

_MAIL = Subject(MESSAGES, None, "email")


class MailSync:
    """One stream per account and age limit, all folders in one. How bodies are shown stands in the tokens."""

    def __init__(self, following: Following) -> None:
        self._following = following

    async def start(self, account: Account, days_within: int | None, body_type: BodyType | None) -> SyncStatus:
        """Find or create the stream. The age limit counts from when it was created, so that no message leaves it by
        growing old."""
        return await self._following.start(account, _MAIL, *_filters(days_within), body_type or "")

    async def updated(self, account: Account, given: Given) -> EmailMessagesPage:
        """A page of new and changed messages. Raises `CursorExpired` for a token whose stream no longer exists."""
        return EmailMessagesPage(**await self._following.updated(account, _MAIL, given, _view))

    async def deleted(self, account: Account, given: Given) -> EmailDeletedPage:
        """A page of messages that went. Raises as `updated`."""
        page = await self._following.deleted(account, _MAIL, given)
        return EmailDeletedPage(**{**page, "records": [_tombstone(item) for item in page["records"]]})


def _view(body_type: str) -> MessageView:
    return MessageView(BodyType(body_type) if body_type else None)


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
