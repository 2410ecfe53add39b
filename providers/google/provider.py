"""The provider: accounts that signed in by OAuth, and service accounts that act for a user."""

import json
from collections.abc import Mapping
from typing import ClassVar

from providers.base.errors import Invalid
from providers.base.oauth2 import GivenToken, Tokens
from providers.base.provider import (
    DirectAnswer,
    DirectRequest,
    Grant,
    Linked,
    Mailbox,
    Provider,
    ProviderSettings,
    Session,
)
from providers.base.push import Signature, Told
from providers.base.rest import Http
from providers.google.account import ME, Account
from providers.google.agenda import Agenda
from providers.google.auth import GoogleAuth
from providers.google.calendars import GoogleCalendars
from providers.google.client import Client
from providers.google.contacts import GoogleContacts
from providers.google.direct import passed, scopes
from providers.google.drafts import GoogleDrafts
from providers.google.events import GoogleEvents
from providers.google.folders import GoogleFolders
from providers.google.mail import GoogleMessages
from providers.google.push import DOORS, ISSUERS, KEYS, GooglePush, told
from providers.google.quota import Pace
from providers.google.requests import Apis
from providers.google.scopes import native
from providers.google.task_lists import GoogleTaskLists
from providers.google.tasks import GoogleTasks
from schemas.accounts import ApiAccountInDto, Scope


class GoogleSession(Session):
    """The ports of one account."""

    def __init__(self, client: Client, mailbox: Mailbox, tokens: Tokens, root: str) -> None:
        account = Account(client, mailbox)
        self._client, self._tokens, self._root = client, tokens, root
        self.push = GooglePush(client, mailbox.client.options if mailbox.client else {})
        self.messages = GoogleMessages(account)
        self.drafts = GoogleDrafts(account)
        self.folders = GoogleFolders(account)
        agenda = Agenda(client)
        self.calendars = GoogleCalendars(agenda)
        self.events = GoogleEvents(agenda)
        self.contacts = GoogleContacts(client)
        self.task_lists = GoogleTaskLists(client)
        self.tasks = GoogleTasks(client)

    async def ping(self) -> None:
        await self._client.call(self._client.apis.labels.list(userId=ME))

    async def direct(self, request: DirectRequest) -> DirectAnswer:
        return await passed(self._client, self._root, request)

    async def access_token(self) -> str | None:
        return await self._tokens.fresh()


class GoogleProvider(Provider):
    """Requests of all accounts go through one HTTP client; quota is kept per user and per registration."""

    name: ClassVar[str] = "google"
    services: ClassVar[frozenset[str]] = frozenset({"Google"})
    scopes: ClassVar[frozenset[Scope]] = frozenset(Scope)
    endpoints: ClassVar[Mapping[str, str]] = {
        "google_api_url": "",  # without: each API's own host
        "google_auth_url": "https://accounts.google.com/o/oauth2/v2/auth",
        "google_token_url": "https://oauth2.googleapis.com/token",
        "google_keys_url": KEYS,
    }
    doors = DOORS

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._http, self._pace = Http.open(settings), Pace()
        self._root = settings.endpoints.get("google_api_url", "")
        self._built: Apis | None = None
        keys = settings.endpoints.get("google_keys_url", KEYS)
        self.signature = Signature(ISSUERS, keys, settings.push_signers)
        self._auth = self.auth = GoogleAuth(self._http, settings, {**self.endpoints, **settings.endpoints})

    async def link(self, account: ApiAccountInDto, *, ensure_access: bool) -> Linked:
        """An account whose tokens were got elsewhere: `authString1` the refresh token, `authString2` the access token.
        The gateway refreshes them by `auth`; here an access token has to be good as it is."""
        if not account.auth_string2:
            raise Invalid("an access token is needed, or a sign-in", path="authString2")
        grant = {"access_token": account.auth_string2, "refresh_token": account.auth_string1}
        return await self._auth.identify(None, {name: value for name, value in grant.items() if value})

    async def link_service(self, account: ApiAccountInDto) -> Linked:
        """`authString1` is the service account's key, the JSON file that Google gives."""
        try:
            key = json.loads(account.auth_string1 or "")
            email, user = str(key["client_email"]), str(key["client_id"])
            if not isinstance(key["private_key"], str):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise Invalid("must be the JSON key of a Google service account", path="authString1") from None
        return Linked({"service_account": key}, email, service_provider="Google", auth_user_id=user)

    def delegated(self, service: Grant, email: str, scopes: frozenset[Scope]) -> Grant:
        return {"subject": email, "scope": " ".join(native(scopes))}

    async def open(self, mailbox: Mailbox) -> Session:
        tokens = mailbox.tokens or GivenToken(mailbox.grant)
        client = Client(self._http, self._apis, tokens, self._pace, self.settings, mailbox.email, mailbox.client)
        return GoogleSession(client, mailbox, tokens, self._root)

    def direct_scopes(self, request: DirectRequest) -> frozenset[Scope]:
        return scopes(request)

    def told(self, headers: Mapping[str, str], body: bytes) -> Told | None:
        return told(headers, body)

    async def close(self) -> None:
        await self._http.close()

    @property
    def _apis(self) -> Apis:
        """Built when an account is first opened: the documents take some milliseconds."""
        if self._built is None:
            self._built = Apis(self._root or None)
        return self._built
