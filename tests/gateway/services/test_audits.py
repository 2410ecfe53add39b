"""Audits find what pulls missed, repair it, and tell consumers; figures show it."""

import pytest
import sqlalchemy as sa

from gateway.services.changelog import Audit
from gateway.services.figures import Figures
from gateway.store.feed import Feed
from gateway.store.streams import Streams
from tests.gateway.services.conftest import House
from tests.gateway.services.followers import Follower, change_log, new_stream, opener
from tests.gateway.services.memory_mail import Mail

pytestmark = pytest.mark.anyio


async def test_holes_in_the_index_are_found_and_told(house: House) -> None:
    mail, log = Mail(), change_log(house.database)
    for number in range(6):
        mail.put(f"m{number}", f"text {number}")
    stream = await log.start(await new_stream(house.database, log, house.application.id), opener(mail))
    follower = Follower(stream)
    await follower.catch_up(log, mail)
    assert await log.audit(stream, opener(mail)) == Audit(seen=6, indexed=6, repaired=0)

    # What a provider may do: it forgets to tell of a change, of a removal and of a new item.
    del mail.present["m0"]
    mail.present["m1"] = (1, "changed without a word")
    mail.present["m9"] = (1, "came without a word")
    await follower.catch_up(log, mail)
    assert follower.known.keys() == {f"m{number}" for number in range(6)}
    assert await log.audit(stream, opener(mail)) == Audit(seen=6, indexed=6, repaired=3)
    await follower.catch_up(log, mail)
    assert follower.known == mail.state()
    told = [(event.item_id, event.change) for event in await Feed(house.database).events(stream.account_id, 0, 10)]
    assert sorted(told) == [("m0", "deleted"), ("m1", "updated"), ("m9", "created")]
    async with house.database.read() as session:
        kept = await session.scalar(sa.text("select audit from stream where id = :id"), {"id": stream.id})
    assert kept == {"seen": 6, "indexed": 6, "repaired": 3}
    figures = (await Figures(house.database).text()).decode()
    assert 'postroom_audited_items{port="messages",where="repaired"} 3.0' in figures
    assert 'postroom_streams{port="messages",state="ready"}' in figures
    await log.close()


async def test_streams_that_nobody_follows_are_not_audited(house: House) -> None:
    mail, log = Mail(), change_log(house.database)
    stream = await log.start(await new_stream(house.database, log, house.application.id), opener(mail))
    streams = Streams(house.database)
    old = sa.text("update stream set created_at = now() - interval '2 days', used_at = null where id = :id")
    async with house.database.session() as session:
        await session.execute(old, {"id": stream.id})
    assert stream.id not in await streams.unaudited(100)
    await streams.use(stream.id)
    assert stream.id in await streams.unaudited(100)
    await log.audit(stream, opener(mail))
    assert stream.id not in await streams.unaudited(100)
    await log.close()
