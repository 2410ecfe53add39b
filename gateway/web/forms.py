"""Forms that were sent: read, bounded, and only from pages of this gateway."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request

from providers.base.errors import Denied, Invalid, TooLarge

_MOST, _FIELDS = 64 * 1024, 100  # octets, fields
_LIFE = 4 * 3600  # seconds for which a form can be sent
_OWN = frozenset({"same-origin", "none"})


class FormTokens:
    """A form's token: made with the page, good for a while, for one page only; it names one attempt."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._serializer = URLSafeTimedSerializer(list(reversed(keys)), salt="postroom.form")

    def make(self, page: str) -> str:
        """A token for a form on this page."""
        return str(self._serializer.dumps([page, uuid4().hex]))

    def attempt(self, token: str, page: str) -> str:
        """The attempt of a token. Raises `Invalid` when it is of another page or too old."""
        try:
            made_for, attempt = self._serializer.loads(token, max_age=_LIFE)
        except (BadData, ValueError, TypeError, UnicodeError):
            made_for, attempt = None, ""
        if made_for != page:
            raise Invalid("This page has been open for too long: please send the form again", path="token")
        return str(attempt)


async def fields(request: Request, origin: str) -> Mapping[str, str]:
    """The fields of a form. `origin`: where the gateway is reached; other sites' forms are refused.

    Raises `Denied`, `Invalid`, `TooLarge`."""
    _check_origin(request, origin)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Invalid("The form was not sent as a form", path="content-type")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST:
            raise TooLarge("The form is too large")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise Invalid("The form cannot be read", path="body") from None


def _check_origin(request: Request, origin: str) -> None:
    """Browsers say where a form comes from; a program that says nothing could do anything anyway."""
    said, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    host = request.headers.get("host", "").lower()
    known = {urlsplit(origin).netloc.lower(), host}
    foreign = said not in (None, "null") and urlsplit(str(said)).netloc.lower() not in known
    if foreign or (site is not None and site not in _OWN):
        raise Denied("The form comes from another site")
