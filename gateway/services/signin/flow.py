"""What an application asked for when it sent somebody here to sign in."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from providers.base.errors import Invalid
from schemas.accounts import AccountType, Scope, ServiceType, UserAccountType


class ResponseType(StrEnum):
    """What the browser brings back to the application."""

    CODE = "code"
    TOKEN = "token"  # noqa: S105 - the contract's word
    COOKIE = "cookie"
    NONE = "none"


class Flow(BaseModel):
    """One sign-in. `role` makes it one of a user; `user_id` is the user that a secondary account goes to, `external_id`
    the checked identity that the user is to have; `verifier` is PKCE's, `redirect_uri` where the provider sends the
    browser back to."""

    model_config = ConfigDict(frozen=True)

    application_id: int
    service_type: ServiceType
    return_url: str
    kind: AccountType = AccountType.PERSONAL
    role: UserAccountType | None = None
    response_type: ResponseType = ResponseType.CODE
    scopes: tuple[Scope, ...] = ()
    native_scopes: tuple[str, ...] = ()
    state: str | None = None
    account_id: int | None = None
    login_hint: str | None = None
    client_org_id: str | None = None
    server_url: str | None = None
    auth_email: str | None = None
    prompt: str | None = None
    ensure_scopes: bool = False
    ensure_access: bool = False
    recycle: bool = False
    mailbox_info: str | None = None
    user_id: int | None = None
    external_id: str | None = None
    verifier: str = ""
    redirect_uri: str = ""

    @model_validator(mode="after")
    def _response_fits(self) -> Self:
        if self.response_type not in _RESPONSES[self.role]:
            raise ValueError(f"responseType: {self.response_type} does not go with this kind of sign-in")
        return self


_RESPONSES = {
    None: (ResponseType.CODE, ResponseType.TOKEN),
    UserAccountType.PRIMARY: (ResponseType.COOKIE, ResponseType.CODE),
    UserAccountType.SECONDARY: (ResponseType.NONE,),
}


def response_type(asked: ResponseType | None, role: UserAccountType | None) -> ResponseType:
    """What is asked for, else the usual one; secondary accounts change nothing for the browser, whatever is asked.

    Raises `Invalid` for one that does not go with the kind of sign-in."""
    if role is UserAccountType.SECONDARY:
        return ResponseType.NONE
    chosen = asked or _RESPONSES[role][0]
    if chosen not in _RESPONSES[role]:
        offered = ", ".join(_RESPONSES[role])
        raise Invalid(f"{chosen} is not offered for this sign-in, only {offered}", path="responseType")
    return chosen
