"""Who calls and on whose mailbox: the values that pass between security, services and routes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from schemas.accounts import Scope, ServiceType, TokenStatus


@dataclass(frozen=True, slots=True)
class Application:
    """A tenant. `trusted_domains` are origins (`https://app.example.com`) that browsers may call from."""

    id: int
    client_id: str
    name: str
    trusted_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A connected mailbox as a request needs it; `version` grows whenever its grant or its marks change."""

    id: int
    application_id: int
    version: int
    service_type: ServiceType
    email: str
    token_status: TokenStatus
    scopes: frozenset[Scope]
    sealed_grant: bytes | None = field(repr=False)
    name: str | None = None
    marks: tuple[tuple[str, str], ...] = ()  # ("archive" | "sent", folder id)
    copy_to_sent: bool | None = None
    renamed: bool = False  # whether some of its items are called otherwise at the provider than here
    timezone: str | None = None  # IANA name
    parent_id: int | None = None  # the service account whose grant a managed one lives by
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person of an application; `public_id` is what applications call them. `session_id`: the session by which they
    came, None for an identity token."""

    id: int
    application_id: int
    public_id: str
    session_id: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated request: always an application, an account where the credentials or a header name one, and a
    user where it comes by a session."""

    application: Application
    account: Account | None = None
    user: User | None = None
    external_id: str | None = None  # an identity that was checked just now, and need not be anybody's yet


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the credentials of a request still stand for its caller: for answers that take long."""

    holds: Callable[[], Awaitable[bool]]
