"""Mail by one adapter, calendars, contacts and tasks by another, as one account: most mail hosts have both, behind one
password. Neither adapter knows of the other; the grant is that of mail, with that of DAV under `dav`.
"""

import base64
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import make_msgid
from typing import Any, ClassVar

from providers.base.errors import Invalid, NotFound, ProviderError, Unauthorized, Unsupported
from providers.base.ports import Messages, Outgoing
from providers.base.provider import Hear, Linked, Listening, Mailbox, Provider, ProviderSettings, Session
from providers.caldav import presets
from providers.caldav.account import Courier
from providers.caldav.link import Search
from providers.caldav.provider import CaldavProvider
from providers.formats.itip import Invitation
from providers.imap.provider import ImapProvider
from schemas.accounts import ApiAccountInDto, ServiceProvider, ServiceType
from schemas.mail import BodyType
from schemas.outgoing import InvitationPart, OutgoingEmail

log = logging.getLogger(__name__)
_DAV = "dav"


class CombinedSession(Session):
    """The ports of both."""

    def __init__(self, mail: Session | None, dav: Session | None) -> None:
        self._parts = [part for part in (mail, dav) if part is not None]
        if mail is not None:
            self.messages, self.drafts, self.folders = mail.messages, mail.drafts, mail.folders
        if dav is not None:
            self.calendars, self.events, self.contacts = dav.calendars, dav.events, dav.contacts
            self.task_lists, self.tasks = dav.task_lists, dav.tasks

    async def ping(self) -> None:
        """See `Session.ping`; both have to answer."""
        for part in self._parts:
            await part.ping()

    async def close(self) -> None:
        """See `Session.close`."""
        for part in self._parts:
            await part.close()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an account is to have, and where DAV is looked for; `required`: without DAV it is not linked."""

    mail: bool
    dav: bool
    required: bool
    calendars: str | None = None
    contacts: str | None = None


class MailWithDav(Provider):
    """IMAP accounts, which may have calendars, contacts and tasks too, and iCloud accounts, which do.

    An IMAP account gets them when the caller asks for their scopes, or names a server in `serverInfo` (JSON with
    `caldav`, and `carddav` where that is another one); without being asked where the host is known for them."""

    name = "imap"
    services: ClassVar[frozenset[str]] = ImapProvider.services | {ServiceType.ICLOUD.value}
    scopes = ImapProvider.scopes | CaldavProvider.scopes
    endpoints: ClassVar[Mapping[str, str]] = {"icloud_dav_url": ""}  # without: iCloud's own
    polling_floor = min(ImapProvider.polling_floor, CaldavProvider.polling_floor)

    def __init__(
        self, settings: ProviderSettings, mail: Provider | None = None, dav: CaldavProvider | None = None
    ) -> None:
        super().__init__(settings)
        self._mail, self._dav = mail or ImapProvider(settings), dav or CaldavProvider(settings)

    async def link(self, account: ApiAccountInDto, *, ensure_access: bool) -> Linked:
        """See `Provider.link`."""
        wanted = self._wanted(account)
        if account.service_type is ServiceType.ICLOUD:
            account = account.model_copy(update={"service_provider": ServiceProvider.ICLOUD})
        mail = await self._mail.link(_without(account, self._dav), ensure_access=ensure_access) if wanted.mail else None
        brand = mail.service_provider if mail else account.service_provider
        if not wanted.dav and not presets.of(brand, (account.email or "").rpartition("@")[2].lower()):
            assert mail is not None
            return mail
        return await self._with_dav(account, wanted, mail, brand, ensure_access=ensure_access)

    def _wanted(self, account: ApiAccountInDto) -> _Wanted:
        asked = set(account.auth_scopes or ())
        servers = _servers(account.server_info)
        given = {key: servers.get(key) for key in ("caldav", "carddav")}
        both = account.service_type is ServiceType.ICLOUD
        if both and (instead := self.settings.endpoints.get("icloud_dav_url")):
            given["caldav"] = given["caldav"] or instead
        required = bool(asked & self._dav.scopes or any(given.values()) or (both and not asked))
        mail = not both or not asked or bool(asked & self._mail.scopes)
        return _Wanted(mail, required, required, given["caldav"], given["carddav"])

    async def _with_dav(
        self, account: ApiAccountInDto, wanted: _Wanted, mail: Linked | None, brand: str | None, *, ensure_access: bool
    ) -> Linked:
        host = _host(mail.server_url) if mail else None
        search = Search(
            account.email or (mail.email if mail else account.login_string),
            brand,
            wanted.calendars,
            wanted.contacts,
            trusted=(host,) if host else (),
        )
        try:
            linked = await self._signed_in(account, search, mail, ensure_access=ensure_access)
        except ProviderError as error:
            if wanted.required or mail is None:
                raise _blamed(error, wanted) from None
            log.info("an account was linked without calendars and contacts: %s", type(error).__name__)
            return mail
        dav = {_DAV: dict(linked.grant)}
        return replace(mail, grant={**mail.grant, **dav}) if mail else replace(linked, grant=dav)

    async def _signed_in(
        self, account: ApiAccountInDto, search: Search, mail: Linked | None, *, ensure_access: bool
    ) -> Linked:
        """With the login that mail took, else the whole address, which iCloud wants here although not there."""
        logins = [account.login_string, mail.login if mail else None, search.email]
        if search.brand == ServiceProvider.ICLOUD:
            logins = [search.email, account.login_string]
        failure: Unauthorized | None = None
        for login in dict.fromkeys(login for login in logins if login):
            body = account.model_copy(update={"login_string": login, "server_url": None, "server_url2": None})
            try:
                return await self._dav.find(body, search, ensure_access=ensure_access)
            except Unauthorized as error:
                failure = error
        raise failure or NotFound("nobody to sign in as")

    async def open(self, mailbox: Mailbox) -> CombinedSession:
        """See `Provider.open`."""
        mail_grant, dav_grant = _parts(mailbox.grant)
        mail = await self._mail.open(replace(mailbox, grant=mail_grant)) if mail_grant else None
        if dav_grant is None:
            return CombinedSession(mail, None)
        courier = _courier(mail.messages) if mail is not None and mail.messages is not None else None
        return CombinedSession(mail, await self._dav.open(replace(mailbox, grant=dav_grant), courier))

    async def listen(self, mailbox: Mailbox, hear: Hear) -> Listening:
        """See `Provider.listen`: mail is heard, the rest is polled."""
        mail_grant, _ = _parts(mailbox.grant)
        if not mail_grant:
            raise Unsupported("calendars and contacts do not tell of changes by themselves")
        return await self._mail.listen(replace(mailbox, grant=mail_grant), hear)

    async def close(self) -> None:
        """See `Provider.close`."""
        await self._mail.close()
        await self._dav.close()


def _without(account: ApiAccountInDto, dav: Provider) -> ApiAccountInDto:
    """The body as the mail adapter knows it."""
    scopes = [scope for scope in account.auth_scopes or () if scope not in dav.scopes]
    return account.model_copy(update={"auth_scopes": scopes or None})


def _parts(grant: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    return {key: value for key, value in grant.items() if key != _DAV}, grant.get(_DAV)


def _servers(server_info: str | None) -> dict[str, str]:
    """The texts in the JSON of `serverInfo`; what else it may be is no business of DAV."""
    try:
        known = json.loads(server_info or "")
    except ValueError:
        return {}
    return {key: value for key, value in known.items() if isinstance(value, str)} if isinstance(known, dict) else {}


def _host(server: str | None) -> str | None:
    """Of `host:port`; IPv6 addresses are in brackets."""
    return server.rpartition(":")[0].strip("[]") if server else None


def _blamed(error: ProviderError, wanted: _Wanted) -> ProviderError:
    """A wrong password is one; else what was asked for cannot be had."""
    if isinstance(error, (Unauthorized, Invalid)):
        return error
    path = "serverInfo" if wanted.calendars or wanted.contacts else "authScopes"
    return Invalid(f"calendars and contacts: {error.message}", path=path, original=error.original)


def _courier(messages: Messages) -> Courier:
    """Invitations leave by the account's own submission server."""

    async def send(invitation: Invitation, subject: str) -> None:
        content = base64.b64encode(invitation.text).decode("ascii")
        part = InvitationPart(method=_method(invitation), content=content)
        one_line = " ".join(subject.split())
        email = OutgoingEmail(subject=one_line, body=one_line, to=list(invitation.recipients), attachments=[part])
        await messages.send(Outgoing(email, make_msgid(domain="postroom"), datetime.now(UTC), BodyType.TEXT))

    return send


def _method(invitation: Invitation) -> Any:
    return invitation.method
