"""Which messages belong together: sets of Message-IDs that refer to each other (RFC 5322 3.6.4), as 64-bit hashes.

The id of a conversation depends on its messages alone, not on the order in which they were seen: it is the first
message that its oldest member refers to, or that member itself. So every process gives the same id, also after a
restart; when conversations merge, the older one's id stays; and every Message-ID in it, earlier ids included, resolves.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

from providers.imap.facts import link
from providers.imap.ids import MessageId


@dataclass(slots=True)
class _Conversation:
    oldest: tuple[int, int] = (1 << 63, 0)  # time of receipt and own hash of the oldest member
    head: int = 0  # the hash that is the id
    members: list[MessageId] = field(default_factory=list)


class Conversations:
    """A union-find structure; grows only, since a message that went still joins those that refer to it."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._roots: dict[int, _Conversation] = {}

    def add(self, place: MessageId, links: tuple[int, ...], received: int) -> None:
        """A message: its own hash (0: it has none) and those it refers to, the first one of the conversation first."""
        own = links[0] or link(f"{place.folder}\0{place.uidvalidity}\0{place.uid}")
        root = self._root(own)
        for other in links[1:]:
            root = self._join(root, self._root(other))
        conversation = self._roots.setdefault(root, _Conversation())
        conversation.members.append(place)
        if (received, own) < conversation.oldest:
            conversation.oldest, conversation.head = (received, own), links[1] if len(links) > 1 else own

    def id_of(self, place: MessageId, links: tuple[int, ...]) -> str | None:
        """The id of a message's conversation; None for a message that was not added."""
        own = links[0] or link(f"{place.folder}\0{place.uidvalidity}\0{place.uid}")
        conversation = self._roots.get(self._root(own)) if own in self._parents else None
        return _encode(conversation.head) if conversation else None

    def members(self, thread_id: str) -> list[MessageId] | None:
        """Where the messages lie or once lay; None for an id that names no conversation."""
        hashed = _decode(thread_id)
        conversation = self._roots.get(self._root(hashed)) if hashed in self._parents else None
        return list(conversation.members) if conversation else None

    def _root(self, hashed: int) -> int:
        parents = self._parents
        parent = parents.setdefault(hashed, hashed)
        while parent != hashed:
            parents[hashed] = parents[parent]  # halve the path on the way
            hashed, parent = parent, parents[parents[parent]]
        return hashed

    def _join(self, first: int, second: int) -> int:
        if first == second:
            return first
        one, other = self._roots.get(first), self._roots.get(second)
        if other is not None and (one is None or len(one.members) < len(other.members)):
            first, second, one, other = second, first, other, one
        self._parents[second] = first
        self._roots.pop(second, None)
        if one is not None and other is not None:
            one.members += other.members
            one.oldest, one.head = min((one.oldest, one.head), (other.oldest, other.head))
        return first


def _encode(hashed: int) -> str:
    return urlsafe_b64encode(hashed.to_bytes(8, "big")).rstrip(b"=").decode()


def _decode(thread_id: str) -> int | None:
    try:
        data = urlsafe_b64decode(thread_id.encode("ascii") + b"=" * (-len(thread_id) % 4))
    except ValueError:
        return None
    return int.from_bytes(data, "big") if len(data) == 8 and _encode(int.from_bytes(data, "big")) == thread_id else None
