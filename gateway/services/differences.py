"""What a provider said, made ready to be written: pure functions without a database or a provider."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from providers.base.collection import Change, Delta


def cleaned(changes: Iterable[Change]) -> list[Change]:
    """The last word on each item, in order, as PostgreSQL can store it: an identity comes out of a header that anybody
    may have written, and one bad character must not stop a stream."""
    last = {change.id: change for change in changes}
    return [
        change if change.identity is None else replace(change, identity=_text(change.identity))
        for change in last.values()
    ]


def listed(deltas: Iterable[Delta], port: str) -> list[Change]:
    """What is there after a listing that came in several pieces."""
    there: dict[str, Change] = {}
    for delta in deltas:
        if gone := set(masters(delta, port)):
            there = {item: change for item, change in there.items() if change.parent not in gone}
        there |= {change.id: change for change in cleaned(delta.changed)}
        for item in delta.removed:
            there.pop(item, None)
    return list(there.values())


def masters(delta: Delta, port: str) -> list[str]:
    """Items below which there is only what the delta names: series, of which exceptions may be gone (see `Events`)."""
    if port != "events" or delta.adds:
        return []
    return [*(change.id for change in delta.changed if change.parent is None), *delta.removed]


def is_suspicious(left: int, before: int) -> bool:
    """Whether so few of the items before are left that a second look is due: a server that is being restarted or
    restored may well call a full mailbox empty."""
    return left * 2 < before


def is_drastic(removed: Collection[str], before: int) -> bool:
    """The same of removals that came one by one."""
    return bool(removed) and is_suspicious(before - len(removed), before)


def _text(value: str) -> str:
    return value.replace("\x00", "").encode("utf-8", "replace").decode()
