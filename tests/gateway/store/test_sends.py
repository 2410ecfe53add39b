"""The send log: who may do what to a send, and when something is to be done about it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from gateway.services.applications import Applications
from gateway.store.database import Database
from gateway.store.due_sends import DueSends
from gateway.store.queries import accounts
from gateway.store.schedules import Schedules
from gateway.store.sends import LoggedSend, Sends, SendState
from gateway.store.vault import Vault
from providers.base.errors import NotFound, TooLate
from providers.base.ports import Sent

pytestmark = pytest.mark.anyio

VAULT = Vault([Fernet.generate_key().decode()])
_NAMES = iter(range(1000))
HOUR = timedelta(hours=1)


@pytest.fixture
async def account(database: Database) -> AsyncIterator[int]:
    """An account of a new application."""
    application, _, _ = await Applications(database, VAULT).create(f"sends {next(_NAMES)}")
    columns = {"service_type": "IMAP", "email": "ann@example.com", "application_id": application.id}
    async with database.session() as session:
        row = await accounts.add(session, columns)
    yield row.id


async def _leap(database: Database, send: LoggedSend, by: timedelta) -> None:
    """Let time pass for one send."""
    names = ("created_at", "updated_at", "send_at", "next_try_at")
    columns = ", ".join(f"{name} = {name} - cast(:by as interval)" for name in names)
    async with database.session() as session:
        await session.execute(sa.text(f"update send set {columns} where id = :id"), {"by": by, "id": send.id})


async def test_a_send_is_logged_from_its_start_to_its_end(database: Database, account: int) -> None:
    sends = Sends(database)
    begun = await sends.begin(account, "<1@example.com>", key="k")
    assert (begun.fresh, begun.state, begun.message_id) == (True, SendState.SENDING, "<1@example.com>")
    await sends.settle(begun, SendState.SENT, sent=Sent("<1@example.com>", "id 1", "thread 1"))
    again = await sends.begin(account, "<2@example.com>", key="k")
    assert (again.id, again.fresh, again.state, again.message_id) == (
        begun.id,
        False,
        SendState.SENT,
        "<1@example.com>",
    )
    assert (again.provider_id, again.thread_id) == ("id 1", "thread 1")


async def test_a_draft_is_sent_once_unless_it_failed(database: Database, account: int) -> None:
    sends = Sends(database)
    many = await asyncio.gather(
        *(sends.begin(account, f"<{number}@example.com>", draft_id="d1") for number in range(10))
    )
    assert [send.fresh for send in many].count(True) == 1
    assert len({send.id for send in many}) == 1
    await sends.settle(next(send for send in many if send.fresh), SendState.FAILED, error="the server refused it")
    retry = await sends.begin(account, "<11@example.com>", draft_id="d1")
    assert retry.fresh
    await sends.settle(retry, SendState.UNKNOWN, error="the answer was lost")
    assert (await sends.begin(account, "<12@example.com>", draft_id="d1")).state is SendState.UNKNOWN
    assert (await sends.begin(account, "<13@example.com>", draft_id="d2")).fresh


async def test_sends_without_a_key_are_independent(database: Database, account: int) -> None:
    sends = Sends(database)
    assert (await sends.begin(account, "<1@example.com>")).fresh
    assert (await sends.begin(account, "<1@example.com>")).fresh


async def test_a_key_of_the_day_before_counts_no_more(database: Database, account: int) -> None:
    sends = Sends(database)
    first = await sends.begin(account, "<1@example.com>", key="k")
    await _leap(database, first, 25 * HOUR)
    assert (await sends.begin(account, "<2@example.com>", key="k")).fresh


async def test_a_repeat_under_a_key_finds_its_own_send_and_no_other(database: Database, account: int) -> None:
    sends = Sends(database)
    other = await sends.begin(account, "<1@example.com>")
    mine = await sends.begin(account, "<2@example.com>", key="k")
    assert (await sends.begin(account, "<3@example.com>", key="k")).id == mine.id != other.id


async def test_whoever_was_taken_for_dead_can_neither_send_nor_settle(database: Database, account: int) -> None:
    sends, due, schedules = Sends(database), DueSends(database), Schedules(database)
    put = await schedules.put(account, "d1", "<1@example.com>", datetime.now(UTC))
    first = await due.claim(put.id)
    assert first is not None
    assert await due.claim(put.id) is None
    await due.recover(put.id)
    assert (await _now(schedules, account)).state is SendState.SENDING  # its time is not up
    await _leap(database, put, HOUR)
    await due.recover(put.id)
    second = await due.claim(put.id)
    assert second is not None
    with pytest.raises(TooLate):
        await sends.leaving(first.send, "<1@example.com>")
    await sends.settle(first.send, SendState.FAILED, error="the slow one")
    assert (await _now(schedules, account)).state is SendState.SENDING
    await sends.leaving(second.send, "<1@example.com>")
    await sends.settle(first.send, SendState.FAILED, error="the slow one")
    await due.recover(put.id)
    assert (await _now(schedules, account)).state is SendState.UNKNOWN
    with pytest.raises(TooLate):
        await sends.leaving(second.send, "<1@example.com>")
    await sends.settle(second.send, SendState.SENT, sent=Sent("<1@example.com>"))
    assert (await _now(schedules, account)).state is SendState.SENT


async def test_when_it_is_looked_for(database: Database, account: int) -> None:
    sends, due = Sends(database), DueSends(database)
    send = await sends.begin(account, "<1@example.com>", draft_id="d1")
    await sends.leaving(send, "<1@example.com>")
    waited, looks = timedelta(), []
    for _ in range(24 * 60 + 2):
        if send.id in await due.due(1000):
            looks.append(int(waited / timedelta(minutes=1)))
            assert await due.uncertain(send.id) is not None
            await due.not_found(send, "nobody knows")
        await _leap(database, send, timedelta(minutes=1))
        waited += timedelta(minutes=1)
    assert looks == [1, 5, 15, 60, 1440]
    found = await _now(Schedules(database), account)
    assert (found.state, found.error, found.under_way) == (SendState.UNKNOWN, "nobody knows", False)


async def test_at_once_instead_of_later(database: Database, account: int) -> None:
    sends, schedules, due = Sends(database), Schedules(database), DueSends(database)
    put = await schedules.put(account, "d1", "<1@example.com>", datetime.now(UTC) + HOUR)
    begun = await sends.begin(account, "<2@example.com>", draft_id="d1")
    assert (begun.id, begun.fresh, begun.message_id, begun.send_at) == (put.id, True, "<2@example.com>", None)
    await _leap(database, put, 2 * HOUR)
    assert await due.claim(put.id) is None
    await due.recover(put.id)
    assert (await _now(schedules, account)).state is SendState.FAILED


async def test_a_schedule_is_changed_held_moved_and_cancelled(database: Database, account: int) -> None:
    schedules, due = Schedules(database), DueSends(database)
    first = await schedules.put(account, "d1", "<1@example.com>", datetime.now(UTC) + HOUR)
    assert first.id not in await due.due(1000)
    again = await schedules.put(account, "d1", "<other@example.com>", datetime.now(UTC))
    assert (again.id, again.message_id) == (first.id, "<1@example.com>")
    assert first.id in await due.due(1000)
    held = await schedules.hold(account, "d1")
    assert held is not None
    assert await due.claim(first.id) is None
    await schedules.release(held, "d2")
    assert await schedules.find(account, "d1") is None
    moved = await schedules.find(account, "d2")
    assert moved is not None
    assert moved.id == first.id
    await schedules.cancel(account, "d2")
    assert await schedules.find(account, "d2") is None
    with pytest.raises(NotFound):
        await schedules.cancel(account, "d2")


async def test_nothing_can_be_changed_while_it_is_sent(database: Database, account: int) -> None:
    sends, schedules, due = Sends(database), Schedules(database), DueSends(database)
    put = await schedules.put(account, "d1", "<1@example.com>", datetime.now(UTC))
    claimed = await due.claim(put.id)
    assert claimed is not None
    await _all_too_late(schedules, account)
    await sends.leaving(claimed.send, "<1@example.com>")
    await _all_too_late(schedules, account)
    await sends.settle(claimed.send, SendState.FAILED, error="550")
    assert (await schedules.put(account, "d1", "<1@example.com>", datetime.now(UTC))).id != put.id


async def _now(schedules: Schedules, account: int) -> LoggedSend:
    found = await schedules.find(account, "d1")
    assert found is not None
    return found


async def _all_too_late(schedules: Schedules, account: int) -> None:
    for change in (
        schedules.put(account, "d1", "<1@example.com>", datetime.now(UTC)),
        schedules.hold(account, "d1"),
        schedules.cancel(account, "d1"),
    ):
        with pytest.raises(TooLate):
            await change
