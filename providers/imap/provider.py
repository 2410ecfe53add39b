"""The IMAP provider: linking accounts, and sessions on them."""

from functools import partial

from providers.base.cache import Cache
from providers.base.lane import Lane
from providers.base.provider import Hear, Linked, Listening, Mailbox, Provider, ProviderSettings, Session
from providers.imap import link
from providers.imap.account import Account
from providers.imap.connection import Connection
from providers.imap.drafts import ImapDrafts
from providers.imap.facts import Facts
from providers.imap.folders import ImapFolders
from providers.imap.grant import ImapGrant
from providers.imap.hosts import Hosts
from providers.imap.ledger import Ledger
from providers.imap.listening.listeners import Listeners
from providers.imap.mail import ImapMessages
from schemas.accounts import ApiAccountInDto, Scope, ServiceType

_LINKS_AT_ONCE = 16  # accounts being linked by one process; each may wait for a server that does not answer


class ImapSession(Session):
    """Mail, drafts and folders of one account; connects when first used."""

    messages: ImapMessages
    drafts: ImapDrafts
    folders: ImapFolders

    def __init__(self, account: Account) -> None:
        self.account = account
        self.messages, self.folders = ImapMessages(account), ImapFolders(account)
        self.drafts = ImapDrafts(account, self.messages)

    async def ping(self) -> None:
        """Sign in anew: a warm connection would not tell that the password was changed."""
        opened = partial(Connection.open, self.account.grant, self.account.settings)
        connection = await self.account.lane.run(opened)
        await self.account.lane.run(connection.close)

    async def close(self) -> None:
        """See `Session.close`."""
        await self.account.lane.run(self.account.close)


class ImapProvider(Provider):
    """IMAP and SMTP with a password or a token."""

    name = "imap"
    services = frozenset({ServiceType.IMAP.value})
    scopes = frozenset({Scope.MAIL_READ, Scope.MAIL_READ_WRITE, Scope.MAIL_SEND, Scope.MAIL_DRAFTS, Scope.MAIL_ALL})

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._lane = Lane(_LINKS_AT_ONCE)
        self._cache: Cache[Facts] = Cache(settings.header_cache_bytes)
        self._ledger = Ledger()
        self._hosts = Hosts(settings)
        self._listeners = Listeners(self._hosts)

    async def link(self, account: ApiAccountInDto, *, ensure_access: bool) -> Linked:
        """See `Provider.link`."""
        return await self._lane.run(partial(link.link, account, self.settings, ensure_access=ensure_access))

    async def open(self, mailbox: Mailbox) -> ImapSession:
        """See `Provider.open`."""
        return ImapSession(Account(mailbox, self.settings, self._cache, self._ledger, self._hosts))

    async def listen(self, mailbox: Mailbox, hear: Hear) -> Listening:
        """See `Provider.listen`. Nothing is asked of the server twice: all folders are heard over one connection."""
        return await self._listeners.listen(ImapGrant.model_validate(mailbox.grant), hear)

    async def close(self) -> None:
        """See `Provider.close`."""
        self._listeners.close()
