"""Sets of UIDs, as compact as commands want them (RFC 3501 section 9, RFC 4731)."""

from collections.abc import Iterable, Iterator

from providers.imap.wire import Line

_MANY = 20_000_000  # messages in one folder; a set that names more is hostile
_CHUNK = 200  # ranges in one command; some servers refuse command lines of more than 8,192 octets (RFC 7162 section 4)


def ranges(uids: Iterable[int]) -> Iterator[bytes]:
    """The sets to name these UIDs by, compact (`1:5,9`) and short enough for one command each."""
    found: list[bytes] = []
    for first, last in _runs(sorted(set(uids))):
        found.append(b"%d" % first if first == last else b"%d:%d" % (first, last))
        if len(found) == _CHUNK:
            yield b",".join(found)
            found = []
    if found:
        yield b",".join(found)


def compact(uids: Iterable[int]) -> bytes:
    """All of these in one set; `expand` reads it."""
    return b",".join(ranges(uids))


def _runs(uids: list[int]) -> Iterator[tuple[int, int]]:
    first = last = 0
    for uid in uids:
        if first and uid == last + 1:
            last = uid
            continue
        if first:
            yield first, last
        first = last = uid
    if first:
        yield first, last


def expand(sets: bytes, *, limit: int = _MANY) -> list[int]:
    """The numbers of a set such as `1:5,9` (ESEARCH, COPYUID), as they stand; at most `limit` of them."""
    numbers: list[int] = []
    for part in sets.split(b","):
        first, _, last = part.partition(b":")
        if first.isdigit() and (not last or last.isdigit()):
            low, high = sorted((int(first), int(last or first)))
            numbers.extend(range(low, min(high + 1, low + limit - len(numbers))))
    return numbers


def read_search(lines: Iterable[Line], tag: bytes | None = None) -> list[int]:
    """The UIDs of SEARCH and ESEARCH responses; of the latter, where `tag` is given, those to that command only."""
    found: list[int] = []
    for line in lines:
        head, _, rest = line.text.partition(b" ")
        if head.upper() == b"SEARCH":
            found.extend(int(word) for word in rest.split() if word.isdigit())
        elif head.upper() == b"ESEARCH" and (tag is None or b'"%b"' % tag in rest):
            words = rest.split()
            found.extend(expand(words[words.index(b"ALL") + 1]) if b"ALL" in words[:-1] else [])
    return found
