"""Subjects and threading fields of replies."""

import pytest

from providers.formats.compose import reply_headers, reply_subject


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Minutes", "Re: Minutes"),
        ("Re: Minutes", "Re: Minutes"),
        ("RE: AW: Minutes", "Re: Minutes"),
        ("Re[2]: SV: Minutes", "Re: Minutes"),
        ("Antw: Minutes", "Re: Minutes"),
        ("回复：纪要", "Re: 纪要"),
        ("Fwd: Minutes", "Re: Fwd: Minutes"),
        ("Rest: of it", "Re: Rest: of it"),
        ("in: out", "Re: in: out"),
        ("", "Re:"),
        (None, "Re:"),
    ],
)
def test_one_reply_prefix(subject: str | None, expected: str) -> None:
    assert reply_subject(subject) == expected


@pytest.mark.parametrize(
    ("parent", "references", "answered", "expected"),
    [
        ("<c@x>", "<a@x> <b@x>", "<b@x>", ("<c@x>", "<a@x> <b@x> <c@x>")),
        ("<c@x>", None, "<b@x>", ("<c@x>", "<b@x> <c@x>")),
        ("<c@x>", "", "<a@x> <b@x>", ("<c@x>", "<c@x>")),  # RFC 5322 3.6.4: only a single In-Reply-To counts
        ("<c@x>", "<a@x> <c@x>", None, ("<c@x>", "<a@x> <c@x>")),
        (None, "<a@x>", None, ("", "<a@x>")),
        (None, None, None, ("", "")),
    ],
)
def test_threading_fields(
    parent: str | None, references: str | None, answered: str | None, expected: tuple[str, str]
) -> None:
    assert reply_headers(parent, references, answered) == expected
