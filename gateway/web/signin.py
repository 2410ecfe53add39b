"""The sign-in form for accounts with a password: address and password first, servers for those whose are not found."""

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.browsers import Browser, Redirect
from gateway.http.addresses import Proxies, address_of
from gateway.http.answers import with_cookies
from gateway.services.signin import return_urls
from gateway.services.signin.authorization import Authorization, Form
from gateway.web.forms import FormTokens, fields
from gateway.web.rendering import page
from providers.base.errors import Denied, Invalid, ProviderError, RateLimited, Unauthorized, Unavailable
from schemas.accounts import ServiceType

#: What people call the account, where that is not its service type.
_CALLED = {ServiceType.IMAP: "e-mail", ServiceType.EWS: "Exchange", ServiceType.CALDAV: "calendar"}
_APP_PASSWORDS = frozenset({ServiceType.ICLOUD})
_SERVERLESS = frozenset({ServiceType.ICLOUD, ServiceType.SANDBOX})
_SUBMITTING = frozenset({ServiceType.IMAP})
_FIELDS = {"email": "email", "login": "login_string", "password": "password", "key": "auth_string1",
           "serverUrl": "server_url", "serverUrl2": "server_url2"}  # fmt: skip
_PATHS = {"loginString": "login", "authString1": "password"}
_NO_ADDRESS = "Please give your e-mail address, such as ann@example.com."
Handle = Callable[["SignInPages", Request], Awaitable[Response]]


class SignInPages:
    """Shows the form, and takes it; `public_url` is where people reach the gateway, `proxies` what stands between."""

    def __init__(self, sign_ins: Authorization, tokens: FormTokens, public_url: str, proxies: Proxies = ()) -> None:
        self._sign_ins, self._tokens, self._url, self._proxies = sign_ins, tokens, public_url, proxies

    def routes(self) -> list[BaseRoute]:
        """The pages."""
        return [
            Route("/signin/done", _guarded(self, SignInPages.done), methods=["GET"]),
            Route("/signin/{state}", _guarded(self, SignInPages.show), methods=["GET"]),
            Route("/signin/{state}", _guarded(self, SignInPages.send), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The empty form."""
        form = await self._sign_ins.form(request.path_params["state"], self._browser(request))
        return self._form(request, form, {"email": form.flow.login_hint or "", "serverUrl": form.flow.server_url or ""})

    async def send(self, request: Request) -> Response:
        """Sign in, or say what was wrong; or cancel."""
        given, browser, state = await fields(request, self._url), self._browser(request), request.path_params["state"]
        form = await self._sign_ins.form(state, browser)
        self._tokens.attempt(given.get("token", ""), _path(state))
        if "cancel" in given:
            return _gone(await self._sign_ins.cancel(state, browser))
        if wrong := _lacking(given, "password" if form.key_scopes is None else "key"):
            return self._form(request, form, given, wrong)
        try:
            return _gone(await self._sign_ins.password(state, browser, _credentials(given)))
        except ValidationError as error:
            names = [str(one["loc"][-1]) for one in error.errors(include_url=False, include_input=False)]
            return self._form(request, form, given, {_PATHS.get(name, name): "This cannot be used." for name in names})
        except (Unauthorized, Invalid, Unavailable) as error:
            if getattr(error, "code", None):
                raise
            wrong = _wrong(error) if form.key_scopes is None else {"key": error.message}
            return self._form(request, form, given, wrong)

    async def done(self, request: Request) -> Response:
        """The end of a sign-in in a window of its own: the window that opened it is told, if it shows a page of a
        trusted domain."""
        query = dict(request.query_params)
        origins = await self._sign_ins.openers(query.pop("clientId", ""))
        success = query.get("status") == "success"
        title = "You are signed in" if success else "You are not signed in"
        words = "This window can be closed." if success else query.get("message", "Please try again.")
        told = {"message": json.dumps(query), "origins": json.dumps(list(origins))}
        return page("done.html", title=title, words=words, told=told)

    def _browser(self, request: Request) -> Browser:
        return Browser(request.cookies, request.scope["request_id"], address_of(request, self._proxies))

    def _form(
        self, request: Request, form: Form, given: Mapping[str, str], wrong: Mapping[str, str] | None = None
    ) -> Response:
        kind, path = form.flow.service_type, _path(request.path_params["state"])
        called, status = _CALLED.get(kind, kind.value), 400 if wrong else 200
        shown: dict[str, Any] = {
            "forms": [return_urls.origin(form.flow.return_url)],
            "application": form.application.name,
            "given": given,
            "wrong": wrong or {},
            "token": self._tokens.make(path),
            "action": path,
        }
        if form.key_scopes is not None:
            title, scopes = f"Connect a {kind.value} service account", form.key_scopes.split()
            return page("key.html", status, title=title, kind=kind.value, scopes=scopes, **shown)
        return page(
            "signin.html",
            status,
            title=f"Connect your {called} account",
            kind=called,
            app_password=kind in _APP_PASSWORDS,
            servers=kind not in _SERVERLESS,
            submission=kind in _SUBMITTING,
            advanced=any(given.get(name) or name in shown["wrong"] for name in ("login", "serverUrl", "serverUrl2")),
            **shown,
        )


def _guarded(pages: SignInPages, handle: Handle) -> Callable[[Request], Awaitable[Response]]:
    """The handler, whose failures are pages, too."""

    @wraps(handle)
    async def run(request: Request) -> Response:
        request.scope["route_path"] = "/signin/{state}"
        try:
            return await handle(pages, request)
        except ProviderError as error:
            return failure(error)

    return run


def failure(error: ProviderError) -> Response:
    """A page that says what went wrong with a sign-in, and leads nowhere."""
    path = getattr(error, "path", None)
    words = error.message if not path or error.message.startswith(path) else f"{path}: {error.message}"
    title, status, headers = "This sign-in cannot go on", 400, {}
    if isinstance(error, RateLimited):
        status, headers = 429, {"retry-after": str(math.ceil(error.retry_after or 60))}
    elif isinstance(error, Unavailable):
        title, status, words = "Please try again later", 503, "The sign-in cannot go on at the moment."
    elif isinstance(error, Denied):
        status = 403
    shown = page("failure.html", status, title=title, words=words)
    shown.headers.update(headers)
    return shown


def _path(state: str) -> str:
    return f"/signin/{quote(state)}"


def _gone(redirect: Redirect) -> Response:
    headers = {"location": redirect.location, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return with_cookies(Response(b"", 303, headers), redirect.cookies)


def _lacking(given: Mapping[str, str], secret: str) -> dict[str, str]:
    wrong = {}
    if "@" not in given.get("email", "").strip()[1:-1]:
        wrong["email"] = _NO_ADDRESS
    if not given.get(secret):
        wrong[secret] = f"Please give the {secret}."
    return wrong


def _credentials(given: Mapping[str, str]) -> dict[str, str]:
    """The form as fields of an account; what was left empty is left out. A password is taken as it stands."""
    stripped = {name: text if name == "password" else text.strip() for name, text in given.items()}
    return {field: stripped[name] for name, field in _FIELDS.items() if stripped.get(name)}


def _wrong(error: ProviderError) -> dict[str, str]:
    if isinstance(error, Unauthorized):
        return {"password": f"The sign-in was refused. Please check address and password. ({error.message})"}
    path = getattr(error, "path", None) or ""
    name = _PATHS.get(path, path)
    return {name if name in _FIELDS else "form": error.message}
