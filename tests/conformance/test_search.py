"""Searches: whatever is asked, the answer is that of the reference matcher, newest first."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.base.collection import PageRequest
from providers.base.match import matches
from providers.base.ports import MessageQuery
from providers.base.query import parse
from providers.base.search import (
    All,
    AnyOf,
    Contains,
    Flag,
    In,
    Is,
    Not,
    Received,
    Search,
    Size,
    Where,
    names_folder,
)
from tests.conformance.backends import Backend, Subject, subject
from tests.conformance.corpus import BY_ID, CORPUS, Entry
from tests.conformance.messages import START, folder_id, listed

pytestmark = pytest.mark.anyio
PORT = "messages"

NOW = START + timedelta(days=30)


@pytest.fixture(scope="module")
async def library(backend: Backend, anyio_backend: str) -> AsyncIterator[Subject]:
    """A mailbox with the corpus."""
    box = await subject(backend)
    for entry in CORPUS:
        await box.inject(entry.source, entry.folder, entry.flags, entry.received)
    yield box
    await box.close()


async def found(box: Subject, search: Search, parent: str | None = None, everywhere: bool = False) -> list[str]:
    query = MessageQuery(search=search, include_trash_and_junk=everywhere)
    return [message.internet_message_id or "" for message in await listed(box.session, query, parent, limit=10)]


def expected(search: Search, everywhere: bool = False, folder: str | None = None) -> list[str]:
    def candidate(entry: Entry) -> bool:
        if folder is not None:
            return entry.folder == folder
        return everywhere or names_folder(search) or entry.folder not in ("trash", "junk")

    newest_first = sorted(BY_ID.items(), key=lambda item: item[1].received, reverse=True)
    return [id_ for id_, entry in newest_first if candidate(entry) and matches(search, entry.facts)]


QUERIES = [
    "report",
    "REPORT pizza",
    "invoice OR lunch",
    "-report",
    '"ten percent"',
    '"Lunch on Friday?"',
    "会議",
    "Übersicht",
    "übersicht",
    "10:30",
    "https://pay.example/x?id=4711&ok=1",
    "100%",
    "from:ann",
    "from:jürgen",
    "from:Müller",
    "from:jm@example.de",
    "-from:bob@example.com",
    "to:dora",
    "cc:carol",
    "bcc:secret@example.net",
    "subject:invoice",
    "subject:日程",
    "subject:(report OR quartal)",
    "body:pasta",
    "body:Quartal",
    "body:percent from:ann",
    "has:attachment",
    "-has:attachment is:unread",
    "has:attachment in:archive",
    "is:read (is:read has:attachment)",
    "is:read has:attachment",
    "-(is:read is:flagged)",
    "-(is:read OR is:flagged)",
    "is:read",
    "is:unread",
    "is:flagged",
    "is:unflagged",
    "is:answered",
    "is:unanswered is:read",
    "after:2026-01-10",
    "before:2026-01-10",
    "after:01/08/2026 before:2026/01/12",
    "after:2026-01-10T03:00:00Z before:2026-01-10T20:00:00+01:00",
    f"after:{int((START + timedelta(hours=34)).timestamp())}",
    f"before:{int((START + timedelta(hours=34)).timestamp())}",
    "newer_than:2w",
    "older_than:25d",
    "in:inbox",
    "in:sent",
    "in:trash",
    "in:junk OR in:trash",
    "in:draft",
    "in:archive report",
    "in:anywhere pizza",
    "in:Projects/Alpha",
    "in:alpha",
    "-in:inbox",
    "in:nowhere",
    "in:nowhere OR pizza",
    "larger:1K",
    "smaller:1K",
    "larger:400 smaller:6K",
    "(from:ann OR from:bob) -{pizza invoice} is:read",
    "nothing-like-this",
    "",
]


def needs(box: Subject, search: Search) -> None:
    """Skip what means something else at the provider, which its own tests cover."""
    if box.lacks("substrings") and any(isinstance(leaf, Contains) for leaf in leaves_of(search)):
        pytest.skip("the provider looks for whole words")
    if box.lacks("answered") and Is(Flag.ANSWERED) in leaves_of(search):
        pytest.skip("the provider does not know what was answered")


def without_words(search: Search) -> Search:
    """The same tree, with a flag in place of what means something else at the provider."""
    if isinstance(search, Not):
        return Not(without_words(search.term))
    if isinstance(search, All | AnyOf):
        return type(search)(tuple(map(without_words, search.terms)))
    return Is(Flag.FLAGGED) if isinstance(search, Contains) or search == Is(Flag.ANSWERED) else search


def leaves_of(search: Search) -> list[Search]:
    if isinstance(search, Not):
        return leaves_of(search.term)
    if isinstance(search, All | AnyOf):
        return [leaf for term in search.terms for leaf in leaves_of(term)]
    return [search]


@pytest.mark.parametrize("query", QUERIES)
async def test_query(library: Subject, query: str) -> None:
    search = parse(query, now=NOW)
    needs(library, search)
    assert await found(library, search) == expected(search)


def test_the_queries_find_something_and_not_everything() -> None:
    hits = [len(expected(parse(query, now=NOW))) for query in QUERIES]
    assert sum(0 < count < len(CORPUS) for count in hits) > len(QUERIES) * 0.9


@pytest.mark.parametrize("query", ["pizza", "is:unread", "has:attachment", "in:trash", "in:inbox", "-in:inbox"])
async def test_query_within_a_folder(library: Subject, query: str) -> None:
    parent = await folder_id(library.session, "trash")
    search = parse(query, now=NOW)
    needs(library, search)
    assert await found(library, search, parent) == expected(search, folder="trash")


async def test_every_folder_on_request(library: Subject) -> None:
    search = parse("has:attachment", now=NOW)
    everywhere = await found(library, search, everywhere=True)
    assert everywhere == expected(search, everywhere=True) != expected(search)


async def test_pages_of_a_search(library: Subject) -> None:
    search = parse("is:read OR has:attachment", now=NOW)
    ids, cursor = [], None
    while True:
        page = await library.session.messages.find(None, MessageQuery(search=search), PageRequest(cursor, 3))
        ids.extend(record.internet_message_id for record in page.records)
        cursor = page.cursor
        if cursor is None:
            break
        assert len(page.records) == 3
    assert ids == expected(search)


WORDS = [
    *("report", "PIZZA", "pasta", "Quartal", "percent", "4711", "example", "ann", "Müller", "会議", "10:30", "padding"),
    *('say "pasta"', "two in one", "back\\slash", "*", "%", "{5}", "pay.example", "x" * 300),
]
moments = st.sampled_from(
    [START + timedelta(hours=hours) for hours in range(0, 480, 17)] + [datetime(2026, 1, 9, tzinfo=UTC)]
)
sizes = st.sampled_from([0, 300, 400, 1000, 6000, 1 << 40])
leaves: st.SearchStrategy[Search] = st.one_of(
    st.builds(Contains, st.sampled_from(Where), st.sampled_from(WORDS)),
    st.builds(Is, st.sampled_from(Flag)),
    st.builds(Received, moments | st.none(), moments | st.none()),
    st.builds(Size, sizes | st.none(), sizes | st.none()),
    st.builds(
        In, st.sampled_from(["inbox", "sent", "draft", "trash", "junk", "archive", "anywhere", "alpha", "nowhere"])
    ),
)
trees: st.SearchStrategy[Search] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, max_size=3).map(lambda terms: All(tuple(terms))),
        st.lists(inner, max_size=3).map(lambda terms: AnyOf(tuple(terms))),
    ),
    max_leaves=6,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(search=trees, everywhere=st.booleans())
async def test_any_tree(library: Subject, search: Search, everywhere: bool) -> None:
    search = without_words(search) if library.lacks("substrings") else search
    assert await found(library, search, everywhere=everywhere) == expected(search, everywhere), repr(search)
