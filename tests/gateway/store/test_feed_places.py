"""Reading on from a place: late commits, restored backups, and how large places get."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.http.event_cursors import EventCursors
from gateway.positions import EPOCH, Place
from gateway.store import feed
from gateway.store.database import Database
from gateway.store.feed import LATEST, Event
from gateway.store.feed_places import FeedPlaces, Whose, moved_on
from gateway.store.streams import Streams
from providers.base.errors import Unavailable
from tests.gateway.store.feeds import age, append, new_account, new_application

pytestmark = pytest.mark.anyio
START = Place(EPOCH, {})


async def read(database: Database, whose: Whose, place: Place, limit: int = 100) -> tuple[list[tuple[int, int]], Place]:
    """(account, sequence) of what is behind the place, and the place behind that; a client carries it as text."""
    place_text = EventCursors().seal(place, whose.account_id)
    given = EventCursors().open(place_text, whose.account_id)
    assert given == place
    events = await FeedPlaces(database).read(whose, place, limit)
    for event in events:
        place = moved_on(place, event)
    return [(event.account_id, event.sequence) for event in events], place


async def test_an_event_that_shows_late_is_read_all_the_same(database: Database) -> None:
    application = await new_application(database)
    slow, fast = [await new_account(database, application) for _ in range(2)]
    stream = await Streams(database).find_or_create(slow, "messages", None, {})
    whose = Whose(application)
    async with database.session() as session:
        await feed.append(session, stream, [Event("late", "created")])
        await append(database, fast, [("x", "created")])
        found, place = await read(database, whose, START)
        assert found == [(fast, 1)]
    assert (await read(database, whose, place))[0] == [(slow, 1)]
    assert (await read(database, whose, await FeedPlaces(database).now(whose)))[0] == []


async def test_a_writer_that_stops_while_it_appends_is_cut_before_anybody_passes_it(database: Database) -> None:
    account = await new_account(database, await new_application(database))
    stream = await Streams(database).find_or_create(account, "messages", None, {})
    shown = text("select extract(epoch from current_setting('idle_in_transaction_session_timeout')::interval)")
    async with database.session() as session:
        before = await session.scalar(shown)
    with pytest.raises(Unavailable):
        async with database.session() as session:
            await feed.append(session, stream, [Event("x", "created")])
            limit = (await session.scalars(shown)).one()
            assert 0 < limit < LATEST.total_seconds() / 4  # four statements from the event's time to its commit
            await session.execute(text("set local idle_in_transaction_session_timeout = '50ms'"))
            await asyncio.sleep(0.5)
            await session.execute(shown)
    async with database.session() as session:
        assert await session.scalar(shown) == before
    assert (await read(database, Whose(0, account), Place(EPOCH, {account: (0, EPOCH)})))[0] == []


async def test_pages_of_many_accounts_keep_the_order_of_each(database: Database) -> None:
    application = await new_application(database)
    accounts = [await new_account(database, application) for _ in range(3)]
    for turn in range(10):
        for account in accounts:
            await append(database, account, [(str(turn), "created")])
    found, place = [], START
    while page := await read(database, Whose(application), place, limit=4):
        if not page[0]:
            break
        found, place = found + page[0], page[1]
    assert len(found) == 30
    for account in accounts:
        assert [sequence for owner, sequence in found if owner == account] == list(range(1, 11))


async def test_a_place_forgets_accounts_that_rest(database: Database) -> None:
    application = await new_application(database)
    accounts = [await new_account(database, application) for _ in range(20)]
    for account in accounts:
        await append(database, account, [("x", "created")])
        await age(database, account, timedelta(days=1))
    await append(database, accounts[0], [("y", "created")])
    found, place = await read(database, Whose(application), START)
    assert len(found) == 21
    assert place.moved.keys() == {accounts[0]}
    await append(database, accounts[7], [("y", "created")])
    assert (await read(database, Whose(application), place))[0] == [(accounts[7], 2)]


async def test_a_place_that_names_no_account_knows_what_was_read_of_it(database: Database) -> None:
    application = await new_application(database)
    account = await new_account(database, application)
    await append(database, account, [("x", "created")])
    await age(database, account, timedelta(hours=1))
    now = await FeedPlaces(database).now(Whose(application))
    assert now.moved == {}
    await append(database, account, [("y", "created")])
    assert (await read(database, Whose(application), now))[0] == [(account, 2)]


async def test_an_account_without_a_feed_begins_at_its_first_event(database: Database) -> None:
    application = await new_application(database)
    account = await new_account(database, application)
    places = [await FeedPlaces(database).now(whose) for whose in (Whose(application, account), Whose(application))]
    places.append(await FeedPlaces(database).behind(account, 5))
    await append(database, account, [("x", "created")])
    for whose, place in zip([Whose(application, account), Whose(application)], places, strict=False):
        assert (await read(database, whose, place))[0] == [(account, 1)]
    assert (await read(database, Whose(application, account), places[2]))[0] == [(account, 1)]
