"""What every sync has in common: starting a stream, and reading its two chains of tokens (behaviour.md, section 6)."""

from dataclasses import dataclass
from typing import Any, Protocol

from gateway.identity import Account
from gateway.positions import Branch, Position
from gateway.services.changelog import ChangeLog, Round
from gateway.services.sources import Sources
from gateway.store.streams import Filter, Item
from schemas.sync import DeletedPage, DeletedRecord, SyncStatus


class Tokens(Protocol):
    """Positions <-> the tokens that consumers hold; `view` is carried along."""

    def seal(self, account: int, route: str, position: Position, view: str = "") -> str: ...

    def open(
        self, account: int, route: str, branch: Branch, delta_token: str | None, page_token: str | None
    ) -> tuple[Position, str]: ...


@dataclass(frozen=True, slots=True)
class Given:
    """The tokens of a request; one of them is needed."""

    delta_token: str | None = None
    page_token: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is followed: a port, below a parent; `route` ties tokens to it."""

    port: str
    parent: str | None
    route: str


class Following:
    """Streams as consumers follow them; how records are shown stands in the tokens (`view`)."""

    def __init__(self, log: ChangeLog, sources: Sources, tokens: Tokens) -> None:
        self._log, self._sources, self._tokens = log, sources, tokens

    async def start(
        self, account: Account, subject: Subject, asked: Filter, kept: Filter | None = None, view: str = ""
    ) -> SyncStatus:
        """Find or create the stream of what was `asked` for; a new one keeps `kept`, which the same question finds
        again. Its tokens stand at the beginning."""
        stream = await self._log.find_or_create(account.id, subject.port, subject.parent, asked, kept)
        stream = await self._log.start(stream, self._sources.open(account, stream))
        first = {
            branch: self._tokens.seal(account.id, subject.route, Position(stream.id, branch, 0), view)
            for branch in Branch
        }
        return SyncStatus(
            ready=stream.ready, sync_updated_token=first[Branch.UPDATED], sync_deleted_token=first[Branch.DELETED]
        )

    async def updated(self, account: Account, subject: Subject, given: Given, shown: Any = None) -> dict[str, Any]:
        """A page of new and changed records, as the fields of a page model; `shown` makes of a view how they are to be
        read. Raises `CursorExpired` for a token whose stream no longer exists."""
        position, view = self._opened(account, subject, Branch.UPDATED, given)
        stream = await self._log.stream(account.id, subject.port, subject.parent, position.stream)
        source = self._sources.open(account, stream, shown(view) if shown else None)
        return self._page(account, subject, await self._log.updated(stream, position, source, view), view)

    async def deleted(self, account: Account, subject: Subject, given: Given) -> dict[str, Any]:
        """A page of items that went (`Item`), as the fields of a page model. Raises as `updated`."""
        position, view = self._opened(account, subject, Branch.DELETED, given)
        stream = await self._log.stream(account.id, subject.port, subject.parent, position.stream)
        found = await self._log.deleted(stream, position, self._sources.open(account, stream))
        return self._page(account, subject, found, view)

    async def tombstones(self, account: Account, subject: Subject, given: Given) -> DeletedPage:
        """The same as everything but mail tells it: ids and times. Raises as `updated`."""
        page = await self.deleted(account, subject, given)
        return DeletedPage(**{**page, "records": [_tombstone(item) for item in page["records"]]})

    def _opened(self, account: Account, subject: Subject, branch: Branch, given: Given) -> tuple[Position, str]:
        return self._tokens.open(account.id, subject.route, branch, given.delta_token, given.page_token)

    def _page(self, account: Account, subject: Subject, found: Round[Any], view: str) -> dict[str, Any]:
        token = self._tokens.seal(account.id, subject.route, found.next, view)
        name = "next_delta_token" if found.ended else "next_page_token"
        return {name: token, "length": len(found.records), "records": list(found.records)}


def _tombstone(item: Item) -> DeletedRecord:
    return DeletedRecord(id=item.id, timestamp=item.changed_at)
