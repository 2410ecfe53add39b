"""What the ports of one open account share."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from providers.base.cache import Cache
from providers.base.errors import Denied, NotFound
from providers.base.provider import Mailbox, ProviderSettings
from providers.base.rest import Http
from providers.caldav import homes, paths
from providers.caldav.client import Access, Dav
from providers.caldav.files import CalendarSort, ContactSort, File, Files
from providers.caldav.grant import DavGrant, Home
from providers.caldav.homes import Folder
from providers.formats.itip import Invitation
from schemas.mail import EmailAddress
from schemas.outgoing import is_address

#: Sends an invitation, an answer or a cancellation by mail, with a subject.
Courier = Callable[[Invitation, str], Awaitable[None]]


class Account:
    """One account: its requests, and the collections that it has. `courier`: how mail leaves, where it can."""

    def __init__(
        self, mailbox: Mailbox, http: Http, settings: ProviderSettings, cache: Cache[File], courier: Courier | None
    ) -> None:
        self.mailbox, self.courier = mailbox, courier
        self.grant = DavGrant.model_validate(mailbox.grant)
        grant = self.grant
        self.dav = Dav(http, Access(grant.login, grant.password, grant.access_token, grant.verify), settings)
        self.calendars = self._files(grant.calendars, CalendarSort(), cache)
        self.contacts = self._files(grant.contacts, ContactSort(), cache)

    def _files(self, home: Home | None, sort: CalendarSort | ContactSort, cache: Cache[File]) -> Files | None:
        if home is None:
            return None
        owner = (self.mailbox.key, urlsplit(home.sets[0]).netloc, self.grant.login)
        return Files(self.dav, home.sets[0], sort, cache, owner)

    @property
    def own(self) -> tuple[str, ...]:
        """The account's own addresses, the one that invitations come from first."""
        known = self.grant.calendars.addresses if self.grant.calendars else ()
        found = (*known, self.mailbox.email, *([self.grant.login] if is_address(self.grant.login) else []))
        return tuple(dict.fromkeys(found))

    @property
    def me(self) -> EmailAddress:
        """Who organizes what this account calls."""
        own = self.own
        chosen = self.mailbox.email if self.mailbox.email.lower() in map(str.lower, own) else own[0]
        return EmailAddress(name=self.mailbox.name, address=chosen)

    @property
    def calendar_home(self) -> Home:
        """Raises `NotFound` for an account without calendars."""
        if self.grant.calendars is None:
            raise NotFound("this account has no calendars")
        return self.grant.calendars

    async def calendar_folders(self) -> list[Folder]:
        """Calendars and task lists, those of others that are shared with the account too."""
        return [one for one in await homes.collections(self.dav, self.calendar_home) if one.is_calendar]

    async def calendar_folder(self, item_id: str | None, kind: str) -> Folder:
        """One of them by its id. Raises `NotFound`."""
        found = await homes.collection(self.dav, self.calendar_home, folder_path(item_id, kind))
        if not found.is_calendar:
            raise NotFound(f"there is no {kind} with the id {item_id!r}")
        return found

    async def books(self) -> list[Folder]:
        """The address books."""
        assert self.grant.contacts is not None
        return [one for one in await homes.collections(self.dav, self.grant.contacts) if one.is_book]


def folder_path(item_id: str | None, kind: str) -> str:
    """The path of a collection by its id. Raises `NotFound`."""
    path = paths.path_of(item_id or "", kind)
    if not path.endswith("/"):
        raise NotFound(f"there is no {kind} with the id {item_id!r}")
    return path


def item_path(item_id: str, parent: str | None, kind: str) -> str:
    """The path of an item by its id, which has to lie in the parent where one is given. Raises `NotFound`."""
    path = paths.path_of(item_id, kind)
    if path.endswith("/") or (parent is not None and paths.parent(path) != folder_path(parent, kind)):
        raise NotFound(f"there is no {kind} with the id {item_id[:80]!r}")
    return path


def refuse_read_only(place: Folder, what: str) -> None:
    """Before a write that the server would refuse less clearly. Raises `Denied`."""
    if not place.writable:
        raise Denied(f"this {what} cannot be changed by this account")
