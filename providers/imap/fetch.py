"""FETCH: what is asked for, and items by UID on the way back (RFC 3501 7.4.2).

Reads what servers send rather than what they should: items spread over several responses, in any order, flags left
out (unknown, not empty), and unsolicited responses for other messages, which are passed over.
"""

import re
from calendar import timegm
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from providers.imap import names
from providers.imap.sets import ranges
from providers.imap.tokens import parse
from providers.imap.wire import Command, Line

#: Upper-case name without partial offset and header list -> value. A BODYSTRUCTURE is octets as a rule: `structure`.
Items = dict[bytes, Any]

_FETCH = re.compile(rb"\d+ FETCH ", re.IGNORECASE)
_UID = re.compile(rb"[( ]UID (\d+)", re.IGNORECASE)
_DATE = re.compile(rb'INTERNALDATE "([^"]+)"', re.IGNORECASE)
_SECTION = re.compile(rb"(BODY\[[^\] ]*)[^\]]*\](?:<\d+>)?\Z")
_MONTHS = {name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_LAST_SECOND = 2**32 - 1
_DEPTH = 10


def _nested(depth: int) -> bytes:
    """A list within so many lists, none of its strings a literal."""
    inner = b"|" + _nested(depth - 1) if depth else b""
    return rb'\((?:[^()"{]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"' + inner + rb")*+\)"


#: A structure as most are; it stays as it was written until somebody needs it.
_STRUCTURE = re.compile(rb"(?<=[( ])BODYSTRUCTURE (" + _nested(_DEPTH) + rb")", re.IGNORECASE | re.DOTALL)


def commands(uids: Iterable[int], items: bytes) -> list[Command]:
    """UID FETCH of `items` for all of these."""
    return [(b"UID FETCH " + numbers + b" (" + items + b")",) for numbers in ranges(uids)]


def read(lines: Iterable[Line], wanted: Collection[int] | None = None) -> dict[int, Items]:
    """Items by UID; without `wanted` of every message that was spoken of."""
    found: dict[int, Items] = {}
    for line in lines:
        if _FETCH.match(line.text):
            items = _items(line)
            uid = items.get(b"UID")
            if isinstance(uid, bytes) and uid.isdigit() and (wanted is None or int(uid) in wanted):
                found.setdefault(int(uid), {}).update(items)
    return found


def _items(line: Line) -> Items:
    structure = _STRUCTURE.search(line.text)
    if structure is None:
        return _named(parse(line))
    rest = Line(line.text[: structure.start()] + line.text[structure.end() :], line.literals)
    return {b"BODYSTRUCTURE": structure[1], **_named(parse(rest))}


def _named(values: list[Any]) -> Items:
    data = values[2] if len(values) > 2 and isinstance(values[2], list) else []
    return {_key(name): value for name, value in zip(data[::2], data[1::2], strict=False) if isinstance(name, bytes)}


@lru_cache(maxsize=256)
def _key(name: bytes) -> bytes:
    name = name.upper()
    return _SECTION.sub(rb"\1]", name) if name.startswith(b"BODY[") else name


def read_times(lines: Iterable[Line]) -> dict[int, int]:
    """UID -> time of receipt (seconds since 1970) from `UID FETCH … (INTERNALDATE)`: tens of thousands of lines."""
    found: dict[int, int] = {}
    for line in lines:
        date = _DATE.search(line.text)
        if date and (uid := _UID.search(line.text)):
            found[int(uid[1])] = seconds(date[1])
    return found


def seconds(internal_date: bytes) -> int:
    """INTERNALDATE (`17-Jul-1996 02:44:25 -0700`) as seconds since 1970, within 32 bits; 0 when it is none."""
    try:
        day, clock, zone = internal_date.split()
        hours, minutes, secs = clock.split(b":")
        offset = int(zone[1:3]) * 3600 + int(zone[3:5]) * 60
        local = _midnight(day) + int(hours) * 3600 + int(minutes) * 60 + int(secs)
    except (ValueError, KeyError):
        return 0
    return min(max(local + offset if zone.startswith(b"-") else local - offset, 0), _LAST_SECOND)


@lru_cache(maxsize=4096)
def _midnight(day: bytes) -> int:
    number, month, year = day.split(b"-")
    return timegm((int(year), _MONTHS[month.lower()], int(number), 0, 0, 0))


def flag_items(capabilities: frozenset[str]) -> bytes:
    """What to FETCH for `flags`: Gmail keeps what others keep in folders and keywords as labels."""
    return b"FLAGS X-GM-LABELS" if "X-GM-EXT-1" in capabilities else b"FLAGS"


def flags(items: Mapping[bytes, Any]) -> frozenset[str] | None:
    """The flags of a message, Gmail's labels among them; None when the server did not say."""
    values, labels = items.get(b"FLAGS"), items.get(b"X-GM-LABELS")
    if not isinstance(values, list):
        return None
    found = _flag_set(tuple(values))
    named = [label for label in labels if isinstance(label, bytes)] if isinstance(labels, list) else []
    return found.union(map(names.decode, named)) if named else found


@lru_cache(maxsize=4096)
def _flag_set(values: tuple[bytes, ...]) -> frozenset[str]:
    return frozenset(value.decode("utf-8", "replace") for value in values if isinstance(value, bytes))
