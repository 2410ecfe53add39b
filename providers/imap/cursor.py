"""The position of a page: behind which message it begins, so that new mail does not shift pages, nor a deletion."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from providers.base.errors import Invalid
from providers.imap.snapshot import Position


def encode(position: Position) -> str:
    """As text that is opaque to callers."""
    return urlsafe_b64encode(json.dumps(position, ensure_ascii=False).encode()).decode().rstrip("=")


def decode(cursor: str | None) -> Position | None:
    """The position; None for the first page. Raises `Invalid(pageToken)`."""
    if cursor is None:
        return None
    try:
        time, folder, uid = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        if type(time) is not int or type(folder) is not str or type(uid) is not int or not 0 <= time < 2**32:
            raise ValueError
    except (ValueError, RecursionError):
        raise Invalid("is no page token of this list", path="pageToken") from None
    return Position(time, folder, uid)
