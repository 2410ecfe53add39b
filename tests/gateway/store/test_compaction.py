"""What stays of a feed when it is old."""

import asyncio
from datetime import timedelta

import pytest

from gateway.store.compaction import Compaction
from gateway.store.database import Database
from gateway.store.feed import Feed
from tests.gateway.store.feeds import age, append, new_account, new_application

pytestmark = pytest.mark.anyio
MONTH, YEAR = timedelta(days=30), timedelta(days=365)
Left = list[tuple[int, str, str, str]]


async def left(database: Database, account_id: int) -> Left:
    events = await Feed(database).events(account_id, 0, 1000)
    return [(event.sequence, event.port, event.item_id, event.change) for event in events]


async def test_the_last_old_event_of_each_item_stays(database: Database) -> None:
    account = await new_account(database, await new_application(database))
    await append(database, account, [("a", "created"), ("b", "created"), ("a", "updated"), ("c", "created")])
    await append(database, account, [("a", "updated")], port="contacts")
    await append(database, account, [("b", "deleted")])
    await age(database, account, YEAR)
    await append(database, account, [("a", "updated"), ("a", "deleted")])
    assert await Compaction(database).compact(MONTH) == 2
    expected = [(3, "messages", "a", "updated"), (4, "messages", "c", "created"), (5, "contacts", "a", "updated")]
    expected += [(6, "messages", "b", "deleted")]
    fresh = [(7, "messages", "a", "updated"), (8, "messages", "a", "deleted")]
    assert await left(database, account) == expected + fresh
    assert await Compaction(database).compact(MONTH) == 0
    await age(database, account, YEAR)
    assert await Compaction(database).compact(MONTH) == 2
    assert await left(database, account) == [*expected[1:], fresh[1]]


async def test_batches_are_bounded_and_may_run_at_once(database: Database) -> None:
    application = await new_application(database)
    accounts = [await new_account(database, application) for _ in range(3)]
    for account in accounts:
        await append(database, account, [(f"{n % 5}", "updated") for n in range(30)])
        await age(database, account, YEAR)
    counts = await asyncio.gather(*(Compaction(database, batch=7).compact(MONTH) for _ in range(3)))
    assert sum(counts) == 75
    for account in accounts:
        assert [event[0] for event in await left(database, account)] == [26, 27, 28, 29, 30]


async def test_what_is_young_stays(database: Database) -> None:
    account = await new_account(database, await new_application(database))
    await append(database, account, [("a", "created"), ("a", "deleted")])
    assert await Compaction(database).compact() == 0
    assert len(await left(database, account)) == 2
