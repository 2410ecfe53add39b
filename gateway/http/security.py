"""Credentials of a request -> the caller (behaviour.md, section 1)."""

import base64
import binascii
from http import HTTPStatus
from typing import Protocol

from starlette.datastructures import Headers

from gateway.http.problems import Problem
from gateway.http.route import Access, Audience
from gateway.identity import Account, Application, Caller
from providers.base.errors import NotFound
from schemas.accounts import Scope

ACCOUNT_HEADERS = ("x-aurinko-account-id", "x-aurinko-accountid")  # both generations
_CHALLENGE = {"www-authenticate": 'Basic realm="postroom", charset="UTF-8"'}


_WANTED = {
    Audience.APPLICATION: "Basic client id and secret",
    Audience.ACCOUNT: "a Bearer account token",
    Audience.EITHER: "a Bearer account token, or Basic client id and secret",
}


class Identity(Protocol):
    """What credentials stand for; None for those that stand for nothing."""

    async def application(self, client_id: str, secret: str) -> Application | None: ...
    async def token(self, bearer: str) -> tuple[Application, Account] | None: ...
    async def account(self, application: Application, account_id: int) -> Account | None: ...


async def identify(identity: Identity, access: Access, headers: Headers) -> Caller | None:
    """The caller of a row. Raises `Problem` (401, 403) or `NotFound` (an account of somebody else)."""
    if access.audience is Audience.ANYONE:
        return None
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and access.audience is not Audience.APPLICATION:
        caller = await _by_token(identity, value.strip())
    elif scheme.lower() == "basic":
        caller = await _by_application(identity, value.strip(), access, headers)
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
    given = next((headers[name] for name in ACCOUNT_HEADERS if name in headers), None)
    if given is None:
        raise _refused("Application credentials need the header X-Aurinko-Account-Id to name an account here")
    if not (given.isascii() and given.isdigit() and int(given) < 2**63):
        raise Problem(HTTPStatus.BAD_REQUEST, "badRequest", "X-Aurinko-Account-Id: must be an account's number")
    return int(given)


def _missing(access: Access) -> Problem:
    return _refused(f"Credentials are missing: this call takes {_WANTED[access.audience]}")


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
