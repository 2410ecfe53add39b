"""Requests of the caller's own making, passed through with the account's token to the host that the path names."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from providers.base.errors import Invalid, NotFound
from providers.base.provider import DirectAnswer, DirectRequest
from providers.google.client import Client

#: First part of the path -> the host, and whether that part is one of the host's own paths.
_HOSTS: Mapping[str, tuple[str, bool]] = {
    "gmail": ("https://gmail.googleapis.com/", True),
    "calendar": ("https://www.googleapis.com/", True),
    "people": ("https://people.googleapis.com/", False),
    "tasks": ("https://tasks.googleapis.com/", True),
}
_KEPT = ("content-type", "retry-after", "etag")
_PATH = re.compile(r"[a-z]+/v\d[^\\\x00-\x20]*\Z")


async def passed(client: Client, root: str, request: DirectRequest) -> DirectAnswer:
    """See `Session.direct`."""
    path = request.path.lstrip("/")
    if not _PATH.match(path) or ".." in path or "//" in path:
        raise Invalid("must be a path of Google's, such as /gmail/v1/users/me/messages", path="path")
    product, _, rest = path.partition("/")
    if product not in _HOSTS:
        raise NotFound(f"there is no Google API {product[:40]!r} here")
    host, whole = _HOSTS[product]
    address = f"{root.rstrip('/') + '/' if root else host}{quote(path if whole else rest, safe=_SAFE)}"
    query = urlencode(list(request.query))
    kind = {"Content-Type": request.content_type} if request.body and request.content_type else {}
    answer = await client.passed(request.method, address + (f"?{query}" if query else ""), kind, request.body)
    return DirectAnswer(
        answer.status, {name: answer.headers[name] for name in _KEPT if name in answer.headers}, answer.body
    )


_SAFE = "/:@!$&'()*+,;=~%-._"
