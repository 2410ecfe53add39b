"""Direct requests that take longer than a caller waits."""

import asyncio
from pathlib import Path

import pytest

from gateway.raw import Raw
from gateway.services.direct import Direct
from providers.base.errors import Uncertain
from providers.base.provider import DirectAnswer, DirectRequest, Mailbox, ProviderSettings, Session
from tests.gateway.services.conftest import House
from tests.gateway.services.mailbox_provider import MemoryProvider, MemorySession

pytestmark = pytest.mark.anyio


class SlowSession(MemorySession):
    async def direct(self, request: DirectRequest) -> DirectAnswer:
        await asyncio.sleep(0.3)
        return DirectAnswer(200, {}, request.method.encode())


class SlowProvider(MemoryProvider):
    async def open(self, mailbox: Mailbox) -> Session:
        return SlowSession(self, mailbox)


@pytest.fixture
def provider(tmp_path: Path) -> SlowProvider:
    return SlowProvider(ProviderSettings(tmp_path))


async def test_a_write_that_takes_too_long_may_have_happened(house: House) -> None:
    """408, which a read gets from the request's own deadline, would have clients repeat it."""
    account, direct = await house.account(await house.link()), Direct(house.sessions, 0.1)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(Uncertain):
            await direct.passed(account, Raw(method, "x", "", {}, b""))
    assert (await direct.passed(account, Raw("GET", "x", "", {}, b""))).body == b"GET"
    patient = Direct(house.sessions)
    assert (await patient.passed(account, Raw("POST", "x", "", {}, b""))).body == b"POST"
