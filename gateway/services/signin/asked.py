"""The parameters of a sign-in's link, as an application wrote them."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from schemas.accounts import AccountType, Scope, ServiceType, UserAccountType


class ResponseType(StrEnum):
    """What the browser brings back to the application."""

    CODE = "code"
    TOKEN = "token"  # noqa: S105 - the contract's word
    COOKIE = "cookie"
    NONE = "none"


class Wish(BaseModel):
    """What holds from the link to the end of the sign-in; behaviour.md, section 2, says what each is for. `role` makes
    it a sign-in of a user."""

    model_config = ConfigDict(frozen=True)

    service_type: ServiceType
    return_url: str = ""
    kind: AccountType = AccountType.PERSONAL
    role: UserAccountType | None = None
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


class Asked(Wish):
    """A link; `token` stands for a checked identity. Without a return URL the sign-in is in a window that another one
    opened, and ends there (`popup`)."""

    client_id: str
    response_type: ResponseType | None = None
    user_id: str | None = None
    timestamp: int | None = None
    user_signature: str | None = None
    token: str | None = None
    popup: bool = False

    @property
    def wish(self) -> dict[str, object]:
        """What the sign-in is to remember of it."""
        return {name: getattr(self, name) for name in Wish.model_fields}
