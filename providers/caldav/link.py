"""Linking: from what a person knows (address, password, perhaps a server) to a grant that has been tried."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import idna
from dns.resolver import Resolver

from providers.base.errors import Invalid, NotFound, ProviderError, Unauthorized
from providers.base.provider import Linked
from providers.caldav import discovery, homes, presets
from providers.caldav.client import Access, Dav
from providers.caldav.discovery import Kind
from providers.caldav.grant import DavGrant, Home
from schemas.accounts import ApiAccountInDto, Scope
from schemas.outgoing import is_address

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
CALENDARS = frozenset(
    (Scope.CALENDAR_READ, Scope.CALENDAR_READ_WRITE, Scope.TASKS_READ, Scope.TASKS_READ_WRITE),
)
CONTACTS = frozenset((Scope.CONTACTS_READ, Scope.CONTACTS_READ_WRITE))


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look: the servers that the caller named, else the preset's, else those of the mail domain; `trusted` are
    hosts that the account's password is known to already."""

    email: str | None
    brand: str | None = None
    calendars: str | None = None
    contacts: str | None = None
    trusted: tuple[str, ...] = ()
    resolver: Resolver | None = field(default=None, repr=False)

    async def starts(self, kind: Kind) -> list[str]:
        """URLs to begin at. Raises `Invalid`, `Denied`."""
        given = self.calendars if kind is Kind.CALENDARS else self.contacts or self.calendars
        if given:
            return _urls(given)
        _, at, domain = (self.email or "").rpartition("@")
        domain = _ascii(domain) if at else ""
        if preset := presets.of(self.brand, domain):
            return [preset.calendars if kind is Kind.CALENDARS else preset.contacts]
        if not domain:
            raise Invalid(
                "serverUrl is needed (a host, or an https URL), since no address tells the domain", path="serverUrl"
            )
        return await discovery.of_domain(domain, kind, self.resolver, self.trusted)


def access(account: ApiAccountInDto) -> Access:
    """The credentials of an account. Raises `Invalid` naming what is missing."""
    login = account.login_string or account.email
    if not login:
        raise Invalid("email (or loginString) is needed", path="email")
    if ":" in login:
        raise Invalid("must not hold a colon (RFC 7617)", path="loginString" if account.login_string else "email")
    password = account.password or (None if account.auth_string2 else account.auth_string1)
    token = None if password else account.auth_string2
    if not password and not token:
        raise Invalid("password is needed (app-specific where the host has such; or authString1)", path="password")
    return Access(login, password, token, verify=not account.trust_server)


async def find(dav: Dav, known: Access, search: Search, wanted: Sequence[Scope]) -> DavGrant:
    """The grant of an account that has at least what is wanted, or anything when nothing special is.

    Raises `Unauthorized`, `Invalid` with the path, `NotFound`, `Unavailable`, ..."""
    homes_of: dict[Kind, Home] = {}
    failures: dict[Kind, ProviderError] = {}
    for kind, scopes in ((Kind.CALENDARS, CALENDARS), (Kind.CONTACTS, CONTACTS)):
        if wanted and not scopes & set(wanted):
            continue
        try:
            homes_of[kind] = await discovery.home(dav, kind, await search.starts(kind))
        except Unauthorized:
            raise
        except ProviderError as error:
            failures[kind] = error
            if wanted:
                raise
    if not homes_of:
        raise next(iter(failures.values()), NotFound("nothing of this account is kept by DAV"))
    return DavGrant(
        login=known.login,
        password=known.password,
        access_token=known.access_token,
        calendars=homes_of.get(Kind.CALENDARS),
        contacts=homes_of.get(Kind.CONTACTS),
        verify=known.verify,
        brand=search.brand,
    )


async def try_out(dav: Dav, grant: DavGrant) -> None:
    """Read the list of collections."""
    for home in (grant.calendars, grant.contacts):
        if home is not None:
            await homes.collections(dav, home)


def linked(account: ApiAccountInDto, grant: DavGrant) -> Linked:
    """What the account record says."""
    host = urlsplit(first(grant).principal).hostname or ""
    own = (account.email, grant.login, *(grant.calendars.addresses if grant.calendars else ()))
    email = next((address for address in own if address and is_address(address)), f"{grant.login}@{host}")
    brand = grant.brand or (account.service_provider.value if account.service_provider else None)
    return Linked(
        grant=grant.model_dump(mode="json"),
        email=email,
        login=grant.login,
        name=account.name,
        server_url=account.server_url or _origin(first(grant).principal),
        server_url2=account.server_url2,
        service_provider=brand,
        timezone=account.timezone,
    )


def first(grant: DavGrant) -> Home:
    """The service that the account is known by."""
    found = grant.calendars or grant.contacts
    assert found is not None
    return found


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _urls(given: str) -> list[str]:
    """`host`, `host:port` or a URL; a path is tried before the rest of its server."""
    text = given.strip()
    parts = urlsplit(text if _SCHEME.match(text) else f"https://{text}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("https", "http") or not parts.hostname or port == -1 or parts.username is not None:
        raise Invalid(f"{text[:100]!r} is no host, host:port or https URL", path="serverUrl")
    host = _ascii(parts.hostname)
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    root = urlunsplit((parts.scheme, netloc, "/", "", ""))
    place = urlunsplit((parts.scheme, netloc, parts.path, "", ""))
    return [place, root] if parts.path not in ("", "/") else [root]


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise Invalid(f"{host[:100]!r} is not a host name", path="serverUrl") from None
