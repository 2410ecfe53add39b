"""Users of applications (contract: tags User, Auth; behaviour.md, sections 1 and 2)."""

from enum import StrEnum

from schemas.accounts import AccountType, Scope, ServiceProvider, ServiceType, TokenStatus, UserAccountType
from schemas.base import Instant, Model
from schemas.schedules import WeekWorkSchedule


class EndUserExtIdType(StrEnum):
    """External identity kind bound to a User."""

    EXCHANGE_IDENTITY = "exchangeIdentity"


class PreparedAuthToken(Model):
    """Short-lived token that stands for a validated external identity."""

    token: str


class OrganizationDto(Model):
    """Provider organization an account belongs to."""

    id: int | None = None
    service_provider: ServiceProvider | None = None
    xid: str | None = None
    domain: str | None = None
    name: str | None = None
    created_at: Instant | None = None


class EndUserAccountDto(Model):
    """Account as its User sees it."""

    id: int
    parent_id: int | None = None
    service_type: ServiceType
    user_account_type: UserAccountType | None = None
    type: AccountType
    active: bool
    login_string: str | None = None
    email: str | None = None
    name: str | None = None
    server_url: str | None = None
    server_url2: str | None = None
    client_org_id: str | None = None
    auth_user_id: str | None = None
    auth_org_id: str | None = None
    timezone: str | None = None
    auth_obtained_at: Instant | None = None
    organization: OrganizationDto | None = None
    token_status: TokenStatus
    scopes: list[Scope] | None = None
    auth_scopes: list[Scope] | None = None
    native_scopes: list[str] | None = None
    auth_native_scopes: list[str] | None = None
    has_api_errors: bool | None = None
    booking_count: int | None = None
    tracking_active: bool | None = None
    templates_count: int | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None


class EndUserAccountsPage(Model):
    """Token page of a User's accounts."""

    next_page_token: str | None = None
    length: int
    records: list[EndUserAccountDto]


class EndUserDto(Model):
    """User with its linked accounts."""

    id: str
    app_id: int
    email: str | None = None
    name: str | None = None
    auth_org_id: str | None = None
    created_at: Instant
    last_activity: Instant | None = None
    trusted_identity: bool = False
    external_id_type: EndUserExtIdType | None = None
    accounts: list[EndUserAccountDto]
    work_hours: WeekWorkSchedule | None = None


class EndUsersPage(Model):
    """Offset page of Users."""

    offset: int
    total_size: int
    done: bool
    records: list[EndUserDto]


class EndUserSettingsDto(Model):
    """Changeable User settings."""

    work_hours: WeekWorkSchedule | None = None
