"""The folders and messages of an account as they were at one moment: who asks sees one list, newest first."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from typing import NamedTuple

from providers.imap.connection import Namespace
from providers.imap.contents import Contents, key
from providers.imap.listing import Folder
from providers.imap.roles import VIEWS, Role

_INHERITED = (Role.TRASH, Role.JUNK, Role.ARCHIVE)


class Position(NamedTuple):
    """The place of a message in a list: newest first, then by folder and UID, both descending."""

    time: int
    folder: str
    uid: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All folders, and what those hold that can be opened."""

    folders: Mapping[str, Folder] = field(default_factory=dict)
    contents: Mapping[str, Contents] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    namespace: Namespace = field(default_factory=Namespace)  # where new folders are made

    @property
    def size(self) -> int:
        """How many messages it holds."""
        return sum(map(len, self.contents.values()))

    def folder(self, role: Role) -> Folder | None:
        """The folder of that use."""
        return next((folder for folder in self.folders.values() if folder.role is role), None)

    def role_of(self, name: str) -> Role | None:
        """The use of a folder; what lies below trash, junk and archive is of the same use."""
        folder = self.folders.get(name)
        while folder is not None:
            if folder.role is not None and (folder.name == name or folder.role in _INHERITED):
                return folder.role
            folder = self.folders.get(folder.parent or "")
        return None

    def mailboxes(self, *, trash_and_junk: bool) -> list[str]:
        """The folders that together hold every message once (Gmail: its All Mail, as labels only repeat it)."""
        apart = (Role.TRASH, Role.JUNK)
        everything = self.folder(Role.ALL) if "X-GM-EXT-1" in self.capabilities else None
        roles = {name: self.role_of(name) for name in self.contents}
        if everything is not None and everything.name in roles:
            return [everything.name] + [name for name in roles if trash_and_junk and roles[name] in apart]
        return [name for name in roles if roles[name] not in VIEWS and (trash_and_junk or roles[name] not in apart)]

    def newest(self, mailboxes: Iterable[str], before: Position | None = None) -> Iterator[Position]:
        """The messages of these folders, newest first, from behind `before`."""
        return merge(*(self._newest(name, before) for name in mailboxes), reverse=True)

    def _newest(self, name: str, before: Position | None) -> Iterator[Position]:
        for received, uid in self.contents[name].newest(_below(name, before)):
            yield Position(received, name, uid)


def _below(name: str, before: Position | None) -> int:
    """The first `Contents.order` value of a folder that is not in the list behind `before`."""
    if before is None:
        return 1 << 64
    if name == before.folder:
        return key(before.time, before.uid)
    return key(before.time + (name < before.folder), 0)
