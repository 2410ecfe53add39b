"""What a structure says at first sight is what its parts say; and it survives any neighbours in the response."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.formats.body import plan
from providers.imap.fetch import read
from providers.imap.shape import Shape, plan_of, shape_of
from providers.imap.structure import structure
from providers.imap.tokens import parse
from providers.imap.wire import Line

_WORD = st.sampled_from(["a.pdf", "...", "=?utf-8?q??=", "x 12 y", "7", "name", "<1@x>", "<>", " ", r"q\"(uo", "ted)"])
_NAMES = st.sampled_from(["charset", "name", "filename", "filename*", "boundary", "method"])


def _quoted(value: str) -> str:
    return f'"{value}"'


_PARAMETERS = st.lists(st.tuples(_NAMES, _WORD).map(lambda pair: f'"{pair[0]}" "{pair[1]}"'), max_size=3).map(
    lambda pairs: f"({' '.join(pairs)})" if pairs else "NIL"
)
_OPTIONAL = st.none() | _WORD
_DISPOSITION = st.sampled_from(["inline", "attachment", "INLINE"])


@st.composite
def _leaves(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["text plain", "text html", "text calendar", "image png", "application ics"]))
    main, sub = kind.split()
    cid = draw(_OPTIONAL)
    lines = f" {draw(st.integers(0, 10**6))}" if main == "text" else ""
    disposition = draw(st.none() | st.tuples(_DISPOSITION, _PARAMETERS).map(lambda pair: f'("{pair[0]}" {pair[1]})'))
    size = draw(st.integers(0, 10**9))
    head = f'"{main}" "{sub}" {draw(_PARAMETERS)} {_quoted(cid) if cid is not None else "NIL"} NIL "7bit" {size}{lines}'
    return f"({head} NIL {disposition or 'NIL'} NIL NIL)"


_MULTIPART = st.sampled_from(["mixed", "alternative", "related", "signed"])
_STRUCTURES = st.recursive(
    _leaves(),
    lambda inner: st.tuples(st.lists(inner, min_size=1, max_size=3), _MULTIPART, _PARAMETERS).map(
        lambda made: f'({"".join(made[0])} "{made[1]}" {made[2]} NIL NIL NIL)'
    ),
    max_leaves=6,
)


@given(_STRUCTURES)
def test_a_shape_says_what_the_parts_say(text: str) -> None:
    raw = text.encode()
    told = plan(structure(parse(Line(raw))[0]))
    assert shape_of(raw) == Shape.of(told)
    assert plan_of(raw) == told


@given(_STRUCTURES, st.permutations([b"UID 7", b"FLAGS (\\Seen)", b"S", b"BODY[HEADER.FIELDS (DATE)] {3}"]))
def test_it_is_cut_out_whole_wherever_it_stands(text: str, items: list[bytes]) -> None:
    raw = text.encode()
    line = b"1 FETCH (" + b" ".join(b"BODYSTRUCTURE " + raw if item == b"S" else item for item in items) + b")"
    found = read([Line(line, [b"a: "])])[7]
    assert found[b"BODYSTRUCTURE"] == raw
    assert (found[b"FLAGS"], found[b"BODY[HEADER.FIELDS]"]) == ([b"\\Seen"], b"a: ")


@pytest.mark.parametrize("deep", [3, 60])
def test_with_a_literal_or_very_deep_it_is_parsed_with_the_rest(deep: int) -> None:
    leaf = b'("text" "plain" ("name" {5}) NIL NIL "7bit" 1 1)'
    line = b"1 FETCH (UID 7 BODYSTRUCTURE " + b"(" * deep + leaf + b")" * deep + b")"
    found = read([Line(line, [b"a.txt"])])[7][b"BODYSTRUCTURE"]
    for _ in range(deep):
        [found] = found
    assert found[2] == [b"name", b"a.txt"]
