"""Messages for the suite as RFC 5322 source, and small questions asked of a session."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from providers.base.collection import PageRequest
from providers.base.ports import Content, MessageQuery
from providers.base.provider import Session
from schemas.mail import EmailMessage

T = TypeVar("T")

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
PATIENCE = 15.0  # seconds for mail to arrive through a real server


def at(minutes: float) -> datetime:
    """So many minutes after the start of the suite's calendar."""
    return START + timedelta(minutes=minutes)


def source(
    subject: str = "Hello",
    text: str = "Plain words.",
    *,
    sender: str = "Ann Example <ann@example.org>",
    to: str = "sam@example.net",
    message_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    content_type: str = "text/plain; charset=utf-8",
) -> bytes:
    """A message with CRLF line ends; header values stand as they are given (encoded words are the caller's)."""
    fields = {
        "From": sender,
        "To": to,
        "Subject": subject,
        "Date": "Mon, 05 Jan 2026 10:00:00 +0100",
        "Message-ID": message_id or f"<{time.monotonic_ns()}@suite.example>",
        "MIME-Version": "1.0",
        "Content-Type": content_type,
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    body = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return f"{head}\r\n{body}\r\n".encode()


async def listed(
    session: Session, query: MessageQuery = MessageQuery(), parent: str | None = None, limit: int = 50
) -> list[EmailMessage]:
    """Every message of a list, page by page."""
    assert session.messages
    found: list[EmailMessage] = []
    cursor = None
    while True:
        page = await session.messages.find(parent, query, PageRequest(cursor, limit))
        assert len(page.records) <= limit
        found.extend(page.records)
        cursor = page.cursor
        if cursor is None:
            return found


async def only(session: Session, query: MessageQuery = MessageQuery(), parent: str | None = None) -> EmailMessage:
    """The one message of a list."""
    [message] = await listed(session, query, parent)
    return message


async def folder_id(session: Session, path: str) -> str:
    """The id of a folder by its path or by its system label."""
    assert session.folders
    page = await session.folders.find(None, None, PageRequest(limit=200))
    [found] = [
        folder.id for folder in page.records if path.lower() in ((folder.full_name or "").lower(), folder.sys_label)
    ]
    return found


async def read(content: Content) -> bytes:
    """All bytes of a content."""
    return b"".join([chunk async for chunk in content.chunks])


async def eventually(look: Callable[[], Awaitable[T]]) -> T:
    """The first true answer; mail may take a moment through a real server."""
    deadline = time.monotonic() + PATIENCE
    while not (found := await look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)
    return found
