"""How a sign-in ends for the application: the parameters that its return URL gets."""

from gateway.browsers import Browser, Cookie, Redirect
from gateway.services.signin import return_urls
from providers.base.errors import Denied, Invalid, ProviderError, RateLimited, Unauthorized, Unavailable, Unsupported


class Refused(Denied):
    """The sign-in worked at the provider, and is not what the application asked for; `code` names the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


#: error class -> the `error` of the redirect: names of RFC 6749 4.1.2.1 where there is one
_CODES: tuple[tuple[type[ProviderError], str], ...] = (
    (Unauthorized, "access_denied"),
    (Denied, "access_denied"),
    (Invalid, "invalid_request"),
    (Unsupported, "unsupported_service"),
    (RateLimited, "temporarily_unavailable"),
    (Unavailable, "temporarily_unavailable"),
)


def success(return_url: str, state: str | None, cookies: tuple[Cookie, ...] = (), **given: str | None) -> Redirect:
    """Back to the application, which gets what was asked for."""
    query = {"status": "success", "state": state, **given}
    return Redirect(return_urls.with_query(return_url, query), cookies)


def failure(return_url: str, state: str | None, error: ProviderError, browser: Browser) -> Redirect:
    """Back to the application, with what went wrong."""
    known = (code for kind, code in _CODES if isinstance(error, kind))
    code = error.code if isinstance(error, Refused) else next(known, "server_error")
    path = getattr(error, "path", None)
    words = error.message if not path or error.message.startswith(path) else f"{path}: {error.message}"
    query = {
        "status": "error",
        "state": state,
        "error": code,
        "message": words,
        "details": words,
        "requestId": browser.request_id or None,
    }
    return Redirect(return_urls.with_query(return_url, query))
