"""Connecting, listing and removing accounts."""

import asyncio
import logging

import pytest
import sqlalchemy as sa

from providers.base.errors import Invalid, NotFound, Unauthorized, Unavailable
from schemas.accounts import Scope, ServiceKey, ServiceType, TokenStatus, UserAccountType
from tests.gateway.services.conftest import PASSWORD, House

pytestmark = pytest.mark.anyio

EMAIL_AND_ORG = [ServiceKey.EMAIL, ServiceKey.CLIENT_ORG_ID]


async def _count(house: House) -> int:
    return (await house.accounts.find(house.application)).total_size


async def test_a_connected_account_is_stored_as_the_provider_and_the_caller_said(house: House) -> None:
    saved = await house.link(name="Ann", client_org_id="org 1", timezone="Europe/Rome", copy_to_sent=True)
    dto = await house.accounts.get(house.application, saved.account_id)
    assert saved.acc_service_type == "IMAP"
    assert (dto.email, dto.mailbox_address, dto.login_string) == ("ann@example.com",) * 3
    assert (dto.name, dto.client_org_id, dto.timezone) == ("Ann", "org 1", "Europe/Rome")
    assert (dto.server_url, dto.service_provider, dto.copy_to_sent) == ("mail.example:993", "IMAP", True)
    assert (dto.token_status, dto.active, dto.type, dto.daemon) == ("active", True, "personal", False)
    assert dto.auth_scopes == [Scope.MAIL_READ, Scope.MAIL_SEND]
    assert dto.created_at is not None
    assert dto.created_at.tzinfo is not None
    assert dto.token_issued_at is not None
    assert dto.provider_access_token is None
    assert dto.token_last_activity is None


async def test_neither_passwords_nor_tokens_are_readable_in_the_database(house: House) -> None:
    saved = await house.link("secretive@example.com")
    async with house.database.read() as session:
        for table in ("account", "access_token", "application"):
            dump = "".join(str(row) for row in await session.execute(sa.text(f"select * from {table}")))
            for secret in (PASSWORD, saved.access_token, house.client_secret, house.signing_secret):
                assert secret not in dump
        grant = await session.scalar(
            sa.text("select sealed_grant from account where id = :id"), {"id": saved.account_id}
        )
    assert house.vault.unseal(grant) == {"login": "secretive@example.com", "password": PASSWORD}


@pytest.mark.parametrize(
    ("change", "error", "path"),
    [
        ({"password": "wrong"}, Unauthorized, None),
        ({"active": False}, Invalid, "active"),
        ({"email": None, "login_string": None}, Invalid, "email"),
        ({"service_type": ServiceType.ZOOM}, Invalid, "serviceType"),
        ({"auth_scopes": [Scope.MAIL_READ, Scope.TASKS_READ]}, Invalid, "authScopes.1"),
    ],
)
async def test_what_cannot_be_connected_is_not_stored(
    house: House, change: dict[str, object], error: type[Exception], path: str | None
) -> None:
    body = house.body().model_copy(update=change)
    with pytest.raises(error) as raised:
        await house.accounts.upsert(house.application, body)
    assert getattr(raised.value, "path", None) == path
    assert await _count(house) == 0


async def test_an_unknown_service_type_is_answered_with_those_offered(house: House) -> None:
    with pytest.raises(Invalid, match="EWS, IMAP"):
        await house.link(service_type=ServiceType.ZOOM)


async def test_scopes_can_be_narrowed(house: House) -> None:
    saved = await house.link(auth_scopes=[Scope.MAIL_READ])
    assert (await house.account(saved)).scopes == {Scope.MAIL_READ}


async def test_users_that_do_not_exist_are_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await house.accounts.upsert(house.application, house.body(), user_id="u1")
    with pytest.raises(Invalid, match="userId"):
        await house.accounts.upsert(house.application, house.body(), user_account=UserAccountType.PRIMARY)


async def test_checking_stores_nothing(house: House) -> None:
    assert (await house.accounts.check(house.application, house.body())).status == "Ok"
    with pytest.raises(Unauthorized):
        await house.accounts.check(house.application, house.body(password="wrong"))
    assert await _count(house) == 0


async def test_without_recycle_keys_every_call_makes_an_account(house: House) -> None:
    first, second = await house.link(), await house.link()
    assert first.account_id != second.account_id


async def test_an_account_is_reused_only_if_all_keys_agree(house: House) -> None:
    first = await house.link(client_org_id="a")

    async def again(**more: object) -> int:
        saved = await house.accounts.upsert(house.application, house.body(**more), recycle_keys=EMAIL_AND_ORG)  # type: ignore[arg-type]
        return saved.account_id

    assert await again(client_org_id="a") == first.account_id
    assert await again(email="Ann@Example.com", client_org_id="a") == first.account_id
    assert await again(client_org_id="b") != first.account_id
    assert await again(email="bob@example.com", client_org_id="a") != first.account_id
    assert await again(client_org_id="a", service_type=ServiceType.EWS) != first.account_id
    without = await again()
    assert without != first.account_id
    assert await again() == without  # absent equals absent


@pytest.mark.parametrize(
    ("key", "field", "one", "other"),
    [
        (ServiceKey.EMAIL, "email", "k1@example.com", "k2@example.com"),
        (ServiceKey.SERVER_URL, "server_url", "one.example", "two.example"),
        (ServiceKey.CLIENT_ORG_ID, "client_org_id", "one", "two"),
        (ServiceKey.USERNAME, "login_string", "one", "two"),
        (ServiceKey.ORG_ID, "auth_org_id", "one", "two"),
        (ServiceKey.USER_ID, "auth_user_id", "one", "two"),
    ],
)
async def test_each_recycle_key_compares_its_attribute(
    house: House, key: ServiceKey, field: str, one: str, other: str
) -> None:
    ids = []
    for value in (one, one, other):
        body = house.body(**{"email": f"{key}@example.com", field: value})  # type: ignore[arg-type]
        saved = await house.accounts.upsert(house.application, body, recycle_keys=[key])
        ids.append(saved.account_id)
    assert ids[0] == ids[1] != ids[2]


async def test_a_recycled_account_lives_again_and_keeps_its_earlier_tokens(house: House) -> None:
    first = await house.link(name="Ann", client_org_id="x")
    account = await house.account(first)
    await house.accounts.set_marks(account, {"archive": "f1"})
    house.provider.directory["ann@example.com"] = "changed"
    with pytest.raises(Unauthorized):
        async with house.sessions.use(await house.account(first)) as session:
            await session.ping()
    body = house.body(password="changed", client_org_id="x")
    second = await house.accounts.upsert(house.application, body, recycle_keys=EMAIL_AND_ORG)
    assert second.account_id == first.account_id
    dto = await house.accounts.get(house.application, first.account_id)
    assert (dto.token_status, dto.token_error, dto.name) == (TokenStatus.ACTIVE, None, "Ann")
    for token in (first.access_token, second.access_token):
        found = await house.identity.token(token)
        assert found is not None
        assert found[1].version == account.version + 2
        assert found[1].marks == (("archive", "f1"),)
    async with house.sessions.use(await house.account(first)) as session:
        await session.ping()


async def test_recycling_at_once_makes_one_account(house: House) -> None:
    bodies = [house.body("race@example.com") for _ in range(8)]
    saved = await asyncio.gather(
        *(house.accounts.upsert(house.application, body, recycle_keys=EMAIL_AND_ORG) for body in bodies)
    )
    assert len({item.account_id for item in saved}) == 1
    assert len({item.access_token for item in saved}) == 8


async def test_another_applications_accounts_do_not_exist(house: House) -> None:
    saved = await house.link()
    other, _, _ = await house.applications.create(f"other than {house.application.name}")
    account = await house.account(saved)
    assert await house.identity.account(other, saved.account_id) is None
    with pytest.raises(NotFound):
        await house.accounts.get(other, saved.account_id)
    with pytest.raises(NotFound):
        await house.accounts.delete(other, saved.account_id)
    assert (await house.accounts.find(other)).records == []
    recycled = await house.accounts.upsert(other, house.body(), recycle_keys=EMAIL_AND_ORG)
    assert recycled.account_id != account.id
    assert await house.identity.token(saved.access_token) is not None


async def test_accounts_are_listed_in_pages_and_by_every_filter(house: House) -> None:
    for number in range(5):
        await house.link(f"p{number}@example.com", client_org_id="even" if number % 2 == 0 else "odd")
    await house.link("ews@example.com", service_type=ServiceType.EWS, auth_org_id="tenant")
    pages = [await house.accounts.find(house.application, limit=4, offset=offset) for offset in (0, 4, 8)]
    assert [(page.total_size, len(page.records), page.done) for page in pages] == [
        (6, 4, False),
        (6, 2, True),
        (6, 0, True),
    ]
    ids = [record.id for page in pages for record in page.records]
    assert ids == sorted(ids)

    async def emails(**filters: object) -> list[str | None]:
        page = await house.accounts.find(house.application, **filters)  # type: ignore[arg-type]
        return [record.email for record in page.records]

    assert await emails(client_org_id="odd") == ["p1@example.com", "p3@example.com"]
    assert await emails(service_type="EWS") == await emails(auth_org_id="tenant") == ["ews@example.com"]
    assert await emails(service_type="EWS", client_org_id="odd") == []
    assert await emails(subscription_id=1) == []
    assert len(await emails(limit=0)) == 1
    assert len(await emails(limit=10**6, offset=-3)) == 6


async def test_a_deleted_account_is_gone_with_its_tokens(house: House) -> None:
    saved = await house.link()
    account = await house.account(saved)
    async with house.sessions.use(account):
        pass
    await house.accounts.delete(house.application, saved.account_id)
    assert await house.identity.token(saved.access_token) is None
    assert await house.identity.account(house.application, saved.account_id) is None
    with pytest.raises(NotFound):
        await house.accounts.delete(house.application, saved.account_id)
    await house.sessions.close()
    assert [session.closed for session in house.provider.opened] == [True]


async def test_a_ping_asks_the_provider_and_notes_the_answer(house: House) -> None:
    saved = await house.link()

    async def state(*, ping: bool) -> tuple[TokenStatus, bool]:
        dto = await house.accounts.mine(await house.account(saved), ping=ping)
        return dto.token_status, dto.token_error is not None

    house.provider.directory["ann@example.com"] = "changed"
    assert await state(ping=False) == (TokenStatus.ACTIVE, False)
    assert await state(ping=True) == (TokenStatus.INVALID, True)
    assert await state(ping=False) == (TokenStatus.INVALID, True)
    house.provider.directory["ann@example.com"] = PASSWORD
    assert await state(ping=True) == (TokenStatus.ACTIVE, False)
    house.provider.down = True
    with pytest.raises(Unavailable):
        await state(ping=True)


async def test_the_providers_own_token_is_shown_only_when_asked_for(house: House) -> None:
    account = await house.account(await house.link())
    assert (await house.accounts.mine(account)).provider_access_token is None
    dto = await house.accounts.mine(account, include_provider_auth=True)
    assert dto.provider_access_token == "token of ann@example.com"


async def test_a_deleted_token_leaves_a_dead_account_without_credentials(house: House) -> None:
    saved = await house.link()
    account = await house.account(saved)
    await house.accounts.delete_token(account)
    assert house.provider.revoked == ["ann@example.com"]
    assert await house.identity.token(saved.access_token) is None
    dead = await house.account(saved)
    assert (dead.token_status, dead.sealed_grant) == (TokenStatus.DEAD, None)
    with pytest.raises(Unauthorized) as raised:
        async with house.sessions.use(dead):
            pass
    assert raised.value.final
    assert (await house.accounts.mine(dead, ping=True)).token_status is TokenStatus.DEAD
    await house.accounts.delete_token(dead)  # again: nothing is left to revoke
    assert house.provider.revoked == ["ann@example.com"]


async def test_credentials_are_dropped_although_the_provider_is_down(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    saved = await house.link()
    house.provider.down = True
    with caplog.at_level(logging.WARNING):
        await house.accounts.delete_token(await house.account(saved))
    assert "could not be revoked" in caplog.text
    assert PASSWORD not in caplog.text
    assert (await house.account(saved)).sealed_grant is None


async def test_marks_are_set_and_cleared_one_by_one(house: House) -> None:
    account = await house.account(await house.link())
    both = await house.accounts.set_marks(account, {"archive": "f1", "sent": "f'2\""})
    assert dict(both.marks) == {"archive": "f1", "sent": "f'2\""}
    one = await house.accounts.set_marks(both, {"archive": None})
    assert dict(one.marks) == {"sent": "f'2\""}
    assert one.version == account.version + 2
    assert await house.accounts.set_marks(one, {}) == await house.identity.account(house.application, account.id) == one


async def test_marks_of_a_deleted_account_are_not_found(house: House) -> None:
    saved = await house.link()
    account = await house.account(saved)
    await house.accounts.delete(house.application, saved.account_id)
    with pytest.raises(NotFound):
        await house.accounts.set_marks(account, {"archive": "f1"})
