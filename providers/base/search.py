"""The search language of `q`: what an expression means, whatever provider carries it out.

`parse` (in `providers/base/query.py`) turns text into this tree; each provider translates the tree.
Text matches are case-insensitive substrings; instants compare with the time of receipt; sizes are octets.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: What `In.folder` may hold beside names and ids of folders; `anywhere` is the whole account, trash and junk included.
LABELS = frozenset({"inbox", "sent", "draft", "trash", "junk", "archive", "anywhere"})


class Where(StrEnum):
    """The part of a message that a word is looked for in; TEXT is the headers and the body."""

    TEXT = "text"
    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    SUBJECT = "subject"
    BODY = "body"


class Flag(StrEnum):
    """A yes-or-no property of a message."""

    READ = "read"
    FLAGGED = "flagged"
    ANSWERED = "answered"
    ATTACHMENT = "attachment"


@dataclass(frozen=True, slots=True)
class Contains:
    """`value` occurs in that part."""

    where: Where
    value: str


@dataclass(frozen=True, slots=True)
class Is:
    """The flag is set."""

    flag: Flag


@dataclass(frozen=True, slots=True)
class Received:
    """Received at or after `since` and before `until` (aware; either may be None)."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """Larger than `over` or smaller than `under` octets."""

    over: int | None = None
    under: int | None = None


@dataclass(frozen=True, slots=True)
class In:
    """Lies in the folder: one of `LABELS`, or else a folder's name, path (any case) or id (exact)."""

    folder: str


@dataclass(frozen=True, slots=True)
class Not:
    """Does not match."""

    term: "Search"


@dataclass(frozen=True, slots=True)
class All:
    """Every term matches; no terms: everything does."""

    terms: "tuple[Search, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one term matches."""

    terms: "tuple[Search, ...]"


Search = Contains | Is | Received | Size | In | Not | All | AnyOf


def names_folder(search: "Search | None") -> bool:
    """Whether the expression asks for a folder, so that trash and junk are not left out of the answer by default."""
    if isinstance(search, All | AnyOf):
        return any(names_folder(term) for term in search.terms)
    return isinstance(search, In)
