"""Pacing ahead of Google's limits."""

import asyncio

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


async def test_calls_are_let_through_in_the_order_of_asking_and_each_wakes_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace, waits, options = Pace(), [], {"gmailUnitsPerUser": "6000"}

    async def asleep(seconds: float) -> None:
        waits.append(round(seconds, 1))

    monkeypatch.setattr("asyncio.sleep", asleep)
    for _ in range(300 + 20):  # the minute's allowance, and four seconds more of it
        await pace.turn(GET, "ann", "project", options)
    assert waits == [pytest.approx(0.2 * (number + 1), abs=0.11) for number in range(20)]


async def test_who_goes_away_gives_the_turn_back() -> None:
    pace, options = Pace(), {"gmailUnitsPerUser": "600"}
    for _ in range(30):
        await pace.turn(GET, "ann", "project", options)
    gone = [asyncio.create_task(pace.turn(GET, "ann", "project", options)) for _ in range(9)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert all(task.cancelled() for task in gone)
    next_one = asyncio.create_task(pace.turn(GET, "ann", "project", options))
    await asyncio.wait_for(next_one, 15)  # two seconds; twenty were it behind the others


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
