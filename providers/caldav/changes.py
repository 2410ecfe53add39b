"""What changed in a collection: by sync tokens (RFC 6578), else by comparing versions.

A listing says which resources changed; each is then read, since only its content tells which items it has: an event
with its changed occurrences is one resource. A window is held against the content too; servers only narrow down what
has to be read at the start, and when the window has grown.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from providers.base.collection import Change
from providers.base.errors import (
    CursorExpired,
    NotFound,
    ProviderError,
    Retryable,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from providers.caldav import elements
from providers.caldav.cursor import Position
from providers.caldav.elements import CTAG, DAV, ETAG, SYNC_TOKEN
from providers.caldav.files import File, Files, is_member, opaque
from providers.caldav.multistatus import Multistatus

AT_ONCE = 500  # resources looked at for one delta
_TRUNCATED = 507


@dataclass(frozen=True, slots=True)
class Window:
    """The moments that a stream is about; None: without end."""

    first: datetime | None = None
    last: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it leaves nothing out."""
        return self.first is None and self.last is None


class Contents(Protocol):
    """What a port knows about the resources of its collections."""

    def items(self, file: File, window: Window) -> dict[str, str | None]:
        """Keys ("": the resource itself) and identities of the items of a resource that belong to the stream."""

    def item(self, path: str, key: str) -> str:
        """The id of an item."""

    async def within(self, folder: str, window: Window) -> list[str] | None:
        """The paths that may lie in a window, more rather than fewer; None where the server cannot say."""


@dataclass(slots=True)
class Step:
    """One portion of changes; `position` is the next one."""

    changed: list[Change]
    removed: list[str]
    position: Position

    @property
    def more(self) -> bool:
        """Whether to ask again at once."""
        return self.position.more or bool(self.position.todo)


class Follower:
    """Follows the collections of a port."""

    def __init__(self, files: Files, contents: Contents) -> None:
        self._files, self._contents = files, contents

    async def step(self, folder: str, position: Position | None, window: Window) -> Step:
        """The next portion. Raises `CursorExpired`, `NotFound` when the collection is gone."""
        if position is None:
            now = await self._begin(folder, window)
        elif position.todo:
            now = position
        else:
            now = await self._ask(folder, position)
        await self._grow(folder, now, window)
        return await self._look(folder, now, window)

    async def _begin(self, folder: str, window: Window) -> Position:
        """All that there is; the token comes first, so that nothing falls between it and the listing."""
        answer = await self._files.dav.propfind(self._files.url(folder), (SYNC_TOKEN, CTAG))
        if not answer.found or all((one.status or 200) >= 400 for one in answer.found):
            raise NotFound("there is no such collection")
        said = answer.found[0]
        position = Position(token=said.text(SYNC_TOKEN), ctag=said.text(CTAG))
        narrowed = None if window.is_open else await self._contents.within(folder, window)
        if position.token is not None and narrowed is None:
            listed = await self._listed(folder, position)
            if listed is not None:
                return listed
        etags = await self._files.etags(folder)
        position.known = {} if position.token else {_name(path, folder): opaque(etag) for path, etag in etags.items()}
        position.todo = [_name(path, folder) for path in (etags if narrowed is None else narrowed) if path in etags]
        return position

    async def _listed(self, folder: str, position: Position) -> Position | None:
        """The first synchronisation; None where the server has tokens and does not take them."""
        try:
            answer = await self._sync(folder, None)
        except (Unauthorized, NotFound, Retryable):
            raise
        except ProviderError:
            position.token = None
            return None
        return self._noted(folder, position, answer)

    async def _ask(self, folder: str, position: Position) -> Position:
        if position.token is None:
            return await self._compared(folder, position)
        try:
            answer = await self._sync(folder, position.token)
        except (Unauthorized, NotFound):
            raise
        except ProviderError as error:
            raise await self._told_apart(folder, error) from None
        return self._noted(folder, replace(position, fresh=False), answer)

    async def _told_apart(self, folder: str, error: ProviderError) -> ProviderError:
        """Servers refuse an old token with many statuses (403, 409, 412, 500): with one that works without a token, it
        was the token."""
        status = error.original.get("status") if isinstance(error.original, dict) else None
        if isinstance(error, CursorExpired) or (isinstance(error, Retryable) and status != 500) or status is None:
            return error
        try:
            await self._sync(folder, None)
        except ProviderError:
            return error
        return CursorExpired("the server does not take its sync token any more")

    async def _sync(self, folder: str, token: str | None) -> Multistatus:
        body = elements.element(
            DAV + "sync-collection",
            elements.element(SYNC_TOKEN, text=token or ""),
            elements.element(DAV + "sync-level", text="1"),
            elements.props((ETAG,)),
        )
        answer = await self._files.dav.report(self._files.url(folder), elements.written(body), depth=0)
        if answer.sync_token is None:
            raise Unsupported("the server does not give a sync token")
        return answer

    def _noted(self, folder: str, position: Position, answer: Multistatus) -> Position:
        """What a server lists has changed, or is gone; what it is shows when it is read."""
        more = any(one.status == _TRUNCATED for one in answer.found)
        if more and answer.sync_token == position.token and not position.fresh:
            raise Unavailable("the server repeats the same part of its changes")
        names = [_name(one.path, folder) for one in answer.found if is_member(one.path, folder)]
        position.token, position.todo, position.more = answer.sync_token, list(dict.fromkeys(names)), more
        return position

    async def _compared(self, folder: str, position: Position) -> Position:
        """By ctag, where there is one, and ETags."""
        answer = await self._files.dav.propfind(self._files.url(folder), (CTAG,))
        ctag = answer.found[0].text(CTAG) if answer.found else None
        if ctag is not None and ctag == position.ctag:
            return position
        etags = await self._files.etags(folder)
        now = {_name(path, folder): opaque(etag) for path, etag in etags.items()}
        differing = [name for name, etag in now.items() if position.known.get(name) != etag or not etag]
        gone = [name for name in position.known if name not in now]
        return replace(position, ctag=ctag, known=now, todo=[*differing, *gone], fresh=False)

    async def _grow(self, folder: str, position: Position, window: Window) -> None:
        """A window that reaches further than before: what lies in the new part was never told of."""
        first, last = (None, None) if position.fresh else (_read(position.first), _read(position.last))
        for part in (
            Window(last, window.last) if last and (window.last is None or window.last > last) else None,
            Window(window.first, first) if first and (window.first is None or window.first < first) else None,
        ):
            if part is not None:
                found = await self._contents.within(folder, part)
                found = list(await self._files.etags(folder)) if found is None else found
                position.todo = list(dict.fromkeys((*position.todo, *(_name(path, folder) for path in found))))
        position.first = window.first.isoformat() if window.first else None
        position.last = window.last.isoformat() if window.last else None

    async def _look(self, folder: str, position: Position, window: Window) -> Step:
        names, rest = position.todo[:AT_ONCE], position.todo[AT_ONCE:]
        paths = {name: _path(name, folder) for name in names}
        batch = await self._files.many(folder, paths.values())
        step = Step([], [], replace(position, todo=rest, fresh=position.fresh and bool(rest)))
        for name, path in paths.items():
            if path in batch.broken:
                step.changed.append(Change(self._contents.item(path, ""), "unreadable"))
            else:
                self._tell(step, name, path, batch.files.get(path), window, fresh=position.fresh)
        return step

    def _tell(self, step: Step, name: str, path: str, file: File | None, window: Window, *, fresh: bool) -> None:
        items = self._contents.items(file, window) if file is not None else {}
        master = self._contents.item(path, "")
        for key, identity in items.items():
            assert file is not None
            below = master if key else None
            step.changed.append(Change(self._contents.item(path, key), file.version, below, identity))
        if "" not in items and not fresh:
            step.removed.append(master)  # and whatever lay below it that is not named
        if file is not None and name in step.position.known:
            step.position.known[name] = file.version
        elif file is None:
            step.position.known.pop(name, None)


def _read(end: str | None) -> datetime | None:
    return datetime.fromisoformat(end) if end else None


def _name(path: str, folder: str) -> str:
    return path.removeprefix(folder)


def _path(name: str, folder: str) -> str:
    return folder + name
