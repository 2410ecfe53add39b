"""Credentials of a request -> the caller (behaviour.md, section 1)."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Protocol

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from gateway.http.problems import Problem
from gateway.http.route import Access, Audience
from gateway.identity import Account, Application, Caller, User
from providers.base.errors import Denied, NotFound
from schemas.accounts import Scope

ACCOUNT_HEADERS = ("x-aurinko-account-id", "x-aurinko-accountid")  # both generations
_CLIENT_HEADERS = ("x-aurinko-clientid", "x-aurinko-client-id")
_TYPE_HEADERS = ("x-aurinko-auth-type", "x-aurinko-authtype")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE = {"www-authenticate": 'Basic realm="postroom", charset="UTF-8"'}
_USER_CHALLENGE = {"www-authenticate": 'Session realm="postroom"'}  # browsers ask for a password when they see Basic


_USER_WANTED = "a session (cookie and X-Aurinko-ClientId, or X-Aurinko-Session)"
_WANTED = {
    Audience.APPLICATION: "Basic client id and secret",
    Audience.ACCOUNT: "a Bearer account token",
    Audience.EITHER: "a Bearer account token, or Basic client id and secret",
    Audience.USER: _USER_WANTED,
    Audience.IDENTITY: "X-Aurinko-ClientId, X-Aurinko-AuthType: exchangeIdToken, and the identity token as Bearer",
}


class Identity(Protocol):
    """What credentials stand for; None for those that stand for nothing."""

    async def application(self, client_id: str, secret: str) -> Application | None: ...
    async def token(self, bearer: str) -> tuple[Application, Account] | None: ...
    async def account(self, application: Application, account_id: int) -> Account | None: ...
    async def client(self, client_id: str) -> Application | None: ...
    async def session(self, value: str) -> tuple[Application, User] | None: ...
    async def cookie(
        self, application: Application, cookies: Mapping[str, str], mailbox_info: str | None
    ) -> User | None: ...
    async def identity_token(self, application: Application, token: str) -> User | None: ...
    async def external_id(self, application: Application, token: str) -> str: ...


async def identify(identity: Identity, access: Access, headers: Headers, method: str = "GET") -> Caller | None:
    """The caller of a row. Raises `Problem` (401, 403) or `NotFound` (an account of somebody else)."""
    if access.audience in (Audience.ANYONE, Audience.PROVIDER):
        return None
    scheme, _, value = headers.get("authorization", "").partition(" ")
    taken = access.audience
    if taken is Audience.IDENTITY:
        return await _with_identity(identity, scheme, value.strip(), headers)
    if scheme.lower() == "bearer" and taken is not Audience.APPLICATION and _is_identity_token(headers):
        caller = await _as_user(identity, await _by_identity_token(identity, value.strip(), headers), access, headers)
    elif scheme.lower() == "bearer" and taken in (Audience.ACCOUNT, Audience.EITHER):
        caller = await _by_token(identity, value.strip())
    elif scheme.lower() == "basic" and taken is not Audience.USER:
        caller = await _by_application(identity, value.strip(), access, headers)
    elif not scheme and taken is not Audience.APPLICATION:
        caller = await _as_user(identity, await _by_session(identity, access, headers, method), access, headers)
    else:
        raise _missing(access)
    _check_scopes(caller, access)
    return caller


async def still_stands(identity: Identity, access: Access, headers: Headers) -> bool:
    """Whether a caller who was let in would be let in again."""
    try:
        await identify(identity, access, headers)
    except (Problem, NotFound):
        return False
    return True


async def _as_user(identity: Identity, found: tuple[Application, User], access: Access, headers: Headers) -> Caller:
    """The user; on the account that a header names where the row is about one."""
    application, user = found
    if access.audience is Audience.USER:
        return Caller(application, user=user)
    account = await identity.account(application, _account_id(headers))
    if account is None or account.user_id != user.id:
        raise NotFound("The account named in X-Aurinko-Account-Id is none of this user")
    return Caller(application, account, user)


async def _by_session(identity: Identity, access: Access, headers: Headers, method: str) -> tuple[Application, User]:
    client_id = _first(headers, _CLIENT_HEADERS)
    if value := headers.get("x-aurinko-session"):
        found = await identity.session(value)
        if found is None or client_id not in (None, found[0].client_id):
            raise _signed_out()
        return found
    if client_id is None or "cookie" not in headers:
        raise _missing(access)
    application = await identity.client(client_id)
    if application is None:
        raise _signed_out()
    _check_origin(application, headers, method)
    cookies = cookie_parser(headers["cookie"])
    user = await identity.cookie(application, cookies, headers.get("x-aurinko-mailbox-info"))
    if user is None:
        raise _signed_out()
    return application, user


async def _by_identity_token(identity: Identity, token: str, headers: Headers) -> tuple[Application, User]:
    application = await identity.client(_first(headers, _CLIENT_HEADERS) or "")
    user = await identity.identity_token(application, token) if application else None
    if application is None or user is None:
        raise _signed_out("The identity token is of no user of this application")
    return application, user


async def _with_identity(identity: Identity, scheme: str, token: str, headers: Headers) -> Caller:
    application = await identity.client(_first(headers, _CLIENT_HEADERS) or "")
    if application is None or scheme.lower() != "bearer" or not _is_identity_token(headers):
        raise _signed_out(f"Credentials are missing: this call takes {_WANTED[Audience.IDENTITY]}")
    try:
        return Caller(application, external_id=await identity.external_id(application, token))
    except Denied as error:
        raise _signed_out(error.message) from None


def _is_identity_token(headers: Headers) -> bool:
    return (_first(headers, _TYPE_HEADERS) or "").lower() == "exchangeidtoken"


def _check_origin(application: Application, headers: Headers, method: str) -> None:
    """Cookies travel whatever page asked: it must be one of the application's own; reading without saying where from
    is no harm, since browsers then keep the answer from other sites."""
    origin = headers.get("origin")
    if origin is None and method in _SAFE:
        return
    if origin is None or origin.lower() not in application.trusted_domains:
        message = "Origin: is not a trusted domain of this application, whose pages alone may use its sessions"
        raise Problem(HTTPStatus.FORBIDDEN, "forbidden", message)


def _first(headers: Headers, names: Iterable[str]) -> str | None:
    return next((headers[name] for name in names if name in headers), None)


async def _by_token(identity: Identity, bearer: str) -> Caller:
    if found := await identity.token(bearer):
        return Caller(*found)
    raise _refused("The account token is unknown or was revoked")


async def _by_application(identity: Identity, value: str, access: Access, headers: Headers) -> Caller:
    application = await identity.application(*_basic(value))
    if application is None:
        raise _refused("Client id or client secret is wrong")
    if access.audience is Audience.APPLICATION or (access.audience is Audience.EITHER and not _names_account(headers)):
        return Caller(application)
    account = await identity.account(application, _account_id(headers))
    if account is None:
        raise NotFound("The account named in X-Aurinko-Account-Id does not exist in this application")
    return Caller(application, account)


def _basic(value: str) -> tuple[str, str]:
    try:
        client_id, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _refused("The Basic credentials are not Base64 of client id, colon, client secret (RFC 7617)") from None
    if not colon or "\0" in client_id:
        raise _refused("The Basic credentials are not client id, colon, client secret (RFC 7617)")
    return client_id, secret


def _names_account(headers: Headers) -> bool:
    return any(name in headers for name in ACCOUNT_HEADERS)


def _account_id(headers: Headers) -> int:
    given = _first(headers, ACCOUNT_HEADERS)
    if given is None:
        raise _refused("The header X-Aurinko-Account-Id is needed to name an account, unless a token of one is given")
    if not (given.isascii() and given.isdigit() and int(given) < 2**63):
        raise Problem(HTTPStatus.BAD_REQUEST, "badRequest", "X-Aurinko-Account-Id: must be an account's number")
    return int(given)


def _missing(access: Access) -> Problem:
    message = f"Credentials are missing: this call takes {_WANTED[access.audience]}"
    return _signed_out(message) if access.audience is Audience.USER else _refused(message)


def _signed_out(message: str = "There is no such session, or it has ended: sign in again") -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", message, _USER_CHALLENGE)


def _refused(message: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", message, _CHALLENGE)


def _check_scopes(caller: Caller, access: Access) -> None:
    if not access.scopes or caller.account is None or caller.account.scopes.intersection(access.scopes):
        return
    raise Problem(
        HTTPStatus.FORBIDDEN,
        "forbidden",
        f"This call needs one of the scopes {_names(access.scopes)}; the account has {_names(caller.account.scopes)}",
    )


def _names(scopes: frozenset[Scope] | tuple[Scope, ...]) -> str:
    return ", ".join(sorted(scopes)) or "none"
