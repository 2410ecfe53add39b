"""Who watches which account: leases of processes, and which accounts are wanted at all.

A process holds its leases for as long as it renews the one row that says it is alive. Whoever finds such a row too old
deletes it, and may then take those accounts: a process that comes back from a long sleep finds its row gone.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, bindparam, text

from gateway.identity import Account
from gateway.store import values
from gateway.store.announcements import announce
from gateway.store.database import Database
from gateway.store.queries import accounts

TTL = 20.0  # seconds

#: Which accounts `a` are wanted: somebody follows them, and they can be read.
IS_WANTED = """
a.token_status <> 'dead' and a.sealed_grant is not null and (
    exists (select from subscription s where s.account_id = a.id)
    or exists (select from stream s where s.account_id = a.id and s.used_at > now() - interval '1 hour')
    or exists (select from watch w where w.account_id = a.id and w.wanted_until > now()))
"""
_WANTED = f"""
with wanted as materialized (select a.id from account a where {IS_WANTED})
"""  # noqa: S608 - constants
_REGISTER = text("""
with mine as (insert into process (name, seen_at) values (:me, now()) on conflict (name) do update set seen_at = now())
update watch set owner = null where owner = :me
""")
_BEAT = text("update process set seen_at = now() where name = :me returning name")
_SURVEY = text(f"""
{_WANTED}, alive as materialized (
    select name from process where seen_at >= now() - make_interval(secs => :ttl)
), buried as (
    delete from process where name in (
        select name from process where seen_at < now() - make_interval(secs => :ttl) for update skip locked)
)
select (select count(*) from wanted), (select count(*) from alive),
    (select count(*) from wanted n left join watch w on w.account_id = n.id
        where w.owner is null or w.owner not in (select name from alive)),
    (select count(*) from watch where owner = :me),
    array(select account_id from watch where owner = :me and account_id not in (select id from wanted))
""")  # noqa: S608 - constants
_ENTER = text(f"""
{_WANTED} insert into watch (account_id)
select id from wanted n where not exists (select from watch w where w.account_id = n.id) on conflict do nothing
""")  # noqa: S608
_CLAIM = text(f"""
{_WANTED}, free as (
    select w.account_id from watch w
    where (w.owner is null or not exists (select from process p where p.name = w.owner))
        and w.account_id in (select id from wanted)
    limit :limit for update of w skip locked
)
update watch w set owner = :me, epoch = w.epoch + 1 from free f where w.account_id = f.account_id
returning w.account_id, w.epoch, w.failures
""")  # noqa: S608
_IDS = bindparam("ids", type_=ARRAY(BigInteger))
_RELEASE = text("update watch set owner = null where owner = :me and account_id = any(:ids)").bindparams(_IDS)
_FORGET = text("""
update watch set owner = null, failures = 0, error = null where owner = :me and account_id = any(:ids)
""").bindparams(_IDS)
_RELEASE_OTHERS = text("update watch set owner = null where owner = :me and account_id <> all(:ids)").bindparams(_IDS)
_LEAVE = text("delete from process where name = :me")
_NOTE = text("""
update watch set failures = :failures, error = :error where account_id = :account and owner = :me and epoch = :epoch
""")


@dataclass(frozen=True, slots=True)
class Survey:
    """How things stand: accounts `wanted`, how many of them `free`, processes `alive`; of this one: leases `held`, and
    those that nobody wants any more."""

    wanted: int
    alive: int
    free: int
    held: int
    unwanted: Sequence[int]


@dataclass(frozen=True, slots=True)
class Lease:
    """An account that this process is to watch, after so many failures in a row."""

    account: Account
    epoch: int
    failures: int


class Leases:
    """The leases of the process `me`, a name that no other process ever has. Every method raises `Unavailable`."""

    def __init__(self, database: Database, me: str, ttl: float = TTL) -> None:
        self._database, self.me, self.ttl = database, me, ttl

    async def register(self) -> None:
        """Say for the first time (again) that this process is alive; it holds nothing then."""
        async with self._database.session() as session:
            await session.execute(_REGISTER, {"me": self.me})
            await announce(session, "watch:0")

    async def beat(self) -> bool:
        """Renew every lease of this process; False when all are lost, because it was silent for too long."""
        return bool(await self._database.rows(_BEAT, me=self.me))

    async def tell(self, account_ids: Iterable[int]) -> None:
        """Tell the other processes that this one has written to these accounts."""
        async with self._database.read() as session:
            await announce(session, *(f"wrote:{account_id}" for account_id in account_ids))

    async def survey(self) -> Survey:
        """Look around, and bury the processes that are silent."""
        [found] = await self._database.rows(_SURVEY, me=self.me, ttl=self.ttl)
        return Survey(*found)

    async def claim(self, limit: int) -> list[Lease]:
        """Take up to `limit` of the accounts that are wanted and that nobody has."""
        async with self._database.read() as session:
            await session.execute(_ENTER)
            taken = {row[0]: row[1:] for row in await session.execute(_CLAIM, {"me": self.me, "limit": limit})}
            rows = await accounts.by_ids(session, taken) if taken else []
            return [Lease(values.account(row), *taken[row.id]) for row in rows]

    async def accounts(self, ids: Collection[int]) -> list[Account]:
        """These accounts as they are now; without those that are gone."""
        async with self._database.read() as session:
            return [values.account(row) for row in await accounts.by_ids(session, ids)]

    async def release(self, ids: Collection[int]) -> None:
        """Give leases back, for others to take."""
        async with self._database.session() as session:
            await session.execute(_RELEASE, {"me": self.me, "ids": list(ids)})
            await announce(session, "watch:0")

    async def forget(self, ids: Collection[int]) -> None:
        """Give leases back that nobody wants; should that change, it is a new beginning."""
        await self._database.rows(_FORGET, me=self.me, ids=list(ids))

    async def release_others(self, ids: Collection[int]) -> None:
        """Give back all but these."""
        async with self._database.session() as session:
            await session.execute(_RELEASE_OTHERS, {"me": self.me, "ids": list(ids)})

    async def leave(self) -> None:
        """Give everything back: this process is no more."""
        async with self._database.session() as session:
            await session.execute(_LEAVE, {"me": self.me})
            await announce(session, "watch:0")

    async def note(self, account_id: int, epoch: int, failures: int, error: str | None) -> None:
        """Keep, for the next owner and for people, how watching goes; nothing under a lease that was lost."""
        noted = {"account": account_id, "epoch": epoch, "failures": failures, "error": error}
        await self._database.rows(_NOTE, me=self.me, **noted)
