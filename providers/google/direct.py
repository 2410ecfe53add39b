"""Requests of the caller's own making, passed through with the account's token to the host that the path names."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

from providers.base.errors import Invalid, NotFound
from providers.base.provider import DirectAnswer, DirectRequest
from providers.google.client import Client
from providers.google.methods import gmail_method
from schemas.accounts import Scope

#: First part of the path -> the host, and whether that part is one of the host's own paths.
_HOSTS: Mapping[str, tuple[str, bool]] = {
    "gmail": ("https://gmail.googleapis.com/", True),
    "calendar": ("https://www.googleapis.com/", True),
    "people": ("https://people.googleapis.com/", False),
    "tasks": ("https://tasks.googleapis.com/", True),
}
#: What a caller may see of the answer's headers: nothing of the connection, of credentials, of cookies.
_KEPT = frozenset(
    """cache-control content-disposition content-encoding content-language content-range content-type etag expires
    last-modified link location retry-after""".split()
)
_PATH = re.compile(r"[a-z]+/v\d[^\\\x00-\x20\x7f]*\Z")
_SAFE = "/:@!$&'()*+,;=~%-._"
_LAYERS = 3  # of percent-encoding that are looked through

_MAIL = frozenset((Scope.MAIL_READ, Scope.MAIL_READ_WRITE, Scope.MAIL_DRAFTS, Scope.MAIL_ALL))
_SENDING = frozenset((Scope.MAIL_SEND, Scope.MAIL_DRAFTS, Scope.MAIL_ALL))
_DRAFTING = frozenset((Scope.MAIL_READ_WRITE, Scope.MAIL_DRAFTS, Scope.MAIL_ALL))
#: Product -> what reads there, what writes there.
_SCOPES: Mapping[str, tuple[frozenset[Scope], frozenset[Scope]]] = {
    "gmail": (_MAIL, frozenset((Scope.MAIL_READ_WRITE, Scope.MAIL_ALL))),
    "calendar": (
        frozenset((Scope.CALENDAR_READ, Scope.CALENDAR_READ_WRITE)),
        frozenset((Scope.CALENDAR_READ_WRITE,)),
    ),
    "people": (
        frozenset((Scope.CONTACTS_READ, Scope.CONTACTS_READ_WRITE)),
        frozenset((Scope.CONTACTS_READ_WRITE,)),
    ),
    "tasks": (frozenset((Scope.TASKS_READ, Scope.TASKS_READ_WRITE)), frozenset((Scope.TASKS_READ_WRITE,))),
}
_READING_POSTS = ("calendar/v3/freeBusy",)


async def passed(client: Client, root: str, request: DirectRequest) -> DirectAnswer:
    """See `Session.direct`."""
    path, product = _checked(request.path)
    host, whole = _HOSTS[product]
    rest = path if whole else path.partition("/")[2]
    address = f"{root.rstrip('/') + '/' if root else host}{quote(rest, safe=_SAFE)}"
    query = quote(request.query, safe=_SAFE + "?")
    url = address + (f"?{query}" if query else "")
    name = gmail_method(request.method, unquote(path)) or f"{product}.passed"
    answer = await client.passed(name, request.method, url, request.headers, request.body)
    kept = {name: value for name, value in answer.headers.items() if name in _KEPT}
    return DirectAnswer(answer.status, kept, answer.body)


def scopes(request: DirectRequest) -> frozenset[Scope]:
    """See `Provider.direct_scopes`. Settings of Gmail are no scope's business."""
    path, product = _checked(request.path)
    name = gmail_method(request.method, unquote(path)) or ""
    if name.startswith("gmail.users.settings."):
        return frozenset()
    if name in ("gmail.users.messages.send", "gmail.users.drafts.send"):
        return _SENDING
    reading, writing = _SCOPES[product]
    if request.method == "GET" or path in _READING_POSTS:
        return reading
    return _DRAFTING if name.startswith("gmail.users.drafts.") else writing


def _checked(path: str) -> tuple[str, str]:
    """The path and the product that it begins with. Raises `Invalid` for what may lead elsewhere, `NotFound`."""
    path = path.removeprefix("/")
    if not path.isascii() or not all(_is_plain(text) for text in _read(path)):
        raise Invalid("must be a path of Google's, such as gmail/v1/users/me/messages", path="providerPath")
    product = path.partition("/")[0]
    if product not in _HOSTS:
        raise NotFound(f"there is no Google API {product[:40]!r} here")
    return path, product


def _read(path: str) -> Iterator[str]:
    """The path as it stands, and as servers might read it that decode more than once."""
    for _ in range(_LAYERS):
        yield path
        path = unquote(path)


def _is_plain(path: str) -> bool:
    return _PATH.match(path) is not None and "//" not in path and not {".", ".."} & set(path.split("/"))
