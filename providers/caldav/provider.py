"""The CalDAV provider: linking accounts, and sessions on them."""

from dns.resolver import Resolver

from providers.base.cache import Cache
from providers.base.errors import Denied, Invalid, NotFound, Unauthorized, Unsupported
from providers.base.provider import Linked, Mailbox, Provider, ProviderSettings, Session
from providers.base.rest import Http
from providers.caldav import link
from providers.caldav.account import Account, Courier
from providers.caldav.calendars import CaldavCalendars
from providers.caldav.client import Dav
from providers.caldav.contacts import CaldavContacts
from providers.caldav.events import CaldavEvents
from providers.caldav.files import File
from providers.caldav.link import Search
from providers.caldav.task_lists import CaldavTaskLists
from providers.caldav.tasks import CaldavTasks
from schemas.accounts import ApiAccountInDto, ServiceType


class CaldavSession(Session):
    """Calendars, tasks and contacts of one account, as far as its server keeps them."""

    def __init__(self, account: Account) -> None:
        self._account = account
        if account.calendars is not None:
            self.calendars = CaldavCalendars(account, account.calendars)
            self.events = CaldavEvents(account, account.calendars)
            self.task_lists = CaldavTaskLists(account, account.calendars)
            self.tasks = CaldavTasks(account, account.calendars)
        if account.contacts is not None:
            self.contacts = CaldavContacts(account, account.contacts)

    async def ping(self) -> None:
        """Ask for the principal."""
        home = link.first(self._account.grant)
        await self._account.dav.propfind(home.principal, ("{DAV:}current-user-principal",))


class CaldavProvider(Provider):
    """CalDAV and CardDAV with a password (app-specific where the host has such) or a token."""

    name = "caldav"
    services = frozenset({ServiceType.CALDAV.value})
    scopes = link.CALENDARS | link.CONTACTS

    def __init__(self, settings: ProviderSettings, resolver: Resolver | None = None) -> None:
        super().__init__(settings)
        self._resolver = resolver
        self._http = Http.open(settings)
        self._cache: Cache[File] = Cache(settings.header_cache_bytes)

    async def link(self, account: ApiAccountInDto, *, ensure_access: bool) -> Linked:
        """See `Provider.link`. `serverUrl` is the server of both calendars and contacts, `serverUrl2` that of contacts
        where it is another one; without, the preset of the host or the DNS of the mail domain tell."""
        search = Search(
            account.email or account.login_string,
            account.service_provider.value if account.service_provider else None,
            account.server_url,
            account.server_url2,
            resolver=self._resolver,
        )
        return await self.find(account, search, ensure_access=ensure_access)

    async def find(self, account: ApiAccountInDto, search: Search, *, ensure_access: bool) -> Linked:
        """The DAV side of an account, looked for in these places. Raises as `Provider.link`."""
        known = link.access(account)
        dav = Dav(self._http, known, self.settings, self.settings.connect_timeout)
        wanted = [scope for scope in account.auth_scopes or () if scope in self.scopes]
        try:
            grant = await link.find(dav, known, search, wanted)
            if ensure_access:
                await link.try_out(dav, grant)
        except (NotFound, Denied, Unsupported) as error:
            if isinstance(error, Unauthorized):
                raise
            raise Invalid(error.message, path="serverUrl", original=error.original) from None
        return link.linked(account, grant)

    async def open(self, mailbox: Mailbox, courier: Courier | None = None) -> CaldavSession:
        """See `Provider.open`. `courier`: how invitations leave where the server sends none."""
        return CaldavSession(Account(mailbox, self._http, self.settings, self._cache, courier))

    async def close(self) -> None:
        """See `Provider.close`."""
        await self._http.close()
