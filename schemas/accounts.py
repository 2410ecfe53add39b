"""Accounts and applications (contract: tags Account, Accounts; behaviour.md, section 3)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import HeaderText, Instant, Model, Text


class Scope(StrEnum):
    """Unified permission name."""

    CALENDAR_READ = "Calendar.Read"
    CALENDAR_READ_WRITE = "Calendar.ReadWrite"
    MAIL_READ = "Mail.Read"
    MAIL_READ_WRITE = "Mail.ReadWrite"
    MAIL_SEND = "Mail.Send"
    MAIL_DRAFTS = "Mail.Drafts"
    MAIL_ALL = "Mail.All"
    CONTACTS_READ = "Contacts.Read"
    CONTACTS_READ_WRITE = "Contacts.ReadWrite"
    TASKS_READ = "Tasks.Read"
    TASKS_READ_WRITE = "Tasks.ReadWrite"


class ServiceType(StrEnum):
    """Provider API family behind an account; CalDAV and Sandbox are ours (docs/contract/differences.md)."""

    GOOGLE = "Google"
    GOOGLE_BOT = "GoogleBot"
    OFFICE365 = "Office365"
    EWS = "EWS"
    IMAP = "IMAP"
    SALESFORCE = "Salesforce"
    SALESFLARE = "Salesflare"
    REPFABRIC = "Repfabric"
    MS_TEAMS_BOT = "MsTeamsBot"
    SLACK = "Slack"
    SLACK_BOT = "SlackBot"
    SUGAR_CRM = "SugarCRM"
    HIGH_LEVEL = "HighLevel"
    HUBSPOT = "Hubspot"
    ZOOM = "Zoom"
    ZOOM_BOT = "ZoomBot"
    WEBEX = "Webex"
    WEBEX_BOT = "WebexBot"
    PIPEDRIVE = "Pipedrive"
    ECLIPSE_ERP = "EclipseERP"
    AUTO_QUOTES = "AutoQuotes"
    TEAMWORK = "Teamwork"
    NET_SUITE = "NetSuite"
    MCTRADE = "MCTrade"
    SPEC_PATH = "SpecPath"
    ZOHO = "Zoho"
    CLIENTIFY = "Clientify"
    QUICK_BOOKS = "QuickBooks"
    ACTIVE_CAMPAIGN = "ActiveCampaign"
    CREATIO = "Creatio"
    CONSTANT_CONTACT = "ConstantContact"
    FISHBOWL = "Fishbowl"
    ICLOUD = "iCloud"
    CALDAV = "CalDAV"
    SANDBOX = "Sandbox"


class ServiceTypeNonDaemon(StrEnum):
    """Service types usable in user-delegated flows."""

    GOOGLE = "Google"
    OFFICE365 = "Office365"
    EWS = "EWS"
    IMAP = "IMAP"
    SALESFORCE = "Salesforce"
    SALESFLARE = "Salesflare"
    REPFABRIC = "Repfabric"
    SLACK = "Slack"
    SUGAR_CRM = "SugarCRM"
    HIGH_LEVEL = "HighLevel"
    HUBSPOT = "Hubspot"
    ZOOM = "Zoom"
    WEBEX = "Webex"
    WEBEX_BOT = "WebexBot"
    PIPEDRIVE = "Pipedrive"
    ECLIPSE_ERP = "EclipseERP"
    AUTO_QUOTES = "AutoQuotes"
    TEAMWORK = "Teamwork"
    NET_SUITE = "NetSuite"
    SPEC_PATH = "SpecPath"
    ZOHO = "Zoho"
    CLIENTIFY = "Clientify"
    QUICK_BOOKS = "QuickBooks"
    ACTIVE_CAMPAIGN = "ActiveCampaign"
    CREATIO = "Creatio"
    CONSTANT_CONTACT = "ConstantContact"
    FISHBOWL = "Fishbowl"
    ICLOUD = "iCloud"
    CALDAV = "CalDAV"
    SANDBOX = "Sandbox"


class ServiceTypeDaemon(StrEnum):
    """Service types usable as service (daemon) accounts."""

    GOOGLE = "Google"
    GOOGLE_BOT = "GoogleBot"
    OFFICE365 = "Office365"
    EWS = "EWS"
    MS_TEAMS_BOT = "MsTeamsBot"
    SLACK = "Slack"
    SLACK_BOT = "SlackBot"
    ZOOM_BOT = "ZoomBot"
    MCTRADE = "MCTrade"
    ZOHO = "Zoho"
    SANDBOX = "Sandbox"


class ServiceProvider(StrEnum):
    """Brand of the mailbox host."""

    OFFICE365 = "Office365"
    GOOGLE = "Google"
    ZOHO = "Zoho"
    IMAP = "IMAP"
    EWS = "EWS"
    YAHOO = "Yahoo"
    AOL = "AOL"
    ICLOUD = "iCloud"
    BIG_POND = "BigPond"
    FASTMAIL = "Fastmail"
    REPFABRIC = "Repfabric"
    SALESFORCE = "Salesforce"
    SALESFLARE = "Salesflare"
    SUGAR_CRM = "SugarCRM"
    HIGH_LEVEL = "HighLevel"
    HUBSPOT = "Hubspot"
    PIPEDRIVE = "Pipedrive"
    AUTO_QUOTES = "AutoQuotes"
    SPEC_PATH = "SpecPath"
    CLIENTIFY = "Clientify"
    TEAMWORK = "Teamwork"
    ECLIPSE_ERP = "EclipseERP"
    NET_SUITE = "NetSuite"
    FISHBOWL = "Fishbowl"
    SLACK = "Slack"
    ZOOM = "Zoom"
    WEBEX = "Webex"
    MCTRADE = "MCTrade"
    CREATIO = "Creatio"
    QUICK_BOOKS = "QuickBooks"
    ACTIVE_CAMPAIGN = "ActiveCampaign"
    CONSTANT_CONTACT = "ConstantContact"
    YOXEL = "Yoxel"


class TokenStatus(StrEnum):
    """active = usable; invalid = refused at the last call but still tried; dead = no provider call is made any more."""

    ACTIVE = "active"
    INVALID = "invalid"
    DEAD = "dead"


class AccountType(StrEnum):
    """Kind of account."""

    DAEMON = "daemon"
    PERSONAL = "personal"
    MANAGED = "managed"


class UserAccountType(StrEnum):
    """Role of an account inside a User."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


class ServiceKey(StrEnum):
    """Attribute compared when deciding whether an existing account is reused."""

    EMAIL = "email"
    ORG_ID = "orgId"
    USER_ID = "userId"
    SERVER_URL = "serverUrl"
    USERNAME = "username"
    CLIENT_ORG_ID = "clientOrgId"


class ApiAccountInDto(Model):
    """Account to create or update; email or loginString must be given."""

    service_type: ServiceType
    service_provider: ServiceProvider | None = None
    auth_scopes: list[Scope] | None = None
    auth_org_id: HeaderText | None = None
    auth_user_id: HeaderText | None = None
    client_org_id: HeaderText | None = None
    server_url: Annotated[HeaderText | None, Field(description="host, or host:port for IMAP")] = None
    server_url2: Annotated[HeaderText | None, Field(description="the same for submission (SMTP)")] = None
    login_string: Annotated[HeaderText | None, Field(description="alternative to email")] = None
    oauth_client_id: Annotated[HeaderText | None, Field(description="provider OAuth registration to use")] = None
    active: Annotated[bool, Field(description="always true in this API version")]
    auth_string1: Annotated[Text | None, Field(description="secret, such as a password or refresh token")] = None
    auth_string2: Annotated[Text | None, Field(description="second secret, such as an access token")] = None
    password: Annotated[Text | None, Field(description="IMAP password")] = None
    auth_obtained_at: Instant | None = None
    auth_expires_at: Instant | None = None
    email: Annotated[HeaderText | None, Field(description="alternative to loginString")] = None
    name: HeaderText | None = None
    server_info: Text | None = None
    timezone: HeaderText | None = None
    email2: HeaderText | None = None
    copy_to_sent: bool | None = None
    trust_server: bool | None = None


class ApiAccountOutDto(Model):
    """Account as administrators and the account itself see it."""

    id: int
    parent_id: Annotated[int | None, Field(description="service account that backs a managed account")] = None
    service_type: ServiceType
    service_provider: ServiceProvider | None = None
    active: bool
    token_status: TokenStatus
    token_error: Annotated[str | None, Field(description="last credential failure")] = None
    type: AccountType
    daemon: bool
    login_string: str | None = None
    email: str | None = None
    mailbox_address: str | None = None
    name: str | None = None
    name2: str | None = None
    server_url: str | None = None
    server_url2: str | None = None
    client_org_id: Annotated[str | None, Field(description="grouping key chosen by the client application")] = None
    auth_user_id: Annotated[str | None, Field(description="user id at the provider")] = None
    auth_org_id: Annotated[str | None, Field(description="organization id at the provider")] = None
    timezone: Annotated[str | None, Field(description="IANA name")] = None
    token_issued_at: Instant | None = None
    auth_scopes: list[Scope] | None = None
    auth_native_scopes: list[str] | None = None
    auth_obtained_at: Instant | None = None
    auth_expires_at: Instant | None = None
    user_id: Annotated[str | None, Field(description="owning User, if any")] = None
    email2: str | None = None
    copy_to_sent: Annotated[bool | None, Field(description="store a copy of SMTP submissions in the sent folder")] = (
        None
    )
    trust_server: Annotated[bool | None, Field(description="skip certificate verification for the mail server")] = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    token_last_activity: Instant | None = None
    provider_access_token: Annotated[str | None, Field(description="only when includeProviderAuth is true")] = None


class AccountsPage(Model):
    """Offset page of accounts."""

    offset: int
    total_size: int
    done: Annotated[bool, Field(description="true on the last page")]
    records: list[ApiAccountOutDto]


class AccountSaveResult(Model):
    """Result of a code exchange or of an account upsert."""

    account_id: int
    access_token: Annotated[str, Field(description="bearer token of the account")]
    user_id: Annotated[str | None, Field(description="set when a User is involved")] = None
    user_session: Annotated[
        str | None, Field(description="value for the X-Aurinko-Session header, set when a User is involved")
    ] = None
    acc_service_type: Annotated[str | None, Field(description="service type of the account")] = None


class ApplicationDto(Model):
    """Application registration behind the client id."""

    id: int
    name: str
    sync_available: bool
    internal_services_enabled: bool
    created_at: Instant
    application_type: str
    outlook_manifest_id: str | None = None
    capabilities: list[str]
    trial: bool
    signing_secret: Annotated[str | None, Field(description="key of the webhook signature")] = None


class OAuthClientReg(Model):
    """Provider OAuth client configured for the application."""

    name: Annotated[str | None, Field(json_schema_extra={"deprecated": True})] = None
    daemon: bool | None = None
    service_type: str | None = None
    scopes: list[str] | None = None
    client_id: str | None = None
    client_secret: str | None = None
    client_secret2: str | None = None
    client_secret3: str | None = None
    topic_name: Annotated[str | None, Field(description="Pub/Sub topic used for Gmail watches")] = None
    intermediate_callback_url: str | None = None


class OAuthClientRegsPage(Model):
    """Offset page of provider OAuth clients."""

    offset: int
    total_size: int
    done: bool
    records: list[OAuthClientReg]
