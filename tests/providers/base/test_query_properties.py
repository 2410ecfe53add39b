"""Whatever is typed, `parse` answers with a tree or with `Invalid`; and a printed tree reads back as itself."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from providers.base.errors import Invalid
from providers.base.query import parse
from providers.base.search import All, AnyOf, Contains, Flag, In, Is, Not, Received, Search, Size, Where
from providers.base.terms import FIELDS

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)

PIECES = [
    *(f"{name}:" for name in FIELDS),
    *'"(){}|-',
    "OR",
    "NOT",
    " ",
    "  ",
    "\n",
    "a",
    "3d",
    "5M",
    "2026-01-31",
    "é",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))
def test_nothing_but_a_tree_or_invalid(query: str) -> None:
    try:
        parse(query, now=NOW)
    except Invalid as refused:
        assert refused.path == "q"
        assert refused.message.isprintable()


# What is not printable ASCII or a letter is left to the test above: white space inside a phrase is not kept as it was.
values = st.text(
    st.characters(categories=("L", "N", "P", "S"), exclude_characters='"'), min_size=1, max_size=12
) | st.sampled_from(["two words", "OR", "NOT", "-x", "from:y", "(", "会議"])
moments = st.integers(1_000_000_000, 9_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
leaves: st.SearchStrategy[Search] = st.one_of(
    st.builds(Contains, st.sampled_from(Where), values),
    st.builds(Is, st.sampled_from(Flag)),
    st.builds(lambda moment: Received(since=moment), moments),
    st.builds(lambda moment: Received(until=moment), moments),
    st.builds(lambda size: Size(over=size), st.integers(0, 10**12)),
    st.builds(lambda size: Size(under=size), st.integers(0, 10**12)),
    st.builds(In, st.sampled_from(["inbox", "junk", "anywhere", "Projects/Alpha", "two words"])),
)
trees: st.SearchStrategy[Search] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: All(tuple(terms))),
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: AnyOf(tuple(terms))),
    ),
    max_leaves=12,
)


def printed(search: Search) -> str:
    match search:
        case Contains(Where.TEXT, value):
            return f'"{value}"'
        case Contains(where, value):
            return f'{where}:"{value}"'
        case Is(Flag.ATTACHMENT):
            return "has:attachment"
        case Is(flag):
            return f"is:{flag}"
        case Received(since=datetime() as since):
            return f"after:{int(since.timestamp())}"
        case Received(until=datetime() as until):
            return f"before:{until.isoformat()}"
        case Size(over=int() as over):
            return f"larger:{over}"
        case Size(under=int() as under):
            return f"smaller:{under}"
        case In(folder):
            return f'in:"{folder}"'
        case Not(term):
            return f"-{printed(term)}"
        case All(terms):
            return f"({' '.join(map(printed, terms))})"
        case AnyOf(terms):
            return f"({' OR '.join(map(printed, terms))})"
    raise AssertionError(search)


@given(trees)
def test_a_printed_tree_reads_back_as_itself(tree: Search) -> None:
    assert parse(printed(tree), now=NOW) == tree
