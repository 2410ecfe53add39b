"""The position in the changes of one collection: all that the adapter remembers of a stream.

With sync tokens it holds the server's token; without, the versions of all resources. JSON, deflated, in URL-safe
Base64.
"""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from typing import Any

from providers.base.errors import CursorExpired

_FORM = 1  # of what is written
_MAX_OCTETS = 64 * 1024 * 1024


@dataclass(slots=True)
class Position:
    """`token` is the server's (None: it has none, `known` has versions by name and `ctag` tells whether to compare);
    `todo` has names still to be looked at, `fresh` until they were all looked at for the first time; `more`: the server
    cut its answer short. `first` and `last` are the ends of the window, as ISO 8601."""

    token: str | None = None
    ctag: str | None = None
    known: dict[str, str] = field(default_factory=dict)
    todo: list[str] = field(default_factory=list)
    fresh: bool = True
    more: bool = False
    first: str | None = None
    last: str | None = None


def write(positions: dict[str, Position]) -> str:
    """The cursor of a stream over these collections."""
    kept = {path: {key: value for key, value in asdict(one).items() if value} for path, one in positions.items()}
    text = json.dumps([_FORM, kept], separators=(",", ":"), sort_keys=True)
    return urlsafe_b64encode(zlib.compress(text.encode(), 6)).rstrip(b"=").decode()


def read(cursor: str) -> dict[str, Position]:
    """The positions by the paths of their collections. Raises `CursorExpired` for what is no cursor of ours."""
    try:
        packed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        form, kept = json.loads(zlib.decompressobj().decompress(packed, _MAX_OCTETS))
        if form != _FORM:
            raise ValueError
        return {path: _position(values) for path, values in kept.items()}
    except (ValueError, TypeError, zlib.error) as error:
        raise CursorExpired("this cursor cannot be read") from error


def _position(values: dict[str, Any]) -> Position:
    return Position(**{"fresh": False, **values})
