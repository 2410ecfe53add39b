"""A search expression as far as an IMAP server can answer it (RFC 3501 6.4.4), and what is left to us.

The server answers whole branches of the tree: text, flags, sizes. Times of receipt are answered from the index, since
SEARCH knows days only, and those in the server's own zone. Attachments are looked up in the structure of each
candidate. `In` is settled before, folder by folder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from providers.base.search import All, AnyOf, Contains, Flag, In, Is, Not, Received, Search, Size, Where
from providers.imap.wire import Literal, astring

Words = tuple[bytes | Literal, ...]

_KEYS = {where: where.value.upper().encode() for where in Where}
_FLAGS = {Flag.READ: b"SEEN", Flag.FLAGGED: b"FLAGGED", Flag.ANSWERED: b"ANSWERED"}
_OPPOSITES: Mapping[Words, Words] = {(word,): (b"UN" + word,) for word in _FLAGS.values()}
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # not strftime, which speaks the host's language
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Server:
    """A branch that the server answers; `ascii` False: its words need CHARSET UTF-8; `single`: one search key.

    `alone`: it is not made part of an OR or a NOT, since Dovecot 2.3 answers those wrongly: with UNSEEN anywhere it
    looks from the first unseen message on (`OR UNSEEN UNFLAGGED`), and it merges sizes as if nothing were negated.
    `sized`: two of them are not asked together either.
    """

    words: Words
    ascii: bool = True
    single: bool = True
    alone: bool = False
    sized: bool = False

    @property
    def key(self) -> Words:
        """As one search key; without parentheses where that can be, since not every server understands them."""
        return self.words if self.single else (b"(", *self.words, b")")


@dataclass(frozen=True, slots=True)
class Within:
    """Received at or after `since` and before `until`, in seconds since 1970."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Look:
    """A term that needs a look at the message: an attachment, or words that the server has no charset for."""

    term: Is | Contains


@dataclass(frozen=True, slots=True)
class Negated:
    """Does not hold."""

    branch: "Branch"


@dataclass(frozen=True, slots=True)
class Every:
    """All hold; none: everything does."""

    branches: "tuple[Branch, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    """One of them holds."""

    branches: "tuple[Branch, ...]"


Branch = Server | Within | Look | Negated | Every | Some


def settle(search: Search, is_in: Callable[[str], bool]) -> Search:
    """The expression within one folder: every `In` replaced by what it is there."""
    if isinstance(search, In):
        return All(()) if is_in(search.folder) else AnyOf(())
    if isinstance(search, Not):
        return Not(settle(search.term, is_in))
    if isinstance(search, All | AnyOf):
        return type(search)(tuple(settle(term, is_in) for term in search.terms))
    return search


def branches(search: Search, *, utf8: bool = True) -> Branch:
    """The plan for a settled expression; `utf8` False: the server takes ASCII words only."""
    if isinstance(search, Contains):
        words = search.value.encode("utf-8", "replace")
        return (
            Server((_KEYS[search.where] + b" ", astring(words)), words.isascii())
            if utf8 or words.isascii()
            else Look(search)
        )
    if isinstance(search, Is):
        return Look(search) if search.flag is Flag.ATTACHMENT else Server((_FLAGS[search.flag],), alone=True)
    if isinstance(search, Received):
        return Within(_timestamp(search.since, float("-inf")), _timestamp(search.until, float("inf")))
    if isinstance(search, Size):
        return _size(search)
    if isinstance(search, Not):
        return _negated(branches(search.term, utf8=utf8))
    if isinstance(search, All):
        return _every([branches(term, utf8=utf8) for term in search.terms], search)
    if isinstance(search, AnyOf):
        return _some([branches(term, utf8=utf8) for term in search.terms])
    raise TypeError(f"{type(search).__name__} was not settled before")


def _timestamp(instant: datetime | None, default: float) -> float:
    return default if instant is None else instant.timestamp()


def _size(size: Size) -> Branch:
    """SMALLER 0 holds for nothing and LARGER 0 for everything; servers are at odds about both."""
    if size.under is not None and size.under <= 0:
        return Some(())
    found: list[Branch] = []
    if size.over is not None and size.over > 0:
        found.append(Server((b"LARGER %d" % size.over,), alone=True, sized=True))
    if size.under is not None:
        found.append(Server((b"SMALLER %d" % size.under,), alone=True, sized=True))
    return found[0] if len(found) == 1 else Every(tuple(found))


def _negated(branch: Branch) -> Branch:
    if not isinstance(branch, Server):
        return Negated(branch)
    if branch.words in _OPPOSITES:
        return Server(_OPPOSITES[branch.words], alone=True)
    if branch.alone:
        return Negated(branch)
    return Server((b"NOT ", *branch.key), branch.ascii)


def _every(found: Sequence[Branch], search: All) -> Branch:
    """What the server answers in one command; the days around a time of receipt spare it the rest of the folder."""
    sized = [branch for branch in found if isinstance(branch, Server) and branch.sized]
    served = [branch for branch in found if isinstance(branch, Server) and branch not in sized[1:]]
    others = [branch for branch in found if branch not in served]
    if not served:
        return Every(tuple(others))
    days = [word for term in search.terms if isinstance(term, Received) for word in _days(term)]
    words = _joined([*(branch.words for branch in served), *((word,) for word in days)])
    single = len(served) + len(days) == 1 and served[0].single
    server = Server(words, all(one.ascii for one in served), single, any(one.alone for one in served), bool(sized))
    return Every((server, *others)) if others else server


def _days(received: Received) -> list[bytes]:
    """SINCE and BEFORE, a day wider than asked: the server's zone is unknown."""
    found = []
    if received.since is not None and received.since.year > 1970:
        found.append(b"SINCE " + _day(received.since - _DAY))
    if received.until is not None and received.until.year < 9999:
        found.append(b"BEFORE " + _day(received.until + 2 * _DAY))
    return found


def _day(instant: datetime) -> bytes:
    return b"%d-%b-%d" % (instant.day, _MONTHS[instant.month - 1], instant.year)


def _some(found: Sequence[Branch]) -> Branch:
    served = [branch for branch in found if isinstance(branch, Server) and not branch.alone]
    others = [branch for branch in found if branch not in served]
    if not served:
        return Some(tuple(others))
    server = served[0]
    for branch in served[1:]:
        server = Server((b"OR ", *server.key, b" ", *branch.key), server.ascii and branch.ascii)
    return Some((server, *others)) if others else server


def _joined(words: Sequence[Words]) -> Words:
    joined: list[bytes | Literal] = []
    for group in words:
        joined += [b" ", *group] if joined else group
    return tuple(joined)


def served(branch: Branch) -> list[Server]:
    """The branches that the server is asked for."""
    if isinstance(branch, Server):
        return [branch]
    if isinstance(branch, Negated):
        return served(branch.branch)
    if isinstance(branch, Every | Some):
        return [found for inner in branch.branches for found in served(inner)]
    return []


Looked = Callable[[Is | Contains], bool | None]


def holds(branch: Branch, uid: int, time: int, answers: Mapping[Server, set[int]], look: Looked) -> bool | None:
    """Whether a message is one that is sought; None: not without a look at it."""
    if isinstance(branch, Server):
        return uid in answers[branch]
    if isinstance(branch, Within):
        return branch.since <= time < branch.until
    if isinstance(branch, Look):
        return look(branch.term)
    if isinstance(branch, Negated):
        inner = holds(branch.branch, uid, time, answers, look)
        return None if inner is None else not inner
    decisive = isinstance(branch, Some)
    results = [holds(inner, uid, time, answers, look) for inner in branch.branches]
    if decisive in results:
        return decisive
    return None if None in results else not decisive
