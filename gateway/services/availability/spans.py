"""Sets of time: sorted lists of half-open spans that neither overlap, touch nor are empty."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

Span = tuple[int, int]  # [start, end), seconds since 1970 in UTC
Spans = list[Span]

#: all of time that matters; as what is unknown: nothing is known
ALWAYS: Span = (-(2**62), 2**62)


def merged(spans: Iterable[Span]) -> Spans:
    """The set of what lies in any of the spans, given in any order; empty and inverted ones hold nothing."""
    found: Spans = []
    rest = iter(sorted([span for span in spans if span[0] < span[1]]))
    first, last = next(rest, (0, 0))
    for start, end in rest:
        if start > last:
            found.append((first, last))
            first, last = start, end
        elif end > last:
            last = end
    return [*found, (first, last)] if first < last else found


def common(ours: Spans, theirs: Spans) -> Spans:
    """What lies in both sets."""
    found: Spans = []
    i = j = 0
    while i < len(ours) and j < len(theirs):
        start, end = max(ours[i][0], theirs[j][0]), min(ours[i][1], theirs[j][1])
        if start < end:
            found.append((start, end))
        if ours[i][1] < theirs[j][1]:
            i += 1
        else:
            j += 1
    return found


def without(ours: Spans, theirs: Spans) -> Spans:
    """What lies in the first set but not in the second."""
    found: Spans = []
    j = 0
    for start, end in ours:
        while j < len(theirs) and theirs[j][1] <= start:
            j += 1
        k = j
        while k < len(theirs) and theirs[k][0] < end:
            if start < theirs[k][0]:
                found.append((start, theirs[k][0]))
            start = theirs[k][1]
            k += 1
        if start < end:
            found.append((start, end))
    return found


def grown(spans: Iterable[Span], seconds: int) -> Spans:
    """The set, each span made longer at both ends; empty spans stay empty."""
    return merged([(start - seconds, end + seconds) for start, end in spans if start < end])


def inside(moments: Sequence[int], spans: Spans, length: int) -> Iterable[range]:
    """Of sorted moments, the runs of indices from which `length` seconds lie wholly within one span of the set."""
    for start, end in spans:
        if end - start >= length:
            yield range(bisect_left(moments, start), bisect_right(moments, end - length))


def crossing(moments: Sequence[int], spans: Spans, length: int) -> Iterable[range]:
    """Of sorted moments, the runs of indices from which `length` seconds overlap a span of the set."""
    for start, end in spans:
        yield range(bisect_right(moments, start - length), bisect_left(moments, end))
