"""The position of a page in a sorted list: behind which item it begins, so that what comes and goes shifts nothing."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import TypeVar

from providers.base.collection import Page, PageRequest
from providers.base.errors import Invalid

T = TypeVar("T")
Key = tuple[str, str]


def encode(key: Key) -> str:
    """As text that is opaque to callers."""
    return urlsafe_b64encode(json.dumps(key).encode()).rstrip(b"=").decode()


def decode(cursor: str | None) -> Key | None:
    """The key of the last item of the page before; None for the first page. Raises `Invalid`."""
    if cursor is None:
        return None
    try:
        first, second = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        if type(first) is not str or type(second) is not str:
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise Invalid("is no page token of this list", path="pageToken") from None
    return first, second


def page(found: Iterable[T], key: Callable[[T], Key], request: PageRequest) -> Page[T]:
    """The page of a list in the order of its keys; no more of it is taken than needed."""
    after = decode(request.cursor)
    taken: list[T] = []
    for one in found:
        if after is not None and key(one) <= after:
            continue
        if len(taken) == request.limit:
            return Page(taken, encode(key(taken[-1])) if taken else None)
        taken.append(one)
    return Page(taken)
