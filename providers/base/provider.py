"""A provider, the grant it links an account by, and the session it opens on one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from providers.base.errors import ProviderError, Unsupported
from providers.base.linked import Grant, Linked
from providers.base.oauth2 import Auth, OAuthClient, Tokens
from providers.base.ports import Calendars, Contacts, Drafts, Events, Folders, Messages, TaskLists, Tasks
from providers.base.push import Door, Push, Signature, Told
from schemas.accounts import ApiAccountInDto, Scope

__all__ = [
    "DirectAnswer",
    "DirectRequest",
    "Grant",
    "Hear",
    "Linked",
    "Listening",
    "Mailbox",
    "Notice",
    "Provider",
    "ProviderSettings",
    "Session",
]


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the operator decides for all providers."""

    var_dir: Path
    allow_private_networks: bool = False
    ca_bundle: str | None = None
    connections_per_account: int = 4
    connect_timeout: float = 10.0  # seconds
    read_timeout: float = 20.0  # seconds; shorter than the request deadline
    smtp_servers: Mapping[str, str] = field(default_factory=dict)  # "imap-host[:port]" -> "smtp-host[:port]"
    header_cache_bytes: int = 64 * 1024 * 1024  # bounded memory for what cannot change
    push_signers: frozenset[str] = frozenset()  # see `Signature`
    endpoints: Mapping[str, str] = field(default_factory=dict)  # by the names of `Provider.endpoints`, for tests


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An account as its adapter sees it; a changed `version` means that an open session is stale.

    `tokens` has the access tokens of an account that signed in by OAuth, `client` is the registration it did so with;
    without `tokens` the session uses the grant as it is."""

    key: int
    version: int
    email: str
    grant: Grant
    name: str | None = None
    marks: Mapping[str, str | None] = field(default_factory=dict)  # "archive", "sent" -> folder id
    copy_to_sent: bool | None = None  # None: the adapter knows what the server does
    tokens: Tokens | None = None
    client: OAuthClient | None = None


@dataclass(frozen=True, slots=True)
class DirectRequest:
    """A request of the caller's own making to the provider's HTTP API. `path` (without a host) and `query` are as they
    stand in a URL, percent-encoded; of the `headers` (lower case) those that may be passed on."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class DirectAnswer:
    """The provider's answer as it is; of its headers (lower case) those that a caller needs."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Session:
    """The ports of one opened account; those left None are abilities it lacks. Safe for concurrent use."""

    messages: Messages | None = None
    drafts: Drafts | None = None
    folders: Folders | None = None
    calendars: Calendars | None = None
    events: Events | None = None
    contacts: Contacts | None = None
    task_lists: TaskLists | None = None
    tasks: Tasks | None = None
    push: Push | None = None

    async def ping(self) -> None:
        """Ask the provider whether the credentials still work. Raises `Unauthorized`, `Unavailable`."""

    async def access_token(self) -> str | None:
        """The provider's own bearer token, fresh enough to be used; None where it signs in otherwise."""
        return None

    async def direct(self, request: DirectRequest) -> DirectAnswer:
        """Pass a request to the provider's own HTTP API, with the account's token; errors of the provider are answers.

        Raises `Unsupported` where it has none, `Invalid` (path `path`) for what is no path there, `NotFound`,
        `Unavailable`, and `Uncertain` for a write whose answer was lost."""
        raise Unsupported("this account's provider has no HTTP API to pass requests to")

    async def close(self) -> None:
        """Give every connection back."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a listener hears: something may have changed in `port`, below `parent` where one is named, which is a hint
    to ask for `changes` and nothing more; or, with an `error`, that it hears nothing any more."""

    port: str = "messages"
    parent: str | None = None
    error: ProviderError | None = None


Hear = Callable[[Notice], None]  # called on the event loop


class Listening(ABC):
    """A provider that tells when something happens, until it is closed or said that it was lost."""

    @abstractmethod
    async def close(self) -> None:
        """Stop listening; nothing is heard afterwards."""


class Provider(ABC):
    """One adapter. `services` are the contract's serviceType values it answers to, `scopes` what it can grant.

    `polling_floor`: seconds after which an account that is watched is asked for changes although nothing was heard.
    `endpoints`: names of settings by which its addresses can be replaced, with what they are without. `auth`: how users
    sign in by OAuth, None where they do not. `doors`: where it calls; what it tells of that way is asked for every
    `pushed_floor` seconds only. `signature` is of calls at doors that are signed."""

    name: ClassVar[str]
    services: ClassVar[frozenset[str]]
    scopes: ClassVar[frozenset[Scope]]
    polling_floor: ClassVar[float] = 300.0
    pushed_floor: ClassVar[float] = 1800.0
    doors: ClassVar[tuple[Door, ...]] = ()
    endpoints: ClassVar[Mapping[str, str]] = {}

    auth: Auth | None = None
    signature: Signature | None = None

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings

    @abstractmethod
    async def link(self, account: ApiAccountInDto, *, ensure_access: bool) -> Linked:
        """Find the servers, sign in, and return the grant; nothing is stored. `ensure_access`: also read something.

        Raises `Unauthorized` (wrong password), `Invalid` (with the path), `Unavailable` (which host and why)."""

    @abstractmethod
    async def open(self, mailbox: Mailbox) -> Session:
        """A session on a linked account; connects when first used."""

    async def link_service(self, account: ApiAccountInDto) -> Linked:
        """Check the credentials of a service account, by which mailboxes of others are opened. Raises as `link`, and
        `Unsupported` where there is no such thing."""
        raise Unsupported(f"{self.name} has no service accounts")

    def delegated(self, service: Grant, email: str, scopes: frozenset[Scope]) -> Grant:
        """What the grant of a mailbox that is opened by a service account has beside the service account's own.

        Raises `Unsupported`."""
        raise Unsupported(f"{self.name} has no service accounts")

    async def listen(self, mailbox: Mailbox, hear: Hear) -> Listening:
        """Be told when something may have changed. What happened before it returns is not heard of: ask for `changes`
        once afterwards.

        Raises `Unsupported` where accounts can only be polled, `Unauthorized`, `RateLimited` and `Unavailable` (with
        `retry_after` where it is known when to try again)."""
        raise Unsupported(f"{self.name} accounts do not tell of changes by themselves")

    def direct_scopes(self, request: DirectRequest) -> frozenset[Scope]:
        """The scopes of which an account needs one for a request that is passed through; none where it reaches nothing
        that scopes are about, so that the provider alone decides."""
        return frozenset()

    def told(self, headers: Mapping[str, str], body: bytes) -> Told | None:
        """What a call of the provider says (see `Push`); names of headers in lower case. None for what is none."""
        return None

    async def revoke(self, mailbox: Mailbox) -> None:
        """Take the credentials back at the provider, where it has such a thing."""

    async def close(self) -> None:
        """Free what is shared between sessions."""
