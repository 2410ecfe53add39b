"""Accounts with feeds, and events in them as pulls append them."""

from collections.abc import Sequence
from datetime import timedelta

from cryptography.fernet import Fernet
from sqlalchemy import text

from gateway.services.applications import Applications
from gateway.store import feed
from gateway.store.database import Database
from gateway.store.feed import Event
from gateway.store.queries import accounts
from gateway.store.streams import Streams
from gateway.store.vault import Vault

_NAMES = iter(range(1000))


async def new_application(database: Database) -> int:
    """The id of a new application."""
    made = await Applications(database, Vault([Fernet.generate_key().decode()])).create(f"feeds {next(_NAMES)}")
    return made[0].id


async def new_account(database: Database, application_id: int) -> int:
    """The id of a new account."""
    columns = {"service_type": "IMAP", "email": "ann@example.com", "application_id": application_id}
    async with database.session() as session:
        return (await accounts.add(session, columns)).id


async def append(
    database: Database, account_id: int, events: Sequence[tuple[str, str]], port: str = "messages"
) -> None:
    """Append events (item, change), each in a transaction of its own."""
    stream = await Streams(database).find_or_create(account_id, port, None, {})
    for item, change in events:
        async with database.session() as session:
            await feed.append(session, stream, [Event(item, change)])


async def age(database: Database, account_id: int, by: timedelta) -> None:
    """Have everything in a feed happened earlier."""
    async with database.session() as session:
        values = {"account": account_id, "by": by}
        await session.execute(text("update feed_event set at = at - :by where account_id = :account"), values)
        await session.execute(text("update feed set changed_at = changed_at - :by where account_id = :account"), values)
