"""The reference meaning of each term."""

from datetime import UTC, datetime

import pytest

from providers.base.match import Facts, matches
from providers.base.query import parse
from providers.base.search import Flag, Where

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
TEXTS = {
    Where.FROM: "Zoë Müller <zoe@example.com>",
    Where.TO: "bob@example.org",
    Where.SUBJECT: "Invoice 10:30",
    Where.BODY: "Der Betrag ist fällig. 会議は月曜日",
}
MESSAGE = Facts(
    texts=lambda where: " ".join(TEXTS.values()) if where is Where.TEXT else TEXTS.get(where, ""),
    received=datetime(2026, 3, 30, 9, tzinfo=UTC),
    size=2048,
    flags=frozenset({Flag.READ, Flag.ATTACHMENT}),
    folders=frozenset({"f1", "projects/alpha", "alpha"}),
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", True),
        ("from:zoe@EXAMPLE.com", True),
        ("from:MÜLLER", True),
        ("from:Mu\u0308ller", True),  # decomposed
        ("to:zoe", False),
        ("cc:zoe", False),
        ("invoice betrag", True),
        ("invoice nothing", False),
        ("nothing OR 会議", True),
        ("-nothing", True),
        ("-invoice", False),
        ("10:30", True),
        ('"ist fällig"', True),
        ("body:invoice", False),
        ("is:read has:attachment", True),
        ("is:unread", False),
        ("is:answered", False),
        ("after:2026-03-30", True),
        ("before:2026-03-30", False),
        ("after:2026-03-30T09:00:00Z", True),  # at or after
        ("before:2026-03-30T09:00:00Z", False),  # strictly before
        ("newer_than:2d", True),
        ("older_than:2d", False),
        ("larger:2047", True),
        ("larger:2K", False),
        ("smaller:2K", False),
        ("smaller:2049", True),
        ("in:alpha", True),
        ("in:Projects/Alpha", True),
        ("in:f1", True),
        ("in:inbox", False),
        ("in:anywhere", True),
    ],
)
def test_matches(query: str, expected: bool) -> None:
    assert matches(parse(query, now=NOW), MESSAGE) is expected
