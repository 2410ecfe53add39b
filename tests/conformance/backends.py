"""What the suite needs of each provider's counterpart: fresh mailboxes, things put into them, and a look at the truth.

A backend whose provider has no mail leaves out `inject`, `truth` and `expunge`; one without calendars, contacts and
tasks leaves out `put_text`, `texts` and `remove_text`. Test modules say by `PORT` which port they are about, and are
skipped where a session lacks it; single verbs that a port lacks are skipped by `needs`.
"""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import pytest

from providers.base.collection import verbs
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

    def put_text(self, kind: str, parent: str | None, uid: str, text: bytes) -> None:
        """Put an iCalendar or vCard text there behind the adapter's back, in place of the one with this UID.

        `kind` is the port ("events", "contacts", "tasks"), `parent` the id of a calendar or task list as the port gives
        it; of contacts None: the address book that new ones go to."""

    def texts(self, kind: str, parent: str | None) -> list[bytes]:
        """Every text that lies there."""

    def remove_text(self, kind: str, parent: str | None, uid: str) -> None:
        """Take the text with this UID away, behind the adapter's back."""

    def read_only_calendar(self) -> str | None:
        """The id of a calendar that the account may only read; None where the server has no such thing."""


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

    async def put_text(self, kind: str, parent: str | None, uid: str, text: bytes) -> None:
        await asyncio.to_thread(self.place.put_text, kind, parent, uid, text)

    async def texts(self, kind: str, parent: str | None) -> list[bytes]:
        return await asyncio.to_thread(self.place.texts, kind, parent)

    async def text(self, kind: str, parent: str | None, uid: str) -> str:
        """The text with this UID, unfolded."""
        texts = [text.replace(b"\r\n ", b"").decode() for text in await self.texts(kind, parent)]
        [found] = [text for text in texts if f"UID:{uid}" in text]
        return found

    async def remove_text(self, kind: str, parent: str | None, uid: str) -> None:
        await asyncio.to_thread(self.place.remove_text, kind, parent, uid)

    def lacks(self, nature: str) -> bool:
        """Whether things are otherwise at this provider; its backend's `lacks` names how."""
        return nature in getattr(self.backend, "lacks", frozenset())

    def needs(self, *abilities: str) -> None:
        """Skip the test where the provider does not claim these verbs (`events.respond`); `matrix.json` says that none
        loses one."""
        for ability in abilities:
            port, _, verb = ability.partition(".")
            found = getattr(self.session, port)
            if found is None or verb not in verbs(found):
                pytest.skip(f"the provider has no {ability}")

    async def reopened(self, **marks: str) -> Session:
        """A second session on the same mailbox, with the owner's marks."""
        mailbox = Mailbox(self.mailbox.key, self.mailbox.version + 1, self.address, self.mailbox.grant, marks=marks)
        self._others.append(await self.backend.provider.open(mailbox))
        return self._others[-1]

    async def close(self) -> None:
        for session in (self.session, *self._others):
            await session.close()
        if (after := getattr(self.backend, "after", None)) is not None:
            await after()


_keys = itertools.count(1)


async def subject(backend: Backend) -> Subject:
    """A fresh mailbox, opened."""
    place = await asyncio.to_thread(backend.place)
    client = getattr(backend, "client", None)
    mailbox = Mailbox(next(_keys), 1, place.address, place.grant, name="Sam Sender", client=client)
    return Subject(backend, place, await backend.provider.open(mailbox), mailbox)
