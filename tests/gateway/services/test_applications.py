"""Applications, what they trust, and their registrations at providers."""

import pytest
import sqlalchemy as sa

from gateway.services.applications import Registration
from providers.base.errors import Exists, Invalid, NotFound
from schemas.accounts import ServiceType
from tests.gateway.services.conftest import House

pytestmark = pytest.mark.anyio


async def test_a_name_is_used_once_and_must_be_one(house: House) -> None:
    with pytest.raises(Exists, match="already"):
        await house.applications.create(house.application.name)
    for name in ("", "  ", "a\nb", "x" * 201, "\0"):
        with pytest.raises(Invalid):
            await house.applications.create(name)


async def test_applications_are_listed_and_found_by_name_or_client_id(house: House) -> None:
    assert house.application in await house.applications.every()
    assert await house.applications.find(house.application.name) == house.application
    assert await house.applications.find(house.application.client_id) == house.application
    with pytest.raises(NotFound, match="postroom apps list"):
        await house.applications.find("nobody")


async def test_the_owner_sees_the_signing_secret_but_not_the_client_secret(house: House) -> None:
    dto = await house.applications.dto(house.application)
    assert (dto.id, dto.name, dto.signing_secret) == (
        house.application.id,
        house.application.name,
        house.signing_secret,
    )
    assert house.client_secret not in dto.to_json().decode()


async def test_trusted_domains_are_origins(house: House) -> None:
    name = house.application.name
    assert await house.applications.change_domains(
        name, add=["app.example.com", "HTTPS://Other.example:443/", "http://localhost:3000", "app.example.com"]
    ) == ("https://app.example.com", "https://other.example", "http://localhost:3000")
    assert await house.applications.change_domains(name, remove=["https://other.example", "unknown.example"]) == (
        "https://app.example.com",
        "http://localhost:3000",
    )
    assert len(await house.applications.change_domains(name)) == 2
    for wrong in (
        "https://app.example.com/path",
        "ftp://x",
        "https://",
        "https://a@b",
        "https://a?b",
        "a b",
        "*",
        "https://*.example.com",
    ):
        with pytest.raises(Invalid):
            await house.applications.change_domains(name, add=[wrong])


async def test_return_urls_are_kept_as_given(house: House) -> None:
    name = house.application.name
    url = "https://app.example.com/Back?x=1"
    assert await house.applications.change_return_urls(name, add=[url]) == (url,)
    assert await house.applications.change_return_urls(name, remove=[url]) == ()
    with pytest.raises(Invalid):
        await house.applications.change_return_urls(name, add=["javascript:alert(1)"])


async def test_registrations_are_replaced_listed_in_pages_and_keep_their_secret(house: House) -> None:
    name = house.application.name
    for service, client_id in ((ServiceType.GOOGLE, "g1"), (ServiceType.OFFICE365, "o1"), (ServiceType.GOOGLE, "g2")):
        await house.applications.register(name, Registration(service, client_id, "hunter2", topic_name="topic"))
    await house.applications.register(name, Registration(ServiceType.GOOGLE, "g3", "hunter2", daemon=True))
    page = await house.applications.oauth_regs(house.application)
    assert [(reg.service_type, reg.client_id, reg.daemon) for reg in page.records] == [
        ("Google", "g2", False),
        ("Office365", "o1", False),
        ("Google", "g3", True),
    ]
    assert (page.total_size, page.done) == (3, True)
    assert "hunter2" not in page.to_json().decode()
    first = await house.applications.oauth_regs(house.application, offset=0, limit=2)
    beyond = await house.applications.oauth_regs(house.application, offset=9, limit=2)
    assert (len(first.records), first.done, len(beyond.records), beyond.done) == (2, False, 0, True)
    async with house.database.read() as session:
        sealed = await session.scalar(sa.text("select sealed_secrets from oauth_client where client_id = 'g2'"))
    assert house.vault.unseal(sealed) == {"clientSecret": "hunter2"}


async def test_a_registration_does_not_show_its_secret() -> None:
    assert "hunter2" not in repr(Registration(ServiceType.GOOGLE, "g", "hunter2"))


async def test_another_applications_registrations_are_not_listed(house: House) -> None:
    other, _, _ = await house.applications.create(f"another than {house.application.name}")
    await house.applications.register(other.name, Registration(ServiceType.GOOGLE, "g", "s"))
    assert (await house.applications.oauth_regs(house.application)).total_size == 0
