"""Positions in feeds as clients hold them. They are no secrets and not signed: what may be read is decided by the
credentials alone.

Of one account: `<sequence>.<microseconds since 1970 of its event>`; a mere sequence is understood too. Of an
application: `a` and Base64 of compressed JSON `[base, [[account, sequence, microseconds since base], ...]]`; it grows
by some 12 characters for each account that moved within two minutes before the last event.
"""

import base64
import json
import re
import zlib
from http import HTTPStatus

from pydantic import TypeAdapter

from gateway.http.problems import Problem
from gateway.positions import EPOCH, Place, instant, microseconds

_SEQUENCE = re.compile(r"(\d{1,18})(?:\.(\d{1,17}))?")
_MAX = 1 << 20  # octets of JSON
_VECTOR = TypeAdapter(tuple[int, list[tuple[int, int, int]]])


class EventCursors:
    """Writes and reads positions."""

    def seal(self, place: Place, account_id: int | None) -> str:
        """A place as text."""
        if account_id is None:
            return _packed(place)
        sequence, at = place.moved[account_id]
        return f"{sequence}.{microseconds(at)}"

    def open(self, text: str, account_id: int | None) -> Place | int:
        """The place that a text stands for; a sequence, where its time is not given. `account_id` is None for a feed
        of all accounts. Raises `Problem` (400, `token.notValid`)."""
        try:
            return _unpacked(text) if account_id is None else _single(text, account_id)
        except (ValueError, OverflowError, zlib.error):
            kind = "of all accounts of an application" if account_id is None else "of one account"
            message = f"since (or Last-Event-ID): is no position in the feed {kind}"
            raise Problem(HTTPStatus.BAD_REQUEST, "token.notValid", message) from None


def _single(text: str, account_id: int) -> Place | int:
    match = _SEQUENCE.fullmatch(text)
    if match is None:
        raise ValueError
    if match[2] is None:
        return int(match[1])
    return Place(EPOCH, {account_id: (int(match[1]), instant(int(match[2])))})


def _packed(place: Place) -> str:
    base = microseconds(place.base)
    moved = [[account, sequence, microseconds(at) - base] for account, (sequence, at) in sorted(place.moved.items())]
    text = json.dumps([base, moved], separators=(",", ":")).encode()
    return "a" + base64.urlsafe_b64encode(zlib.compress(text)).decode().rstrip("=")


def _unpacked(text: str) -> Place:
    if text == "0":
        return Place(EPOCH, {})
    if not text.startswith("a") or not text.isascii():
        raise ValueError
    packed = base64.b64decode(text[1:] + "=" * (-(len(text) - 1) % 4), altchars="-_", validate=True)
    reader = zlib.decompressobj()
    plain = reader.decompress(packed, _MAX)
    if not reader.eof or reader.unused_data:
        raise ValueError
    base, moved = _VECTOR.validate_json(plain)
    if base < 0 or not all(0 <= number < 2**63 for entry in moved for number in entry):
        raise ValueError
    return Place(instant(base), {account: (sequence, instant(base + since)) for account, sequence, since in moved})
