"""Warm sessions, and what they note of an account's credentials."""

import asyncio

import pytest
import sqlalchemy as sa

from gateway.identity import Account
from gateway.services.sessions import Sessions
from gateway.store.database import Database
from providers.base.errors import Unauthorized, Unavailable, Unsupported
from schemas.accounts import TokenStatus
from tests.gateway.services.conftest import PASSWORD, House, open_house
from tests.gateway.services.mailbox_provider import MemorySession

pytestmark = pytest.mark.anyio

LOGIN = "ann@example.com"


async def _until(check: "list[MemorySession]", count: int) -> None:
    async with asyncio.timeout(5):
        while [session.closed for session in check].count(True) != count:  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)


async def _ping(house: House, account: Account) -> None:
    async with house.sessions.use(account) as session:
        await session.ping()


async def _stored(house: House, account: Account) -> Account:
    found = await house.identity.account(house.application, account.id)
    assert found is not None
    return found


async def test_requests_share_one_session(house: House) -> None:
    account = await house.account(await house.link())
    house.provider.open_delay = 0.05
    async with house.sessions.native(account) as one, house.sessions.native(account) as other:
        assert one is other
    await asyncio.gather(*(_ping(house, account) for _ in range(10)))
    assert len(house.provider.opened) == 1


async def test_opening_at_once_happens_once_even_if_one_request_goes_away(house: House) -> None:
    account = await house.account(await house.link())
    house.provider.open_delay = 0.05
    tasks = [asyncio.create_task(_ping(house, account)) for _ in range(5)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    await asyncio.gather(*tasks[1:])
    assert tasks[0].cancelled()
    assert len(house.provider.opened) == 1


async def test_a_failed_opening_is_tried_again(house: House) -> None:
    account = await house.account(await house.link())
    house.provider.down = True
    results = await asyncio.gather(*(_ping(house, account) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    house.provider.down = False
    await _ping(house, account)
    assert (await _stored(house, account)).token_status is TokenStatus.ACTIVE


async def test_a_changed_account_gets_a_new_session_and_the_old_one_ends_with_its_last_request(house: House) -> None:
    account = await house.account(await house.link())
    async with house.sessions.native(account) as old:
        changed = await house.accounts.set_marks(account, {"archive": "f1"})
        async with house.sessions.native(changed) as new:
            assert new is not old
            assert house.provider.opened[1].mailbox.marks == {"archive": "f1"}
            async with house.sessions.native(account) as late:  # a request that read the account before the change
                assert late is new
        assert not house.provider.opened[0].closed
    await _until(house.provider.opened, 1)
    assert house.provider.opened[0].closed


async def test_idle_sessions_are_given_back(house: House) -> None:
    account = await house.account(await house.link())
    async with house.sessions.use(account):
        await asyncio.sleep(0.5)  # in use for longer than the idle time
        assert not house.provider.opened[0].closed
    await _until(house.provider.opened, 1)
    await _ping(house, account)
    assert len(house.provider.opened) == 2


async def test_the_least_recently_used_session_makes_room(house: House) -> None:
    providers = dict.fromkeys(house.provider.services, house.provider)
    sessions = Sessions(providers, house.vault, house.database, house.identity, limit=2)
    accounts = [await house.account(await house.link(f"m{number}@example.com")) for number in range(3)]
    for account in (accounts[0], accounts[1], accounts[0], accounts[2]):
        async with sessions.use(account):
            pass
    await _until(house.provider.opened, 1)
    assert [session.closed for session in house.provider.opened] == [False, True, False]
    await sessions.close()
    assert [session.closed for session in house.provider.opened] == [True] * 3


async def test_a_refusal_is_noted_and_the_next_success_clears_it(house: House) -> None:
    account = await house.account(await house.link())
    house.provider.directory[LOGIN] = "changed"
    with pytest.raises(Unauthorized):
        await _ping(house, account)
    refused = await _stored(house, account)
    assert (refused.token_status, refused.version) == (TokenStatus.INVALID, account.version)
    error = (await house.accounts.get(house.application, account.id)).token_error
    assert error == "mail.example refused the password"
    house.provider.directory[LOGIN] = PASSWORD
    await _ping(house, refused)  # invalid, and still tried
    assert (await _stored(house, account)).token_status is TokenStatus.ACTIVE
    assert (await house.accounts.get(house.application, account.id)).token_error is None


async def test_a_refusal_while_opening_is_noted_too(house: House) -> None:
    account = await house.account(await house.link())
    house.provider.directory[LOGIN] = "changed"
    with pytest.raises(Unauthorized):
        async with house.sessions.use(account):
            pytest.fail("it cannot be opened")
    assert (await _stored(house, account)).token_status is TokenStatus.INVALID


async def test_a_final_refusal_ends_every_contact(house: House) -> None:
    account = await house.account(await house.link())
    house.provider.directory[LOGIN] = "changed"
    house.provider.final = True
    with pytest.raises(Unauthorized):
        await _ping(house, account)
    dead = await _stored(house, account)
    assert dead.token_status is TokenStatus.DEAD
    house.provider.directory[LOGIN] = PASSWORD
    with pytest.raises(Unauthorized, match="connect the account again") as raised:
        await _ping(house, dead)
    assert raised.value.final
    assert (await _stored(house, account)).token_status is TokenStatus.DEAD


async def _backdate(database: Database, account: Account, minutes: int) -> None:
    statement = sa.text("update account set refused_since = refused_since - make_interval(mins => :age) where id = :id")
    async with database.session() as session:
        await session.execute(statement, {"age": minutes, "id": account.id})


async def test_a_password_refused_for_long_is_dead(house: House) -> None:
    account = await house.account(await house.link())
    house.provider.directory[LOGIN] = "changed"
    states = []
    for age in (0, 5, 0, 6):
        with pytest.raises(Unauthorized):
            await _ping(house, await _stored(house, account))
        states.append((await _stored(house, account)).token_status)
        await _backdate(house.database, account, age)
    with pytest.raises(Unauthorized):
        await _ping(house, await _stored(house, account))
    states.append((await _stored(house, account)).token_status)
    assert states == [TokenStatus.INVALID] * 4 + [TokenStatus.DEAD]


async def test_two_refusals_far_apart_are_not_enough(house: House) -> None:
    account = await house.account(await house.link())
    house.provider.directory[LOGIN] = "changed"
    for _ in range(2):
        with pytest.raises(Unauthorized):
            await _ping(house, await _stored(house, account))
        await _backdate(house.database, account, 60)
    assert (await _stored(house, account)).token_status is TokenStatus.INVALID


async def test_a_late_refusal_of_earlier_credentials_does_not_count(house: House) -> None:
    account = await house.account(await house.link())
    with pytest.raises(Unauthorized):
        async with house.sessions.use(account):
            await house.accounts.set_marks(account, {"sent": "f1"})  # a new version meanwhile
            raise Unauthorized("of the earlier version", final=True)
    assert (await _stored(house, account)).token_status is TokenStatus.ACTIVE


async def test_other_errors_say_nothing_of_the_credentials(house: House) -> None:
    account = await house.account(await house.link())
    async with house.sessions.use(account):  # opened while the password was right
        house.provider.directory[LOGIN] = "changed"
    with pytest.raises(Unauthorized):
        await _ping(house, account)
    with pytest.raises(Unavailable):
        async with house.sessions.use(await _stored(house, account)):
            raise Unavailable("gone for lunch")
    assert (await _stored(house, account)).token_status is TokenStatus.INVALID


async def test_an_account_whose_adapter_is_not_there_is_said_so(house: House) -> None:
    account = await house.account(await house.link())
    sessions = Sessions({}, house.vault, house.database, house.identity)
    with pytest.raises(Unsupported, match="IMAP"):
        async with sessions.use(account):
            pass
    await sessions.close()


async def test_another_process_gives_its_session_back_when_the_grant_goes(house: House) -> None:
    saved = await house.link()
    async with open_house(house.database, house.vault, house.provider) as other:
        await other.identity.start()
        account = await other.identity.account(house.application, saved.account_id)
        assert account is not None
        async with other.sessions.use(account):
            pass
        await asyncio.sleep(0.1)  # the listener is up
        await house.accounts.delete_token(account)
        await _until(house.provider.opened, 1)
        gone = await other.identity.account(house.application, saved.account_id)
        assert gone is not None
        assert gone.token_status is TokenStatus.DEAD
