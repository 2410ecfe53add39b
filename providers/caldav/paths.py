"""Paths of resources: how they are compared, and the ids that callers see.

Servers write one path in several ways (`%40` and `@`), also within one answer, and on several hosts (iCloud); so a path
is brought into one form and kept without its host. An id is that form in URL-safe Base64, with `~` in place of `_`,
which stands before the key of an occurrence.
"""

import binascii
import re
from base64 import b64decode, b64encode
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from providers.base.errors import NotFound

_KEPT = "@:"  # what servers in use write unescaped; the unreserved signs always are
_OCCURRENCE = re.compile(r"(.+)_(\d{8}(?:T\d{6}Z?)?)")
_MAX_ID = 2000  # characters


@lru_cache(maxsize=20_000)
def canonical(href: str, base: str = "") -> str:
    """The path of an href, which may be relative to the URL `base`: each segment escaped in one way."""
    path = urlsplit(urljoin(base, href.strip()) if base else href.strip()).path
    return "/".join(quote(unquote_to_bytes(part), safe=_KEPT) for part in path.split("/")) or "/"


def folder(path: str) -> str:
    """The path of a collection, which ends with a slash."""
    return path if path.endswith("/") else path + "/"


def parent(path: str) -> str:
    """The collection that a resource lies in."""
    return path.rstrip("/").rpartition("/")[0] + "/"


def item_id(path: str) -> str:
    """The id of a resource."""
    return b64encode(path.encode("ascii"), b"-~").rstrip(b"=").decode()


def path_of(text: str, kind: str = "item") -> str:
    """The path that an id names. Raises `NotFound` for what is no id of ours."""
    try:
        if len(text) > _MAX_ID:
            raise ValueError
        path = b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-~", validate=True).decode("ascii")
        parts = path.split("/")
        if not path.startswith("/") or canonical(path) != path or item_id(path) != text or {".", ".."} & set(parts):
            raise ValueError
    except (ValueError, binascii.Error):
        raise NotFound(f"there is no {kind} with the id {text[:80]!r}") from None
    return path


def split_id(text: str) -> tuple[str, str | None]:
    """The id of the resource, and the key of the occurrence that an event's id names."""
    match = _OCCURRENCE.fullmatch(text)
    return (match[1], match[2]) if match else (text, None)
