"""What the suite needs of each provider's counterpart: fresh mailboxes, mail put into them, and a look at the truth."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from providers.base.provider import Grant, Mailbox, Provider, Session

#: The suite's names of flags.
SEEN, FLAGGED, ANSWERED, DRAFT = "seen", "flagged", "answered", "draft"


@dataclass(frozen=True)
class Truth:
    """A message as the server has it; `flags` are the suite's names and the keywords."""

    source: bytes
    flags: frozenset[str]
    received: datetime


class Place(Protocol):
    """A fresh mailbox at the provider; folders are named inbox, sent, draft, archive, trash, junk, or by their path."""

    address: str
    grant: Grant

    def inject(self, source: bytes, folder: str, flags: Sequence[str], received: datetime) -> None:
        """Put a message there behind the adapter's back."""

    def truth(self, folder: str) -> list[Truth]:
        """What lies there, oldest first."""

    def expunge(self, folder: str, source: bytes) -> None:
        """Take the message with this source out for good, behind the adapter's back."""


class Backend(Protocol):
    """A provider under test with its counterpart."""

    provider: Provider
    full_bodies_in_lists: bool  # else lists give snippets
    refused_address: str  # the server takes no mail for it

    def place(self) -> Place:
        """A fresh mailbox without mail."""


@dataclass
class Subject:
    """An open session on a fresh mailbox, and what is needed around it."""

    backend: Backend
    place: Place
    session: Session
    mailbox: Mailbox
    _others: list[Session] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.place.address

    async def inject(
        self, source: bytes, folder: str = "inbox", flags: Sequence[str] = (), received: datetime | None = None
    ) -> None:
        await asyncio.to_thread(self.place.inject, source, folder, flags, received or datetime.now(UTC))

    async def truth(self, folder: str) -> list[Truth]:
        return await asyncio.to_thread(self.place.truth, folder)

    async def expunge(self, folder: str, source: bytes) -> None:
        await asyncio.to_thread(self.place.expunge, folder, source)

    async def reopened(self, **marks: str) -> Session:
        """A second session on the same mailbox, with the owner's marks."""
        mailbox = Mailbox(self.mailbox.key, self.mailbox.version + 1, self.address, self.mailbox.grant, marks=marks)
        self._others.append(await self.backend.provider.open(mailbox))
        return self._others[-1]

    async def close(self) -> None:
        for session in (self.session, *self._others):
            await session.close()


_keys = itertools.count(1)


async def subject(backend: Backend) -> Subject:
    """A fresh mailbox, opened."""
    place = await asyncio.to_thread(backend.place)
    mailbox = Mailbox(next(_keys), 1, place.address, place.grant, name="Sam Sender")
    return Subject(backend, place, await backend.provider.open(mailbox), mailbox)
