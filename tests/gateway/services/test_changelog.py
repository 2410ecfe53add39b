"""The change log on PostgreSQL, over a port that forgets, lies and fails."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from gateway.positions import Branch, Position
from gateway.services.changelog import ChangeLog
from gateway.store.database import Database
from gateway.store.streams import Stream, Streams
from providers.base.errors import CursorExpired, Pending, Unauthorized, Unavailable
from tests.gateway.services.conftest import House
from tests.gateway.services.followers import Follower, change_log, new_stream, opener
from tests.gateway.services.memory_mail import Mail

pytestmark = pytest.mark.anyio


@pytest.fixture
async def log(database: Database) -> AsyncIterator[ChangeLog]:
    log = change_log(database)
    yield log
    await log.close()


@pytest.fixture
def mail() -> Mail:
    mail = Mail()
    for number in range(7):
        mail.put(f"m{number}", f"text {number}")
    return mail


@pytest.fixture
async def stream(house: House, log: ChangeLog, mail: Mail) -> Stream:
    made = await new_stream(house.database, log, house.application.id)
    return await log.start(made, opener(mail))


async def rows(database: Database, stream: Stream) -> list[tuple[str, int, bool]]:
    query = "select item_id, sequence, removed from stream_item where stream_id = :id order by sequence"
    async with database.read() as session:
        return [tuple(row) for row in await session.execute(sa.text(query), {"id": stream.id})]


async def test_the_first_round_tells_everything_in_pages(log: ChangeLog, stream: Stream, mail: Mail) -> None:
    assert stream.ready
    follower, pages = Follower(stream), 1
    while not await follower.read(log, mail, Branch.UPDATED):
        pages += 1
        assert follower.at[Branch.UPDATED].upto == 7
    assert (pages, follower.known) == (4, mail.state())
    assert replace(follower.at[Branch.UPDATED], seen=None) == Position(stream.id, Branch.UPDATED, 7)


async def test_a_stream_is_found_again_by_what_was_asked(log: ChangeLog, stream: Stream) -> None:
    same = await log.find_or_create(stream.account_id, "messages", None, {}, {"since": "today"})
    assert (same.id, same.filter, same.sequence) == (stream.id, {}, 7)
    other = await log.find_or_create(stream.account_id, "messages", None, {"daysWithin": 7})
    assert other.id != stream.id


async def test_an_empty_round_has_a_position_too(log: ChangeLog, stream: Stream, mail: Mail) -> None:
    end = Position(stream.id, Branch.UPDATED, 7)
    found = await log.updated(stream, end, opener(mail))
    assert (found.records, replace(found.next, seen=None), found.ended) == ([], end, True)


async def test_what_changes_during_a_round_comes_with_the_next(log: ChangeLog, stream: Stream, mail: Mail) -> None:
    follower = Follower(stream)
    await follower.read(log, mail, Branch.UPDATED)
    mail.put("m6", "new text")
    mail.put("m7", "later")
    other = Follower(stream)
    await other.catch_up(log, mail)
    while not await follower.read(log, mail, Branch.UPDATED):
        pass
    assert sorted(follower.known) == ["m0", "m1", "m2", "m3", "m4", "m5"]
    await follower.catch_up(log, mail)
    assert follower.known == other.known == mail.state()


async def test_what_went_while_a_page_was_read_ahead_does_not_come_back(
    log: ChangeLog, stream: Stream, mail: Mail
) -> None:
    follower = Follower(stream)
    await follower.read(log, mail, Branch.UPDATED)
    await asyncio.wait(log._ahead._under_way.values())  # the next page, m2 and m3
    mail.remove("m2")
    await follower.read(log, mail, Branch.DELETED)
    await follower.catch_up(log, mail)
    assert follower.known == mail.state()


async def test_a_lost_cursor_writes_only_what_really_differs(
    database: Database, log: ChangeLog, stream: Stream, mail: Mail
) -> None:
    mail.epoch += 1
    mail.put("m1", "changed")
    mail.remove("m2")
    before = await rows(database, stream)
    follower = Follower(stream)
    follower.at[Branch.UPDATED] = Position(stream.id, Branch.UPDATED, 7)
    await follower.catch_up(log, mail)
    after = await rows(database, stream)
    assert follower.known == {"m1": "changed"}
    assert set(after) - set(before) == {("m1", 8, False), ("m2", 9, True)}


@pytest.mark.parametrize("lost", [False, True], ids=["removals", "a listing"])
async def test_an_empty_answer_is_not_believed_at_once(
    database: Database, log: ChangeLog, stream: Stream, mail: Mail, lost: bool
) -> None:
    mail.empty_answers = 1
    mail.epoch += lost
    gone = await log.deleted(stream, Position(stream.id, Branch.DELETED, 0), opener(mail))
    assert (gone.records, mail.empty_answers) == ([], 0)
    assert [removed for _, _, removed in await rows(database, stream)] == [False] * 7


@pytest.mark.parametrize("lost", [False, True], ids=["removals", "a listing"])
async def test_an_emptied_mailbox_is_believed_in_the_end(
    log: ChangeLog, stream: Stream, mail: Mail, lost: bool
) -> None:
    for item in list(mail.present):
        mail.remove(item)
    mail.epoch += lost
    follower = Follower(stream, {f"m{number}": "" for number in range(7)})
    await follower.catch_up(log, mail)
    assert follower.known == {}


async def test_what_comes_back_as_it_was_is_told_again(log: ChangeLog, stream: Stream, mail: Mail) -> None:
    """Two empty answers in a row are believed; the restored mailbox has the versions that it had before."""
    follower = Follower(stream)
    await follower.catch_up(log, mail)
    mail.empty_answers = 2
    while not await follower.read(log, mail, Branch.DELETED):
        pass
    assert follower.known == {}
    await follower.catch_up(log, mail)
    assert follower.known == mail.state()


async def test_one_bad_record_stops_nobody_and_is_told_when_it_can_be_read(
    database: Database, log: ChangeLog, stream: Stream, mail: Mail
) -> None:
    mail.bad, mail.hidden = {"m1"}, {"m4"}
    follower = Follower(stream)
    await follower.catch_up(log, mail)
    assert sorted(follower.known) == ["m0", "m2", "m3", "m5", "m6"]
    mail.bad, mail.hidden = set(), set()
    await follower.catch_up(log, mail)
    assert follower.known == mail.state()
    assert await quarantined(database, stream) == []


async def test_a_bad_record_that_goes_is_forgotten(
    database: Database, log: ChangeLog, stream: Stream, mail: Mail
) -> None:
    mail.bad = {"m1"}
    await Follower(stream).catch_up(log, mail)
    [(item, error, attempts)] = await quarantined(database, stream)
    assert (item, error) == ("m1", "ValueError: m1 has no end")
    assert attempts > 1
    mail.remove("m1")
    await Follower(stream).catch_up(log, mail)
    assert await quarantined(database, stream) == []


@pytest.mark.parametrize("error", [Unavailable("down"), Unauthorized("wrong password")])
async def test_trouble_of_the_account_is_no_trouble_of_its_records(
    database: Database, log: ChangeLog, stream: Stream, mail: Mail, error: Exception
) -> None:
    mail.fail = error  # type: ignore[assignment]
    with pytest.raises(type(error)):
        await Follower(stream).read(log, mail, Branch.UPDATED)
    later = Position(stream.id, Branch.UPDATED, 0, 7)  # a further page: no pull, but records to read
    with pytest.raises(type(error)):
        await log.updated(stream, later, opener(mail))
    assert await quarantined(database, stream) == []
    noted = await Streams(database).get(stream.id)
    assert noted is not None
    assert noted.error == str(error)
    mail.fail = None
    follower = Follower(stream)
    await follower.catch_up(log, mail)
    assert follower.known == mail.state()


async def test_nothing_is_told_before_the_first_pull_is_complete(house: House, mail: Mail) -> None:
    log = ChangeLog(house.database, first_wait=0.0)
    made = await new_stream(house.database, log, house.application.id)
    with pytest.raises(Pending):
        await Follower(made).read(log, mail, Branch.UPDATED)
    while not (await log.start(made, opener(mail))).ready:
        await asyncio.sleep(0.01)
        made = await log.find_or_create(made.account_id, "messages", None, {})
    follower = Follower(made)
    await follower.catch_up(log, mail)
    assert follower.known == mail.state()
    await log.close()


async def test_a_first_pull_that_fails_says_so_and_goes_on(house: House, log: ChangeLog, mail: Mail) -> None:
    made = await new_stream(house.database, log, house.application.id)
    mail.fail = Unavailable("down")
    with pytest.raises(Unavailable):
        await log.start(made, opener(mail))
    mail.fail = None
    assert (await log.start(made, opener(mail))).ready


async def test_both_branches_share_a_pull_of_the_last_second(house: House, stream: Stream, mail: Mail) -> None:
    log = change_log(house.database, fresh=3600.0)
    asked = mail.asked
    fresh = await log.find_or_create(stream.account_id, "messages", None, {})
    await log.updated(fresh, Position(stream.id, Branch.UPDATED, 7), opener(mail))
    await log.deleted(fresh, Position(stream.id, Branch.DELETED, 7), opener(mail))
    assert mail.asked == asked
    await log.close()


async def test_a_position_in_another_accounts_stream_leads_nowhere(log: ChangeLog, stream: Stream) -> None:
    for account, parent, number in [
        (stream.account_id + 1, None, stream.id),
        (stream.account_id, "work", stream.id),
        (stream.account_id, None, 10**9),
    ]:
        with pytest.raises(CursorExpired):
            await log.stream(account, "messages", parent, number)
    assert (await log.stream(stream.account_id, "messages", None, stream.id)).id == stream.id


async def test_two_processes_pull_one_stream_without_gaps_or_twins(house: House, stream: Stream, mail: Mail) -> None:
    """Every item changed once: so there are as many sequences as items, each given once."""
    logs = [change_log(house.database) for _ in range(2)]

    async def churn(log: ChangeLog, name: str) -> None:
        for number in range(25):
            mail.put(f"{name}{number}", "new")
            await log.deleted(stream, Position(stream.id, Branch.DELETED, 0), opener(mail))

    await asyncio.gather(churn(logs[0], "a"), churn(logs[1], "b"), churn(logs[0], "c"))
    for log in logs:
        await Follower(stream).catch_up(log, mail)
        await log.close()
    assert [sequence for _, sequence, _ in await rows(house.database, stream)] == list(range(1, 7 + 75 + 1))


async def quarantined(database: Database, stream: Stream) -> list[tuple[str, str, int]]:
    query = "select item_id, error, attempts from quarantine where stream_id = :id"
    async with database.read() as session:
        return [tuple(row) for row in await session.execute(sa.text(query), {"id": stream.id})]
