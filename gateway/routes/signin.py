"""Sign-ins: the links that applications send people to, the provider's answer, codes (contract: tag Auth)."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from gateway.browsers import Browser, Redirect
from gateway.http.parameters import Id, Named
from gateway.http.route import ANYONE, APPLICATION, Media, Route
from gateway.identity import Application
from gateway.services.signin.asked import Asked, ResponseType
from gateway.services.signin.authorization import Authorization
from gateway.services.signin.exchange import CodeExchange
from schemas.accounts import (
    AccountSaveResult,
    AccountType,
    Scope,
    ServiceType,
    ServiceTypeDaemon,
    ServiceTypeNonDaemon,
    UserAccountType,
)
from schemas.base import HeaderText


def _words(values: Any) -> Any:
    """Separated by spaces, by commas or repeated: all are in use (behaviour.md, section 2)."""
    pieces = values if isinstance(values, Sequence) and not isinstance(values, str) else [values]
    return [word for piece in pieces for word in str(piece).replace(",", " ").split()]


def _scope_names(values: Any) -> Any:
    """Older spellings say ReadOnly (behaviour.md, section 4)."""
    return [word.replace(".ReadOnly", ".Read") for word in _words(values)]


Scopes = Annotated[tuple[Scope, ...], BeforeValidator(_scope_names), Field(description="unified scopes")]
NativeScopes = Annotated[tuple[HeaderText, ...], BeforeValidator(_words), Field(description="provider scopes")]
ReturnUrl = Annotated[str, Field(description="must be registered for the application")]
State = Annotated[str | None, Field(max_length=4096, description="returned unchanged")]
Line = Annotated[HeaderText | None, Field(max_length=1024)]
Yes = bool | None


async def authorize(
    client_id: HeaderText,
    service_type: ServiceTypeNonDaemon,
    browser: Browser,
    sign_ins: Authorization,
    return_url: ReturnUrl = "",
    scopes: Scopes = (),
    native_scopes: NativeScopes = (),
    response_type: Literal["code", "token"] | None = None,
    account_id: Id | None = None,
    login_hint: Line = None,
    state: State = None,
    client_org_id: Line = None,
    server_url: Line = None,
    ensure_scopes: Yes = None,
    ensure_access: Yes = None,
    recycle: Yes = None,
    auth_email: Line = None,
    user_account: UserAccountType | None = None,
    prompt: Line = None,
    token: Line = None,
) -> Redirect:
    """Start the account flow; with `userAccount`, as older clients do, the user flow, which then may go without
    `returnUrl`: the window that opened this one gets the outcome as a message."""
    asked = Asked(
        client_id=client_id,
        service_type=ServiceType(service_type),
        return_url=return_url,
        role=user_account or (UserAccountType.PRIMARY if token else None),
        response_type=ResponseType(response_type) if response_type else None,
        scopes=scopes,
        native_scopes=native_scopes,
        state=state,
        account_id=account_id,
        login_hint=login_hint,
        client_org_id=client_org_id,
        server_url=server_url,
        auth_email=auth_email,
        prompt=prompt,
        ensure_scopes=bool(ensure_scopes),
        ensure_access=bool(ensure_access),
        recycle=bool(recycle),
        token=token,
    )
    return await sign_ins.begin(asked, browser)


async def authorize_daemon(
    client_id: HeaderText,
    service_type: ServiceTypeDaemon,
    return_url: ReturnUrl,
    browser: Browser,
    sign_ins: Authorization,
    scopes: Scopes = (),
    native_scopes: NativeScopes = (),
    response_type: Literal["code", "token"] | None = None,
    account_id: Id | None = None,
    state: State = None,
    client_org_id: Line = None,
    ensure_scopes: Yes = None,
) -> Redirect:
    """Start the service account flow."""
    asked = Asked(
        client_id=client_id,
        service_type=ServiceType(service_type),
        return_url=return_url,
        kind=AccountType.DAEMON,
        response_type=ResponseType(response_type) if response_type else None,
        scopes=scopes,
        native_scopes=native_scopes,
        state=state,
        account_id=account_id,
        client_org_id=client_org_id,
        ensure_scopes=bool(ensure_scopes),
    )
    return await sign_ins.begin(asked, browser)


async def authorize_user(
    client_id: HeaderText,
    service_type: ServiceTypeNonDaemon,
    return_url: ReturnUrl,
    account_role: Literal["primary", "secondary"],
    browser: Browser,
    sign_ins: Authorization,
    mailbox_info: Line = None,
    scopes: Scopes = (),
    native_scopes: NativeScopes = (),
    response_type: Literal["cookie", "code", "none"] | None = None,
    account_id: Id | None = None,
    login_hint: Line = None,
    state: State = None,
    user_id: Line = None,
    timestamp: int | None = None,
    user_signature: Line = None,
    server_url: Line = None,
    ensure_scopes: Yes = None,
    ensure_access: Yes = None,
    token: Line = None,
) -> Redirect:
    """Start the user flow: the primary account makes the User or signs in again, a secondary one is linked."""
    asked = Asked(
        client_id=client_id,
        service_type=ServiceType(service_type),
        return_url=return_url,
        role=UserAccountType(account_role),
        response_type=ResponseType(response_type) if response_type else None,
        scopes=scopes,
        native_scopes=native_scopes,
        state=state,
        account_id=account_id,
        login_hint=login_hint,
        server_url=server_url,
        ensure_scopes=bool(ensure_scopes),
        ensure_access=bool(ensure_access),
        mailbox_info=mailbox_info,
        user_id=user_id,
        timestamp=timestamp,
        user_signature=user_signature,
        token=token,
    )
    return await sign_ins.begin(asked, browser)


async def callback(
    browser: Browser,
    sign_ins: Authorization,
    code: str | None = None,
    state: str | None = None,
    scope: str | None = None,
    error: str | None = None,
    error_description: Annotated[str | None, Named("error_description")] = None,
) -> Redirect:
    """Take the provider's answer, and go back to the application."""
    return await sign_ins.callback(state, code, error, error_description, browser)


async def exchange(code: str, application: Application, codes: CodeExchange) -> AccountSaveResult:
    """Exchange a code, once; there is no refresh token and no expiry."""
    return await codes.exchange(application, code)


async def exchange_by_get(code: str, application: Application, codes: CodeExchange) -> AccountSaveResult:
    """Exchange a code (old form)."""
    return await codes.exchange(application, code)


_TAG, _TOKEN, _REDIRECT = "Auth", "/v1/auth/token/{code}", Media.REDIRECT
ROUTES = (
    Route("GET", "/v1/auth/authorize", "authorize", ANYONE, authorize, _REDIRECT, 303, tag=_TAG),
    Route("GET", "/v1/auth/authorizeDaemon", "authorizeDaemon", ANYONE, authorize_daemon, _REDIRECT, 303, tag=_TAG),
    Route("GET", "/v1/auth/authorizeUser", "authorizeUser", ANYONE, authorize_user, _REDIRECT, 303, tag=_TAG),
    Route("GET", "/v1/auth/callback", "authCallback", ANYONE, callback, _REDIRECT, 303, tag=_TAG),
    Route("POST", _TOKEN, "authCodeExchange", APPLICATION, exchange, AccountSaveResult, tag=_TAG),
    Route("GET", _TOKEN, "getAccessTokenByCode", APPLICATION, exchange_by_get, AccountSaveResult, tag=_TAG),
)
