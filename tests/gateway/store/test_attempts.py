"""Counting tries, also of many at once, and per address."""

import asyncio
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from gateway.services.signin.guessing import PER_ACCOUNT, PER_ADDRESS, Guessing
from gateway.store.attempts import WINDOW, Attempts, Limit
from gateway.store.database import Database
from gateway.store.sign_ins import SignIns
from gateway.store.vault import Vault
from providers.base.errors import RateLimited
from schemas.accounts import ApiAccountInDto, ServiceType

pytestmark = pytest.mark.anyio


def body(email: str) -> ApiAccountInDto:
    return ApiAccountInDto(service_type=ServiceType.IMAP, active=True, email=email)


async def test_of_many_at_once_so_many_are_let_through(database: Database) -> None:
    attempts, limit = Attempts(database), [Limit(uuid4().hex, 5)]
    waits = await asyncio.gather(*(attempts.begin(limit) for _ in range(20)))
    assert sorted(wait > 0 for wait in waits) == [False] * 5 + [True] * 15
    assert max(waits) <= WINDOW.total_seconds()


async def test_the_count_begins_anew_after_a_while_and_when_it_worked(database: Database) -> None:
    attempts, limit = Attempts(database), [Limit(uuid4().hex, 1)]
    assert await attempts.begin(limit) == 0
    assert await attempts.begin(limit) > 0
    async with database.session() as session:
        await session.execute(sa.text("update attempt set since = since - interval '16 minutes'"))
    assert await attempts.begin(limit) == 0
    assert await attempts.begin(limit) > 0
    await attempts.forget(limit)
    assert await attempts.begin(limit) == 0


async def test_one_address_cannot_try_accounts_one_after_the_other(database: Database) -> None:
    guessing, network = Guessing(Attempts(database)), f"2001:db8:{uuid4().hex[:4]}:1"
    for number in range(PER_ADDRESS):
        await guessing.begin(f"{network}::{number:x}", body(f"{uuid4()}@x.test"))
    with pytest.raises(RateLimited) as limited:
        await guessing.begin(f"{network}::ffff", body(f"{uuid4()}@x.test"))
    assert limited.value.retry_after and "minute" in limited.value.message
    await guessing.begin("192.0.2.7", body(f"{uuid4()}@x.test"))


async def test_one_account_cannot_be_tried_from_many_addresses(database: Database) -> None:
    guessing, email = Guessing(Attempts(database)), f"{uuid4()}@x.test"
    for number in range(PER_ACCOUNT):
        await guessing.begin(f"198.51.100.{number}", body(email))
    with pytest.raises(RateLimited):
        await guessing.begin("203.0.113.1", body(email.upper()))
    await guessing.succeeded(body(email))
    await guessing.begin("", body(email))


async def test_old_counts_are_thrown_away(database: Database) -> None:
    await Attempts(database).begin([Limit(uuid4().hex, 1)])
    async with database.session() as session:
        await session.execute(sa.text("update attempt set since = since - interval '1 day'"))
    assert await SignIns(database, Vault([Fernet.generate_key().decode()])).purge() > 0
