"""The parameters of a sign-in's link, as an application wrote them."""

from dataclasses import dataclass

from gateway.services.signin.flow import ResponseType
from schemas.accounts import AccountType, Scope, ServiceType, UserAccountType


@dataclass(frozen=True, slots=True)
class Asked:
    """See behaviour.md, section 2, for what each is for; `token` stands for a checked identity. Without a return URL
    the sign-in is in a window that another one opened, and ends there (`popup`)."""

    client_id: str
    service_type: ServiceType
    return_url: str = ""
    kind: AccountType = AccountType.PERSONAL
    role: UserAccountType | None = None
    response_type: ResponseType | None = None
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
    user_id: str | None = None
    timestamp: int | None = None
    user_signature: str | None = None
    token: str | None = None
    popup: bool = False
