"""Where sign-ins may end. URLs are compared as text, so that no two parsers can disagree about them."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit

from providers.base.errors import Invalid

#: What a URL is made of (RFC 3986 2), without the fragment: browsers read a backslash as a slash, and skip tabs.
_PLAIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:_~]+(/[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*|\?[^#\\\s]*)?")
_MOST = 4096


def check(url: str, registered: Iterable[str]) -> str:
    """`url` when it is registered, or differs from one that is by a query only. Raises `Invalid`."""
    if len(url) > _MOST or not url.isascii() or not _PLAIN.fullmatch(url):
        raise Invalid("is no web address without a fragment", path="returnUrl", code="returnUrl.notValid")
    for known in registered:
        if url == known or ("?" not in known and url.startswith(known + "?")):
            return url
    raise Invalid("is not registered for this application", path="returnUrl", code="returnUrl.notRegistered")


def origin(url: str) -> str:
    """The origin of a URL, as trusted domains are written."""
    parts = urlsplit(url.lower())
    default = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(default)}"


def with_query(url: str, added: Mapping[str, str | None]) -> str:
    """The URL with further parameters behind those that it has."""
    query = urlencode({name: value for name, value in added.items() if value is not None})
    return f"{url}{'&' if '?' in url else '?'}{query}"
