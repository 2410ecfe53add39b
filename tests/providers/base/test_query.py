"""The grammar of `q`: what each form means, and what is refused with a finger on the character."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from providers.base.errors import Invalid
from providers.base.query import MAX_DEPTH, MAX_TERMS, parse
from providers.base.scanner import MAX_LENGTH
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

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)


def text(value: str) -> Contains:
    return Contains(Where.TEXT, value)


def day(year: int, month: int, number: int) -> datetime:
    return datetime(year, month, number, tzinfo=UTC)


MEANINGS: dict[str, Search] = {
    "": All(()),
    "  \t\n ": All(()),
    "hello": text("hello"),
    "a b": All((text("a"), text("b"))),
    '"a  b" c': All((text("a b"), text("c"))),
    "a OR b": AnyOf((text("a"), text("b"))),
    "a | b|c": AnyOf((text("a"), text("b"), text("c"))),
    "a b OR c d": All((text("a"), AnyOf((text("b"), text("c"))), text("d"))),
    "(a b) OR c": AnyOf((All((text("a"), text("b"))), text("c"))),
    "{a b}": AnyOf((text("a"), text("b"))),
    "-a": Not(text("a")),
    "NOT a": Not(text("a")),
    '-"a b"': Not(text("a b")),
    "-(a b)": Not(All((text("a"), text("b")))),
    "-a OR b": AnyOf((Not(text("a")), text("b"))),
    "a - b": All((text("a"), text("-"), text("b"))),
    "well-known": text("well-known"),
    "or not and": All((text("or"), text("not"), text("and"))),
    "from:bob@example.com": Contains(Where.FROM, "bob@example.com"),
    "FROM:Bob": Contains(Where.FROM, "Bob"),
    'to:"Bob Smith"': Contains(Where.TO, "Bob Smith"),
    "cc:(a b)": All((Contains(Where.CC, "a"), Contains(Where.CC, "b"))),
    "bcc:{a b}": AnyOf((Contains(Where.BCC, "a"), Contains(Where.BCC, "b"))),
    "subject:(a OR -b)": AnyOf((Contains(Where.SUBJECT, "a"), Not(Contains(Where.SUBJECT, "b")))),
    "subject:(to:me)": Contains(Where.SUBJECT, "to:me"),
    "-body:x": Not(Contains(Where.BODY, "x")),
    "foo:bar": text("foo:bar"),
    "10:30": text("10:30"),
    "https://example.com/?a=b": text("https://example.com/?a=b"),
    "会議 Müller": All((text("会議"), text("Müller"))),
    "has:attachment": Is(Flag.ATTACHMENT),
    "is:read": Is(Flag.READ),
    "is:unread": Not(Is(Flag.READ)),
    "is:FLAGGED": Is(Flag.FLAGGED),
    "is:starred": Is(Flag.FLAGGED),
    "is:unflagged": Not(Is(Flag.FLAGGED)),
    "is:answered": Is(Flag.ANSWERED),
    "is:unanswered": Not(Is(Flag.ANSWERED)),
    "is:{unread starred}": AnyOf((Not(Is(Flag.READ)), Is(Flag.FLAGGED))),
    "after:01/31/2026": Received(since=day(2026, 1, 31)),
    "after:2026/1/31": Received(since=day(2026, 1, 31)),
    "since:2026-01-31": Received(since=day(2026, 1, 31)),
    "before:2026-01-31": Received(until=day(2026, 1, 31)),
    "after:2026-01-31T09:30:00Z": Received(since=datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
    "before:2026-01-31T09:30:00.5+01:00": Received(until=datetime(2026, 1, 31, 8, 30, 0, 500_000, tzinfo=UTC)),
    "after:1769850000": Received(since=datetime(2026, 1, 31, 9, tzinfo=UTC)),
    "after:0": Received(since=day(1970, 1, 1)),
    "newer_than:12h": Received(since=NOW - timedelta(hours=12)),
    "newer_than:3d": Received(since=NOW - timedelta(days=3)),
    "older_than:2W": Received(until=NOW - timedelta(weeks=2)),
    "newer_than:1m": Received(since=datetime(2026, 2, 28, 12, 30, tzinfo=UTC)),
    "older_than:2y": Received(until=datetime(2024, 3, 31, 12, 30, tzinfo=UTC)),
    "in:inbox": In("inbox"),
    "in:SENT": In("sent"),
    "in:drafts": In("draft"),
    "in:spam": In("junk"),
    "in:trash": In("trash"),
    "in:anywhere": In("anywhere"),
    'in:"Projects/Alpha Beta"': In("Projects/Alpha Beta"),
    "larger:5000": Size(over=5000),
    "larger:10M": Size(over=10 << 20),
    "smaller:200k": Size(under=200 << 10),
    "smaller:1G": Size(under=1 << 30),
}


@pytest.mark.parametrize("query", MEANINGS, ids=repr)
def test_meaning(query: str) -> None:
    assert parse(query, now=NOW) == MEANINGS[query]


# query -> (position of the finger, 1-based; a part of the reason)
REFUSALS = {
    'a "b': (3, "never closed"),
    "a (b": (3, "never closed"),
    "{a b": (1, "never closed"),
    "a)": (2, "closes nothing"),
    "(a}": (3, "closes nothing"),
    "()": (1, "nothing between"),
    "a { }": (3, "nothing between"),
    '""': (1, "nothing between"),
    "from:": (1, "from: has no value"),
    "a from: b": (3, "from: has no value"),
    "(to:)": (2, "to: has no value"),
    'subject:" "': (9, "nothing between"),
    "OR": (1, "both sides"),
    "a OR": (5, "both sides"),
    "| a": (1, "both sides"),
    "a OR OR b": (6, "both sides"),
    "(a OR ) b": (7, "closes nothing"),
    "NOT": (1, "needs a term"),
    "a (NOT )": (4, "needs a term"),
    "after:02/30/2026": (7, "no date"),
    "after:31/01/2026": (7, "no date"),
    "after:2026": (7, "no date"),
    "after:20260131": (7, "no date"),
    "before:yesterday": (8, "no date"),
    "after:2026-01-31T09:30": (7, "no date"),
    "after:999999999999": (7, "no date"),
    "newer_than:3": (12, "no age"),
    "newer_than:-3d": (12, "no age"),
    "older_than:9000y": (12, "before the year 1"),
    "larger:big": (8, "no size"),
    "larger:-1": (8, "no size"),
    "smaller:999999999999999G": (9, "no size"),
    "is:purple": (4, "is: takes"),
    "has:wings": (5, "has: takes"),
    "a\0b": (2, "U+0000"),
    "a\ud800": (2, "U+D800"),
    "x" * (MAX_LENGTH + 1): (MAX_LENGTH + 1, "longer than"),
    "-" * (MAX_DEPTH + 1) + "a": (MAX_DEPTH + 1, "deep"),
    "(" * (MAX_DEPTH + 1) + "a": (MAX_DEPTH + 1, "deep"),
    "a " * (MAX_TERMS + 1): (2 * MAX_TERMS + 1, "more than"),
}


@pytest.mark.parametrize("query", REFUSALS, ids=lambda query: repr(query[:20]))
def test_refusal_points_at_the_character(query: str) -> None:
    position, reason = REFUSALS[query]
    with pytest.raises(Invalid) as refused:
        parse(query, now=NOW)
    assert refused.value.path == "q"
    assert refused.value.message.startswith(f"q, character {position}: ")
    assert reason in refused.value.message
    assert f"^{query[position - 1 : position + 3]}" in refused.value.message.replace(
        "\ufffd", query[position - 1 :][:1]
    )


def test_days_begin_in_the_zone_given() -> None:
    assert parse("after:2026-07-01", now=NOW, zone=ZoneInfo("America/New_York")) == Received(
        since=datetime(2026, 7, 1, 4, tzinfo=UTC)
    )


def test_a_day_outside_of_the_calendar_of_utc_is_refused() -> None:
    with pytest.raises(Invalid, match="no date"):
        parse("after:0001-01-01", now=NOW, zone=ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("query", "named"),
    [("a", False), ("in:trash a", True), ("-in:trash a", False), ("(a OR in:anywhere) b", True)],
)
def test_a_folder_counts_as_named_only_when_it_is_asked_for(query: str, named: bool) -> None:
    assert names_folder(parse(query, now=NOW)) is named
