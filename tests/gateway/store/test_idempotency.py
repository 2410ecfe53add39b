"""Idempotency keys."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from gateway.claims import Attempt, State
from gateway.identity import Caller
from gateway.services.applications import Applications
from gateway.store import values
from gateway.store.database import Database
from gateway.store.idempotency import IdempotencyKeys
from gateway.store.queries import accounts
from gateway.store.vault import Vault

pytestmark = pytest.mark.anyio

VAULT = Vault([Fernet.generate_key().decode()])
_NAMES = iter(range(1000))


@pytest.fixture
async def caller(database: Database) -> AsyncIterator[Caller]:
    """A new application with one account."""
    application, _, _ = await Applications(database, VAULT).create(f"idempotency {next(_NAMES)}")
    columns = {"service_type": "IMAP", "email": "ann@example.com", "application_id": application.id}
    async with database.session() as session:
        row = await accounts.add(session, columns)
    yield Caller(application, values.account(row))


@pytest.fixture
def keys(database: Database) -> IdempotencyKeys:
    return IdempotencyKeys(database, VAULT)


async def _age(database: Database, table: str, row: int, minutes: int) -> None:
    statement = sa.text(f"update {table} set created_at = created_at - make_interval(mins => :age) where id = :id")
    async with database.session() as session:
        await session.execute(statement, {"age": minutes, "id": row})


async def test_a_key_is_claimed_once_and_then_gives_its_answer(keys: IdempotencyKeys, caller: Caller) -> None:
    first = await keys.claim(caller, "send", "k", b"body")
    assert first.state is State.NEW
    assert (await keys.claim(caller, "send", "k", b"body")).state is State.RUNNING
    await keys.finish(first, 201, b'{"id": "1"}')
    again = await keys.claim(caller, "send", "k", b"body")
    assert again == Attempt(State.DONE, first.id, 201, b'{"id": "1"}')
    assert (await keys.claim(caller, "send", "k", b"other body")).state is State.OTHER_BODY


async def test_of_many_at_once_one_gets_the_key(keys: IdempotencyKeys, caller: Caller) -> None:
    attempts = await asyncio.gather(*(keys.claim(caller, "send", "k", b"body") for _ in range(20)))
    assert sorted(attempt.state.value for attempt in attempts) == ["new"] + ["running"] * 19


async def test_an_application_as_such_has_its_own_keys(keys: IdempotencyKeys, caller: Caller) -> None:
    alone = replace(caller, account=None)
    for one in (caller, alone):
        assert (await keys.claim(one, "upsert", "k", b"")).state is State.NEW
        assert (await keys.claim(one, "upsert", "k", b"")).state is State.RUNNING
        assert (await keys.claim(one, "another use", "k", b"")).state is State.NEW


async def test_a_key_that_was_given_up_is_free(keys: IdempotencyKeys, caller: Caller) -> None:
    await keys.give_up(await keys.claim(caller, "send", "k", b"body"))
    assert (await keys.claim(caller, "send", "k", b"other body")).state is State.NEW


async def test_a_claim_whose_process_died_is_taken_over_and_the_first_claimer_is_fenced_off(
    keys: IdempotencyKeys, caller: Caller, database: Database
) -> None:
    first = await keys.claim(caller, "send", "k", b"body")
    await _age(database, "idempotency_key", first.id, 3)
    assert (await keys.claim(caller, "send", "k", b"other body")).state is State.OTHER_BODY
    second = await keys.claim(caller, "send", "k", b"body")
    assert second.state is State.NEW
    await keys.finish(first, 500, b"late")
    await keys.give_up(first)
    assert (await keys.claim(caller, "send", "k", b"body")).state is State.RUNNING
    await keys.finish(second, 201, b"{}")
    assert (await keys.claim(caller, "send", "k", b"body")).status == 201


async def test_answers_are_kept_for_a_day(keys: IdempotencyKeys, caller: Caller, database: Database) -> None:
    first = await keys.claim(caller, "send", "k", b"body")
    await keys.finish(first, 201, b"{}")
    await _age(database, "idempotency_key", first.id, 23 * 60)
    assert (await keys.claim(caller, "send", "k", b"body")).state is State.DONE
    await _age(database, "idempotency_key", first.id, 2 * 60)
    assert (await keys.claim(caller, "send", "k", b"other body")).state is State.NEW


async def test_old_keys_are_swept(keys: IdempotencyKeys, caller: Caller, database: Database) -> None:
    old, young = [await keys.claim(caller, "send", name, b"") for name in ("old", "young")]
    await _age(database, "idempotency_key", old.id, 25 * 60)
    assert await keys.expire() == 1
    assert await keys.expire() == 0
    assert (await keys.claim(caller, "send", "young", b"")) == Attempt(State.RUNNING, young.id)
    assert await keys.expire(timedelta(0)) >= 1


async def test_answers_are_sealed(keys: IdempotencyKeys, caller: Caller, database: Database) -> None:
    attempt = await keys.claim(caller, "upsert", "k", b"body")
    await keys.finish(attempt, 200, b'{"accessToken": "tell nobody"}')
    async with database.read() as session:
        row = (await session.execute(sa.text("select * from idempotency_key where id = :id"), {"id": attempt.id})).one()
    assert "tell nobody" not in str(row)


def _account(caller: Caller) -> int:
    assert caller.account is not None
    return caller.account.id
