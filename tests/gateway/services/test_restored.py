"""A database that was restored from a backup: numbers are given again, and consumers still end with what is there."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing

import psycopg
import pytest
from sqlalchemy import make_url

from gateway.positions import Branch
from gateway.services.changelog import ChangeLog
from gateway.store.database import Database
from gateway.store.feed import Feed
from gateway.store.streams import Stream
from tests.gateway.database import fresh_database
from tests.gateway.services.conftest import House
from tests.gateway.services.followers import Follower, change_log, new_stream, opener
from tests.gateway.services.memory_mail import Mail

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[ChangeLog]:
    database = Database(url)
    log = change_log(database)
    yield log
    await log.close()
    await database.close()


@pytest.fixture
def backup(postgres_url: str, database_url: str, house: House) -> Callable[[], str]:
    """Makes a copy of the module's database, as it is now, and gives its URL."""
    copies = []

    def copy() -> str:
        name = make_url(database_url).database
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            query = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
            connection.execute(query, [name])
        copies.append(fresh_database(postgres_url, f"template {name}"))
        return next(copies[-1])

    yield copy
    for one in copies:
        with closing(one):
            next(one, None)


async def prepared(house: House, url: str) -> tuple[Stream, Mail, Follower]:
    """A stream with five items and a follower who knows them."""
    mail = Mail()
    for number in range(5):
        mail.put(f"m{number}", f"text {number}")
    async with opened(url) as log:
        stream = await log.start(await new_stream(house.database, log, house.application.id), opener(mail))
        follower = Follower(stream)
        await follower.catch_up(log, mail)
    return stream, mail, follower


async def test_a_consumer_ahead_of_the_backup_hears_of_everything(
    house: House, database_url: str, backup: Callable[[], str]
) -> None:
    _, mail, follower = await prepared(house, database_url)
    restored = backup()
    async with opened(database_url) as log:  # the hour that will be lost
        mail.put("lost", "told before the restore")
        mail.remove("m0")
        await follower.catch_up(log, mail)
    mail.put("m1", "changed after the backup")
    mail.put("new", "came after the restore")
    mail.remove("m2")
    async with opened(restored) as log:
        position = follower.at[Branch.UPDATED]
        await follower.catch_up(log, mail)
        assert follower.known == mail.state()
        assert follower.at[Branch.UPDATED].after > position.after
        mail.put("later", "and so it goes on")
        await follower.catch_up(log, mail)
        assert follower.known == mail.state()


async def test_only_what_differs_is_told_again(house: House, database_url: str, backup: Callable[[], str]) -> None:
    _, mail, follower = await prepared(house, database_url)
    restored = backup()
    async with opened(database_url) as log:
        mail.put("m3", "changed in the lost hour")
        await follower.catch_up(log, mail)
    async with opened(restored) as log:
        found = await log.updated(follower.stream, follower.position(Branch.UPDATED), opener(mail))
        assert [record.id for record in found.records] == ["m3"]
        again = await log.updated(follower.stream, found.next, opener(mail))
        assert (again.records, again.ended) == ([], True)


async def test_without_a_restore_nothing_is_told_twice(house: House, database_url: str) -> None:
    _, mail, follower = await prepared(house, database_url)
    async with opened(database_url) as log:
        for number in range(12):
            mail.put("m1", f"version {number}")
            found = await log.updated(follower.stream, follower.position(Branch.UPDATED), opener(mail))
            assert [record.subject for record in found.records] == [f"version {number}"]
            follower.at[Branch.UPDATED] = found.next


async def test_the_feed_tells_what_happened_after_the_first_pull(house: House, database_url: str) -> None:
    stream, mail, _ = await prepared(house, database_url)
    feed = Feed(house.database)
    assert await feed.head(stream.account_id) == 0
    async with opened(database_url) as log:
        mail.put("m1", "new text")
        mail.put("new", "text")
        mail.remove("m4")
        await log.refresh(stream, opener(mail))
        mail.put("m4", "is back")
        await log.refresh(stream, opener(mail))
        limited = await log.find_or_create(stream.account_id, "messages", None, {"daysWithin": 3})
        await log.start(limited, opener(mail))
        mail.put("m1", "newer text")
        await log.refresh(limited, opener(mail))
    events = await feed.events(stream.account_id, 0, 100)
    told = [(event.sequence, event.item_id, event.change) for event in events]
    assert told == [(1, "m1", "updated"), (2, "new", "created"), (3, "m4", "deleted"), (4, "m4", "created")]
