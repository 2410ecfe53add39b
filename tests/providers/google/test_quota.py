"""Pacing ahead of Google's limits."""

import pytest

from providers.base.errors import RateLimited
from providers.google import quota
from providers.google.quota import Pace, cost

pytestmark = pytest.mark.anyio
SEND, GET = "gmail.users.messages.send", "gmail.users.messages.get"


def test_the_table_of_2026() -> None:
    assert (cost(SEND), cost(GET), cost("gmail.users.messages.list"), cost("gmail.users.history.list")) == (
        100,
        20,
        5,
        2,
    )
    assert cost("calendar.events.list") == 1


async def test_a_user_who_used_up_a_minute_is_told_when_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = Pace()
    for _ in range(6_000 // 100):
        await pace.turn(SEND, "ann", "project", {})
    monkeypatch.setattr(quota, "_PATIENCE", 0.0)
    with pytest.raises(RateLimited) as limited:
        await pace.turn(SEND, "ann", "project", {})
    assert limited.value.retry_after and limited.value.retry_after <= 1.0
    await pace.turn(SEND, "bob", "project", {})
    await pace.turn(SEND, "ann", "another project", {})
    await pace.turn("calendar.events.list", "ann", "project", {})


async def test_a_registration_may_have_other_limits() -> None:
    pace = Pace()
    await pace.turn(SEND, "ann", "old", {"gmailUnitsPerUser": "200"})
    await pace.turn(SEND, "ann", "old", {"gmailUnitsPerUser": "200"})
    with pytest.raises(RateLimited):
        await pace.turn(SEND, "ann", "old", {"gmailUnitsPerUser": "200"})


async def test_the_project_has_a_limit_of_its_own() -> None:
    pace, options = Pace(), {"gmailUnitsPerProject": "200"}
    await pace.turn(SEND, "ann", "small", options)
    await pace.turn(SEND, "bob", "small", options)
    with pytest.raises(RateLimited):
        await pace.turn(SEND, "cy", "small", options)
