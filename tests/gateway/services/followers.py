"""Consumers of a change log, and the log on a port in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from gateway.positions import Branch, Position
from gateway.services.changelog import ChangeLog
from gateway.services.renamed import Names
from gateway.services.source import Open, Source
from gateway.store.database import Database
from gateway.store.quarantine import Quarantine
from gateway.store.queries import accounts
from gateway.store.streams import Stream
from providers.base.ports import MessageQuery
from schemas.mail import EmailMessage
from tests.gateway.services.memory_mail import Mail, MemoryMessages

AT_ONCE = timedelta(0)  # the quarantine's patience


def change_log(database: Database, *, page: int = 2, fresh: float = 0.0) -> ChangeLog:
    """A process's own log; pulls at every round unless told otherwise."""
    return ChangeLog(database, fresh=fresh, page=page, first_wait=30.0, quarantine=Quarantine(database, AT_ONCE))


def opener(mail: Mail, names: Names | None = None) -> Open[EmailMessage]:
    """What opens the port on this mail; with `names` as the gateway does it, so that items keep their ids."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Source[EmailMessage]]:
        port = MemoryMessages(mail)
        read = partial(port.get_many, None)
        changes = partial(port.changes, None, query=MessageQuery())
        yield Source(changes, partial(names.read, read) if names else read)

    return opened


async def new_account(database: Database, application: int) -> int:
    columns = {"service_type": "IMAP", "email": "ann@example.com", "application_id": application}
    async with database.session() as session:
        return (await accounts.add(session, columns)).id


async def new_stream(database: Database, log: ChangeLog, application: int) -> Stream:
    """The stream of a new account."""
    return await log.find_or_create(await new_account(database, application), "messages", None, {})


@dataclass
class Follower:
    """Knows nothing but what the two branches tell it; `pages`: at most so many in a round before it breaks off and,
    next time, goes on with the page token."""

    stream: Stream
    known: dict[str, str] = field(default_factory=dict)
    at: dict[Branch, Position] = field(default_factory=dict)
    begun: dict[Branch, Position] = field(default_factory=dict)
    names: Names | None = None

    def position(self, branch: Branch) -> Position:
        return self.at.get(branch) or Position(self.stream.id, branch, 0)

    async def read(self, log: ChangeLog, mail: Mail, branch: Branch) -> bool:
        """One page; whether it was the last of its round."""
        position = self.position(branch)
        if position.upto is None:
            self.begun[branch] = position
        if branch is Branch.UPDATED:
            found = await log.updated(self.stream, position, opener(mail, self.names))
            self.known |= {record.id: record.subject or "" for record in found.records}
            self.at[branch] = found.next
            return found.ended
        removed = await log.deleted(self.stream, position, opener(mail, self.names))
        for item in removed.records:
            self.known.pop(item.id, None)
        self.at[branch] = removed.next
        return removed.ended

    def again(self, branch: Branch) -> None:
        """Go back to where the last round began, as after a crash."""
        self.at[branch] = self.begun.get(branch, self.position(branch))

    async def catch_up(self, log: ChangeLog, mail: Mail) -> None:
        """Finish the rounds under way, then one round of each branch."""
        for branch in (*Branch, *Branch):
            while not await self.read(log, mail, branch):
                pass
