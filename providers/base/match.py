"""What a search means, message by message: the reference that every adapter's translation is measured by.

Adapters use it too for terms that their server cannot answer.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from providers.base.search import All, AnyOf, Contains, Flag, In, Is, Not, Received, Search, Size, Where


@dataclass(frozen=True, slots=True)
class Facts:
    """A message as a search sees it.

    `texts` gives a part of the message as decoded text and is asked only for parts that the search names; `folders`
    has the folder's id, and its name, path and system labels in lower case; `size` is in octets.
    """

    texts: Callable[[Where], str]
    received: datetime
    size: int
    flags: frozenset[Flag] = frozenset()
    folders: frozenset[str] = frozenset()


def matches(search: Search, facts: Facts) -> bool:
    """Whether the message is one that `search` asks for."""
    return bool(_MEANING[type(search)](search, facts))


def comparable(text: str) -> str:
    """Text without differences of case and of Unicode composition (in the manner of RFC 5051, i;unicode-casemap)."""
    return unicodedata.normalize("NFKD", text).casefold()


def _contains(term: Contains, facts: Facts) -> bool:
    return comparable(term.value) in comparable(facts.texts(term.where))


def _received(term: Received, facts: Facts) -> bool:
    return (term.since is None or term.since <= facts.received) and (term.until is None or facts.received < term.until)


def _size(term: Size, facts: Facts) -> bool:
    return (term.over is None or facts.size > term.over) and (term.under is None or facts.size < term.under)


def _in(term: In, facts: Facts) -> bool:
    return term.folder == "anywhere" or term.folder in facts.folders or term.folder.lower() in facts.folders


def _is(term: Is, facts: Facts) -> bool:
    return term.flag in facts.flags


def _not(term: Not, facts: Facts) -> bool:
    return not matches(term.term, facts)


def _all(term: All, facts: Facts) -> bool:
    return all(matches(inner, facts) for inner in term.terms)


def _any_of(term: AnyOf, facts: Facts) -> bool:
    return any(matches(inner, facts) for inner in term.terms)


_MEANING: Mapping[type, Callable[..., bool]] = {
    Contains: _contains,
    Received: _received,
    Size: _size,
    In: _in,
    Is: _is,
    Not: _not,
    All: _all,
    AnyOf: _any_of,
}
