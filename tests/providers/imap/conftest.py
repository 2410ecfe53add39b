"""Sessions on the two servers: a real Dovecot, and the scripted one for what no real server does on demand."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest

from providers.base.cache import Cache
from providers.base.provider import Mailbox, ProviderSettings
from providers.imap.account import Account
from providers.imap.grant import Endpoint, ImapGrant, Security
from providers.imap.hosts import Hosts
from providers.imap.ledger import Ledger
from providers.imap.provider import ImapProvider, ImapSession
from tests.servers.dovecot import Dovecot, User
from tests.servers.plugin import grant_of
from tests.servers.scripted_imap import ScriptedImap


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def session(
    dovecot: Dovecot, user: User, imap_settings: ProviderSettings, anyio_backend: str
) -> AsyncIterator[ImapSession]:
    """A session on a fresh mailbox of a real Dovecot."""
    mailbox = Mailbox(1, 1, user.address, grant_of(user, dovecot).model_dump())
    opened = await ImapProvider(imap_settings).open(mailbox)
    yield opened
    await opened.close()


@pytest.fixture
def scripted() -> Iterator[ScriptedImap]:
    """A server that can be told to misbehave; without LIST-STATUS, ESEARCH and CONDSTORE."""
    with ScriptedImap() as server:
        yield server


def scripted_grant(server: ScriptedImap) -> ImapGrant:
    """The grant of the scripted server's only user."""
    endpoint = Endpoint(host="127.0.0.1", port=server.port, security=Security.PLAIN)
    return ImapGrant(imap=endpoint, login="me", smtp_login="me", password=server.password)


def open_scripted(server: ScriptedImap, settings: ProviderSettings, **changes: object) -> ImapSession:
    """A session on the scripted server, with changed settings."""
    grant = scripted_grant(server)
    settings = replace(settings, **changes)  # type: ignore[arg-type]
    mailbox = Mailbox(2, 1, "me@example.test", grant.model_dump())
    return ImapSession(Account(mailbox, settings, Cache(settings.header_cache_bytes), Ledger(), Hosts(settings)))


@pytest.fixture
async def plain(
    scripted: ScriptedImap, imap_settings: ProviderSettings, anyio_backend: str
) -> AsyncIterator[ImapSession]:
    """A session on the scripted server."""
    opened = open_scripted(scripted, imap_settings)
    yield opened
    await opened.close()


Inject = Callable[..., None]


@pytest.fixture
def inject(dovecot: Dovecot, user: User) -> Inject:
    """Put a message into a folder of the Dovecot mailbox."""

    def put(source: bytes, folder: str = "INBOX", flags: tuple[bytes, ...] = (), received: object = None) -> None:
        with dovecot.client(user) as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            client.append(folder, source, flags, received)

    return put


def mail(name: str, *, answers: str = "", body: str = "Hello", more: str = "") -> bytes:
    """A small message; `answers` is the name of the one it replies to."""
    links = f"In-Reply-To: <{answers}@t>\r\nReferences: <{answers}@t>\r\n" if answers else ""
    head = f"From: A <a@example.org>\r\nTo: B <b@example.org>\r\nSubject: {name}\r\nMessage-ID: <{name}@t>\r\n"
    return (head + links + more + "\r\n" + body + "\r\n").encode()
