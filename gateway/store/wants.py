"""Who is wanted: readers that are there for a while have accounts watched (`watch.wanted_until`)."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text

from gateway.store.announcements import announce
from gateway.store.database import Database
from gateway.store.feed_places import Whose

_WHOSE = "a.application_id = :application and a.id = coalesce(cast(:account as bigint), a.id)"
_WANT = text(f"""
with wanted as (
    select a.id from account a where {_WHOSE} and a.token_status <> 'dead' order by a.id
), unwatched as (
    select id from wanted left join watch w on w.account_id = id
    where w.wanted_until is null or w.wanted_until < now()
), kept as (
    insert into watch as w (account_id, wanted_until) select id, now() + :span from wanted
    on conflict (account_id) do update set wanted_until = greatest(w.wanted_until, excluded.wanted_until)
)
select id from unwatched
""")  # noqa: S608
_UNFED = text(f"""
select a.id from account a where {_WHOSE} and a.token_status <> 'dead' and not exists (
    select from stream s where s.account_id = a.id and s.port = :port and s.filter = '{{}}' and s.ready
) order by a.id
""")  # noqa: S608


class Wants:
    """Notes who is wanted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def want(self, whose: Whose, span: timedelta) -> None:
        """Have accounts watched for this time from now on; those of which that is news are announced
        (`watch:ACCOUNT`). Dead accounts are left out."""
        async with self._database.session() as session:
            fresh = await session.scalars(_WANT, {**_values(whose), "span": span})
            await announce(session, *(f"watch:{account}" for account in fresh))

    async def unfed(self, whose: Whose, port: str) -> Sequence[int]:
        """Accounts whose feed is not told yet of what happens in a port, since its first pull is not complete."""
        async with self._database.read() as session:
            return (await session.scalars(_UNFED, {**_values(whose), "port": port})).all()


def _values(whose: Whose) -> dict[str, int | None]:
    return {"application": whose.application_id, "account": whose.account_id}
