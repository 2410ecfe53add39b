"""Sets of time against sets of numbers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.services.availability.spans import Span, Spans, common, crossing, grown, inside, merged, without

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)
SETS = SPANS.map(merged)


def numbers(spans: list[Span]) -> set[int]:
    return {n for start, end in spans for n in range(start, end)}


@given(SPANS)
def test_merged_spans_are_sorted_and_apart(spans: list[Span]) -> None:
    found = merged(spans)
    assert numbers(found) == numbers(spans)
    assert all(start < end for start, end in found)
    assert all(earlier[1] < later[0] for earlier, later in itertools.pairwise(found))


@given(SETS, SETS)
def test_common_and_without_are_those_of_sets(ours: Spans, theirs: Spans) -> None:
    assert common(ours, theirs) == merged(common(ours, theirs))
    assert numbers(common(ours, theirs)) == numbers(ours) & numbers(theirs)
    assert without(ours, theirs) == merged(without(ours, theirs))
    assert numbers(without(ours, theirs)) == numbers(ours) - numbers(theirs)


@given(SETS, st.integers(0, 5))
def test_grown_spans_hold_all_that_is_near(spans: Spans, by: int) -> None:
    assert numbers(grown(spans, by)) == {n + step for n in numbers(spans) for step in range(-by, by + 1)}


@given(SETS, st.sets(st.integers(-10, 50)).map(sorted), st.integers(1, 9))
def test_inside_and_crossing_are_those_of_sets(spans: Spans, moments: list[int], length: int) -> None:
    held, slots = numbers(spans), [set(range(moment, moment + length)) for moment in moments]
    within = {index for run in inside(moments, spans, length) for index in run}
    touching = {index for run in crossing(moments, spans, length) for index in run}
    assert within == {index for index, slot in enumerate(slots) if slot <= held}
    assert touching == {index for index, slot in enumerate(slots) if slot & held}
