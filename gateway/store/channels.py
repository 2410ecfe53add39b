"""Channels by which providers call: which there are, which are wanted, and whom a call is about."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, delete, func, insert, literal, select, text, update
from sqlmodel import col

from gateway.store.announcements import CHANNEL, announce
from gateway.store.database import Database
from gateway.store.leases import IS_WANTED
from gateway.store.tables import ChannelRow

Followed = tuple[str, str | None]  # port and parent of a stream that feeds an account's feed
_FOLLOWED = f"""
select f.account_id, f.port, f.parent from stream f join account a on a.id = f.account_id
where f.filter = '{{}}' and (a.service_type, f.port) in (select * from unnest(:services, :ports)) and {IS_WANTED}
"""  # noqa: S608 - constants
_TEXTS = [bindparam("services", type_=ARRAY(Text)), bindparam("ports", type_=ARRAY(Text))]
_DUE = text(f"""
with followed as materialized ({_FOLLOWED})
select account_id from channel where next_at <= now()
union select account_id from followed f where not exists (
    select from channel c
    where c.account_id = f.account_id and c.port = f.port and c.parent is not distinct from f.parent)
union select account_id from channel c where not exists (
    select from followed f
    where f.account_id = c.account_id and f.port = c.port and f.parent is not distinct from c.parent)
limit :limit
""").bindparams(*_TEXTS)  # noqa: S608
_FOLLOWED_OF = text(f"{_FOLLOWED} and f.account_id = :account").bindparams(*_TEXTS)
_OF_MAILBOX = text("""
select account_id, pg_notify(:channel, 'told:' || account_id || ':' || :port) from (
    select distinct c.account_id from channel c join account a on a.id = c.account_id
    where lower(c.resource) = lower(:resource) and c.port = :port and a.service_type = any(:services)) as told
""").bindparams(bindparam("services", type_=ARRAY(Text)))
_NAMED = text("""
select c.account_id, c.port, c.parent, c.secret_hash from channel c join account a on a.id = c.account_id
where c.name = :name and a.service_type = any(:services)
""").bindparams(bindparam("services", type_=ARRAY(Text)))
_FAMILY = text("""
select c.id, c.account_id from channel c join account a on a.id = c.account_id
where a.id = any(:ids) or a.parent_id = any(:ids)
""").bindparams(bindparam("ids", type_=ARRAY(BigInteger)))


@dataclass(frozen=True, slots=True)
class Named:
    """A channel that a call names; `secret_hash` tells whether the caller may."""

    account_id: int
    port: str
    parent: str | None
    secret_hash: bytes


class Channels:
    """Keeps them; `services` maps each serviceType whose provider calls to the ports of which it tells."""

    def __init__(self, database: Database, services: Mapping[str, Collection[str]]) -> None:
        self._database, self._services = database, services
        pairs = [(service, port) for service, ports in services.items() for port in ports]
        self._pushing = {"services": [service for service, _ in pairs], "ports": [port for _, port in pairs]}

    def ports(self, service: str) -> Collection[str]:
        """The ports of which providers tell accounts of this serviceType."""
        return self._services.get(service, ())

    async def due(self, limit: int) -> Sequence[int]:
        """Accounts of which a channel is missing, or one wants something done about it. Raises `Unavailable`."""
        async with self._database.read() as session:
            return (await session.scalars(_DUE, {**self._pushing, "limit": limit})).all()

    async def followed(self, account_id: int) -> set[Followed]:
        """What somebody follows of an account, and its provider can tell of. Raises `Unavailable`."""
        async with self._database.read() as session:
            found = await session.execute(_FOLLOWED_OF, {**self._pushing, "account": account_id})
            return {(row.port, row.parent) for row in found}

    async def of(self, account_id: int) -> Sequence[ChannelRow]:
        """The channels of an account, the oldest first. Raises `Unavailable`."""
        mine = select(ChannelRow).where(col(ChannelRow.account_id) == account_id).order_by(col(ChannelRow.id))
        async with self._database.read() as session:
            return (await session.scalars(mine)).all()

    async def begin(self, account_id: int, followed: Followed, name: str, secret: bytes, patience: timedelta) -> int:
        """Note a channel that is to be made under this name; its id. Calls by it are taken from now on, and after
        `patience` it counts as not made. One that could not be made before is the same row. Raises `Unavailable`."""
        port, parent = followed
        given = {"name": name, "secret_hash": secret, "next_at": func.now() + literal(patience)}
        waiting = (
            col(ChannelRow.account_id) == account_id,
            col(ChannelRow.port) == port,
            col(ChannelRow.parent).is_not_distinct_from(parent),
            col(ChannelRow.expires_at).is_(None),
        )
        again = update(ChannelRow).where(*waiting).values(given).returning(col(ChannelRow.id))
        fresh = insert(ChannelRow).values(given | {"account_id": account_id, "port": port, "parent": parent})
        async with self._database.session() as session:
            known = await session.scalar(again)
            return known or (await session.scalars(fresh.returning(col(ChannelRow.id)))).one()

    async def made(
        self, channel_id: int, was: str, name: str, resource: str | None, ends: datetime, renewal: datetime
    ) -> bool:
        """The channel that began under the name `was` works: whoever watches its account asks for changes once, since
        those of before are not told. False when it was given up meanwhile. Raises `Unavailable`."""
        given = {
            "name": name,
            "resource": resource,
            "expires_at": ends,
            "next_at": renewal,
            "failures": 0,
            "error": None,
        }
        mine = update(ChannelRow).where(col(ChannelRow.id) == channel_id, col(ChannelRow.name) == was)
        async with self._database.session() as session:
            row = await session.scalar(mine.values(given).returning(ChannelRow))
            if row is not None:
                await announce(session, f"watch:{row.account_id}", topic(row.account_id, row.port, row.parent))
        return row is not None

    async def failed(self, ids: Collection[int], error: str, pause: timedelta) -> None:
        """Something did not succeed with these, and is tried again after a pause. Raises `Unavailable`."""
        given = {"failures": col(ChannelRow.failures) + 1, "error": error, "next_at": func.now() + literal(pause)}
        async with self._database.read() as session:
            await session.execute(update(ChannelRow).where(col(ChannelRow.id).in_(ids)).values(given))

    async def doubt(self, account_id: int, followed: Followed) -> None:
        """Have the channel of a stream renewed at once. Raises `Unavailable`."""
        port, parent = followed
        mine = (col(ChannelRow.account_id) == account_id, col(ChannelRow.port) == port)
        same = col(ChannelRow.parent).is_not_distinct_from(parent)
        async with self._database.read() as session:
            await session.execute(update(ChannelRow).where(*mine, same).values(next_at=func.now()))

    async def is_shared(self, row: ChannelRow) -> bool:
        """Whether another one, of this account or another, is the same to the provider, so that ending one ends both.
        Raises `Unavailable`."""
        same = (
            col(ChannelRow.id) != row.id,
            col(ChannelRow.name) == row.name,
            col(ChannelRow.resource) == row.resource,
            col(ChannelRow.expires_at) > func.now(),
        )
        async with self._database.read() as session:
            return await session.scalar(select(col(ChannelRow.id)).where(*same).limit(1)) is not None

    async def remove(self, channel_id: int) -> None:
        """Forget one. Raises `Unavailable`."""
        async with self._database.read() as session:
            await session.execute(delete(ChannelRow).where(col(ChannelRow.id) == channel_id))

    async def family(self, account_ids: Collection[int]) -> set[int]:
        """Which of these accounts, and of those that live by them, have channels. Raises `Unavailable`."""
        async with self._database.read() as session:
            return {row.account_id for row in await session.execute(_FAMILY, {"ids": list(account_ids)})}

    async def tell_mailbox(self, services: Collection[str], port: str, resource: str) -> int:
        """Tell whoever watches the accounts behind a mailbox; how many accounts there are. Raises `Unavailable`."""
        given = {"channel": CHANNEL, "services": list(services), "port": port, "resource": resource}
        async with self._database.read() as session:
            return len((await session.execute(_OF_MAILBOX, given)).all())

    async def named(self, services: Collection[str], name: str) -> Named | None:
        """The channel of this name. Raises `Unavailable`."""
        async with self._database.read() as session:
            row = (await session.execute(_NAMED, {"services": list(services), "name": name})).first()
        return Named(*row) if row else None

    async def tell(self, named: Named) -> None:
        """Tell whoever watches the account of a channel. Raises `Unavailable`."""
        async with self._database.read() as session:
            await announce(session, topic(named.account_id, named.port, named.parent))


def topic(account_id: int, port: str, parent: str | None) -> str:
    """The announcement that a provider said that something changed."""
    return ":".join([f"told:{account_id}", port, *([] if parent is None else [parent])])
