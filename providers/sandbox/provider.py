"""The provider: links any address, and opens its mailbox, filled with believable data at the first time.

Options of the account record: the password `wrong` is refused, so that the error path can be tried; `serverInfo: empty`
links a mailbox with nothing in it.
"""

import sqlite3
from datetime import UTC, datetime
from typing import ClassVar

from providers.base.errors import Invalid, Unauthorized
from providers.base.lane import Lane
from providers.base.provider import Grant, Hear, Linked, Listening, Mailbox, Provider, ProviderSettings, Session
from providers.sandbox import data, delivery, furniture
from providers.sandbox.box import ROLE_NAMES, Box
from providers.sandbox.calendars import SandboxCalendars
from providers.sandbox.client import Client
from providers.sandbox.contacts import SandboxContacts
from providers.sandbox.drafts import SandboxDrafts
from providers.sandbox.events import SandboxEvents
from providers.sandbox.folders import SandboxFolders
from providers.sandbox.listening import Ears
from providers.sandbox.mail import SandboxMessages
from providers.sandbox.tasks import SandboxTaskLists, SandboxTasks
from schemas.accounts import ApiAccountInDto, Scope
from schemas.outgoing import is_address

WRONG_PASSWORD = "wrong"  # noqa: S105 - the one that is refused
EMPTY = "empty"  # serverInfo of a mailbox with nothing in it


class SandboxSession(Session):
    """The ports of one mailbox."""

    def __init__(self, client: Client, number: int, mailbox: Mailbox, lane: Lane) -> None:
        self.messages = SandboxMessages(client, number, mailbox, lane)
        self.drafts = SandboxDrafts(client, number, mailbox, lane)
        self.folders = SandboxFolders(client, number, mailbox, lane)
        self.calendars = SandboxCalendars(client, number, mailbox, lane)
        self.events = SandboxEvents(client, number, mailbox, lane)
        self.contacts = SandboxContacts(client, number, mailbox, lane)
        self.task_lists = SandboxTaskLists(client, number, mailbox, lane)
        self.tasks = SandboxTasks(client, number, mailbox, lane)


class SandboxProvider(Provider):
    """A mailbox belongs to the account it was linked as (its key and address), whoever else links the same address."""

    name: ClassVar[str] = "sandbox"
    services: ClassVar[frozenset[str]] = frozenset({"Sandbox"})
    scopes: ClassVar[frozenset[Scope]] = frozenset(Scope)

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self._client = Client(settings.var_dir / "sandbox.sqlite3")
        self._ears = Ears(self._client)

    async def link(self, account: ApiAccountInDto, *, ensure_access: bool) -> Linked:
        email = account.email or account.login_string or ""
        if not is_address(email):
            raise Invalid(f"{email[:80]!r} is not an e-mail address", path="email")
        if WRONG_PASSWORD in (account.password, account.auth_string1):
            raise Unauthorized("the sandbox refuses the password 'wrong'", final=True)
        grant = {"linkedAt": datetime.now(UTC).isoformat(), "empty": account.server_info == EMPTY}
        name = account.name or email.partition("@")[0].replace(".", " ").title()
        return Linked(
            grant=grant, email=email, login=account.login_string or email, name=name, timezone=account.timezone
        )

    async def link_service(self, account: ApiAccountInDto) -> Linked:
        return await self.link(account, ensure_access=False)

    def delegated(self, service: Grant, email: str, scopes: frozenset[Scope]) -> Grant:
        if not is_address(email):
            raise Invalid(f"{email[:80]!r} is not an e-mail address", path="email")
        return {}

    async def open(self, mailbox: Mailbox) -> Session:
        lane = Lane(self.settings.connections_per_account)
        number = await lane.run(lambda: self._account(mailbox))
        return SandboxSession(self._client, number, mailbox, lane)

    async def listen(self, mailbox: Mailbox, hear: Hear) -> Listening:
        number = await Lane(1).run(lambda: self._account(mailbox))
        return await self._ears.listen(number, hear)

    async def close(self) -> None:
        self._ears.close()
        self._client.close()

    def _account(self, mailbox: Mailbox) -> int:
        """The number of the account in the file, made when the mailbox is opened for the first time."""
        with self._client.reading() as db:
            number = _find(db, mailbox)
            if number is not None and furniture.is_there(db, number):
                return number
        with self._client.writing() as db:
            number = _find(db, mailbox) or _make(db, mailbox)
            if not furniture.is_there(db, number):
                furniture.put(db, number, mailbox, empty=bool(mailbox.grant.get("empty")))
        return number


def _find(db: sqlite3.Connection, mailbox: Mailbox) -> int | None:
    found = db.execute("SELECT id FROM account WHERE key = ? AND email = ?", (mailbox.key, mailbox.email)).fetchone()
    return int(found["id"]) if found else None


def _make(db: sqlite3.Connection, mailbox: Mailbox) -> int:
    made = db.execute("INSERT INTO account (key, email) VALUES (?, ?)", (mailbox.key, mailbox.email))
    box = Box(db, made.lastrowid or 0, {})
    paths = {name: box.add_folder(name, None, role) for name, role in ROLE_NAMES.items()}
    linked_at = datetime.fromisoformat(mailbox.grant["linkedAt"])
    if not mailbox.grant.get("empty"):
        projects = box.add_folder("Projects", None)
        paths["Projects/Alpha"] = box.add_folder("Alpha", projects)
        for path, letter in data.letters(mailbox.email, mailbox.name or mailbox.email, linked_at):
            box.add(paths[path], letter)
    delivery.collect(box, mailbox.email, linked_at)
    return box.account
