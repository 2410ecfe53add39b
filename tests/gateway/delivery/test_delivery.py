"""The pump: order, signatures, retries, parking, and what happens when two run at once."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import pytest

from gateway.services.delivery.pump import Delivery
from gateway.services.delivery.receiver import Receiver as Caller
from gateway.services.signing import Signer, SigningSecrets
from gateway.store.backlogs import Backlogs
from gateway.store.deliveries import Deliveries
from gateway.store.queries import accounts, subscriptions
from schemas.accounts import TokenStatus
from schemas.webhooks import WebhookNotification
from tests.gateway.delivery.conftest import Line
from tests.servers.receiver import Plan, Receiver

pytestmark = pytest.mark.anyio
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def sequences(receiver: Receiver) -> list[int]:
    return [payload["sequence"] for call in receiver.calls for payload in call.payloads]


async def test_what_happens_is_told_once_signed_and_logged(line: Line, receiver: Receiver) -> None:
    await line.happen(2)
    subscription = await line.subscribe(receiver.url + "?key=a%2Fb")
    await line.happen(threadId="t1")
    assert await line.is_due(subscription)
    await line.delivery.run(subscription)
    await line.delivery.run(subscription)
    assert not await line.is_due(subscription)
    [call] = receiver.calls
    assert call.json == {
        "subscription": subscription,
        "resource": "/email/messages",
        "accountId": line.account,
        "payloads": [{"id": "m0", "changeType": "created", "attributes": {"threadId": "t1"}, "sequence": 3}],
    }
    assert WebhookNotification.model_validate(call.json).payloads[0].sequence == 3
    assert call.is_signed_with(line.house.signing_secret)
    assert not call.is_signed_with(line.house.client_secret)
    assert (call.query, call.headers["content-type"]) == ("key=a%2Fb", "application/json")
    [attempt] = await line.attempts(subscription)
    shown = {"first_sequence": 3, "last_sequence": 3, "events": 1, "attempt": 1, "status": 200, "error": None}
    assert {name: attempt[name] for name in shown} == shown
    assert attempt["response"] == b"thank you"


async def test_a_backlog_comes_in_order_at_most_100_at_a_time(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    for _ in range(6):
        await line.happen(107)
    await line.delivery.run(subscription)
    assert sequences(receiver) == list(range(1, 643))
    assert max(len(call.payloads) for call in receiver.calls) == 100
    assert (await line.row(subscription))["position"] == 642


async def test_other_ports_are_passed_over(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    await line.happen(700, port="events")
    await line.delivery.run(subscription)
    assert (receiver.calls, (await line.row(subscription))["position"]) == ([], 700)
    await line.happen(1)
    await line.happen(1, port="events")
    await line.delivery.run(subscription)
    assert sequences(receiver) == [701]
    assert (await line.row(subscription))["position"] == 702


async def test_a_parents_changes_only(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url, parent="another calendar")
    await line.happen(3)
    await line.delivery.run(subscription)
    assert (receiver.calls, (await line.row(subscription))["position"]) == ([], 3)


async def test_drafts_are_left_out_where_that_was_asked(line: Line, receiver: Receiver) -> None:
    without = await line.subscribe(receiver.url, filters=["withoutDrafts"])
    await line.happen(1, draft=True)
    await line.happen(1, draft=False)
    await line.happen(1)
    await line.delivery.run(without)
    assert sequences(receiver) == [2, 3]
    everything = await line.subscribe(receiver.url)
    await line.happen(1, draft=True)
    await line.delivery.run(everything)
    assert sequences(receiver) == [2, 3, 4]


async def test_a_signal_has_no_payloads(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url, detail_level="signal")
    await line.happen(300)
    await line.delivery.run(subscription)
    assert [call.json["payloads"] for call in receiver.calls] == [[]]
    assert (await line.attempts(subscription))[0]["events"] == 300


async def test_a_retry_is_the_same_request(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    receiver.plans = [Plan(500), Plan(202), Plan(204, ""), Plan(hang=True)]
    await line.happen(150)
    for _ in range(4):
        await line.delivery.run(subscription)
        await line.happen(10)  # what comes later stays behind it
        await line.passes(subscription, timedelta(minutes=1))
    assert (await line.row(subscription))["attempts"] == 4
    await line.delivery.run(subscription)
    tries = receiver.calls[:5]
    assert len({(call.body, call.stamp, call.signature) for call in tries}) == 1
    assert tries[0].is_signed_with(line.house.signing_secret)
    assert sequences(receiver)[400:] == list(range(1, 191))
    log = await line.attempts(subscription)
    assert [(row["attempt"], row["status"], row["error"]) for row in log[:6]] == [
        (1, 500, "the receiver answered 500"),
        (2, 202, "the receiver answered 202"),
        (3, 204, "the receiver answered 204"),
        (4, None, "the receiver did not answer within 0.5 s"),
        (5, 200, None),
        (1, 200, None),
    ]


async def test_the_next_try_waits_longer_and_longer(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    receiver.otherwise = Plan(500)
    await line.happen()
    waits = []
    for _ in range(13):
        await line.delivery.run(subscription)
        await line.delivery.run(subscription)  # too early: nothing happens
        row, [*_, last] = await line.row(subscription), await line.attempts(subscription)
        waits.append(round((row["next_try_at"] - last["at"]).total_seconds()))
        assert not await line.is_due(subscription)
        await line.passes(subscription, timedelta(seconds=waits[-1] + 1))
        assert await line.is_due(subscription)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]
    assert len(receiver.calls) == 13


async def test_ten_days_of_500_lose_nothing(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    receiver.otherwise = Plan(500, "out of order")
    await line.happen(3)
    await line.delivery.run(subscription)
    first = receiver.calls[0]
    failing = await line.row(subscription)
    assert (failing["active"], failing["fail_description"]) == (True, "the receiver answered 500")
    await line.fails_until_parked(subscription)
    assert [call.json["lifecycleEvent"] for call in receiver.calls if "lifecycleEvent" in call.json] == ["error"]
    told = receiver.calls[-1]
    for _ in range(9 * 24):
        await line.happen(1)
        tries = len(receiver.calls)
        await line.passes(subscription, timedelta(minutes=50))
        await line.delivery.run(subscription)
        assert len(receiver.calls) == tries, "a parked one is tried once an hour"
        await line.passes(subscription, timedelta(minutes=10))
        await line.delivery.run(subscription)
        assert len(receiver.calls) == tries + 1
    parked = await line.row(subscription)
    assert (parked["active"], parked["position"], parked["retry_upto"]) == (False, 0, 3)
    receiver.calls.clear()
    receiver.otherwise = Plan()
    await line.passes(subscription, HOUR)
    await line.delivery.run(subscription)
    error, retried, active, *rest = receiver.calls
    assert error.json["lifecycleEvent"] == "error"
    assert error.json["error"] == "the receiver answered 500"
    assert error.body == told.body
    assert (retried.body, retried.stamp, retried.signature) == (first.body, first.stamp, first.signature)
    assert active.json["lifecycleEvent"] == "active"
    assert "error" not in active.json
    assert [payload["sequence"] for call in rest for payload in call.payloads] == list(range(4, 220))
    assert all(call.is_signed_with(line.house.signing_secret) for call in receiver.calls)
    row = await line.row(subscription)
    idle = {"active": True, "position": 219, "fail_since": None, "fail_description": None, "attempts": 0}
    assert {name: row[name] for name in idle} == idle
    assert (row["next_try_at"], row["lifecycle"], row["retry_upto"], row["retry_stamp"]) == (None, None, None, None)


async def test_who_cannot_take_one_notification_still_hears_of_the_error(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    receiver.otherwise = Plan(400)
    await line.happen()
    await line.delivery.run(subscription)
    await line.passes(subscription, timedelta(hours=24))
    receiver.plans = [Plan(400), Plan(200), Plan(400)]
    await line.delivery.run(subscription)
    assert [call.json.get("lifecycleEvent") for call in receiver.calls] == [None, None, "error", None]
    row = await line.row(subscription)
    assert (row["active"], row["lifecycle"], row["retry_upto"], row["position"]) == (False, None, 1, 0)
    await line.passes(subscription, HOUR)
    receiver.otherwise = Plan()
    await line.delivery.run(subscription)
    assert [call.json.get("lifecycleEvent") for call in receiver.calls[4:]] == [None, "active"]


async def test_422_removes_the_subscription(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    receiver.otherwise = Plan(422)
    await line.happen()
    await line.delivery.run(subscription)
    assert await Backlogs(line.database).load(subscription) is None
    await line.delivery.run(subscription)
    assert len(receiver.calls) == 1


async def test_a_dead_receiver_does_not_delay_another(line: Line, receiver: Receiver) -> None:
    with Receiver() as dead:
        dead.otherwise = Plan(hang=True)
        patient = Delivery(line.database, Caller(line.http, timeout=60), Signer(line.house.vault))
        stuck = [await line.subscribe(dead.url) for _ in range(150)]
        lively = await line.subscribe(receiver.url)
        await line.happen(250)
        loop, all_stuck = asyncio.get_running_loop(), asyncio.Event()
        dead.heard = lambda call: loop.call_soon_threadsafe(all_stuck.set) if len(dead.calls) == len(stuck) else None
        waiting = [asyncio.create_task(patient.run(one)) for one in stuck]
        await all_stuck.wait()
        await patient.run(lively)
        assert sequences(receiver) == list(range(1, 251))
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_frozen_pump_that_comes_back_moves_nothing(line: Line, receiver: Receiver) -> None:
    """It read the position, sent, froze; another one delivered all; its result is refused, also for a failure."""
    subscription = await line.subscribe(receiver.url)
    await line.happen(5)
    frozen = await Backlogs(line.database).load(subscription)
    assert frozen is not None
    await line.delivery.run(subscription)
    await line.happen(1)
    before = await line.row(subscription)
    for status in (200, 500):
        receiver.plans = [Plan(status)]
        assert await line.delivery._deliver(frozen) is False
        assert await line.row(subscription) == before
    assert len(await line.attempts(subscription)) == 1
    await line.delivery.run(subscription)
    assert sequences(receiver)[-1:] == [6]


async def test_two_pumps_at_once_advance_once(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    other = Delivery(line.database, Caller(line.http), Signer(line.house.vault))
    await line.happen(1000)
    await asyncio.gather(line.delivery.run(subscription), other.run(subscription))
    log = [(row["first_sequence"], row["last_sequence"]) for row in await line.attempts(subscription)]
    assert log == [(first, first + 99) for first in range(1, 1000, 100)]
    assert set(sequences(receiver)) == set(range(1, 1001))


async def test_a_subscription_that_goes_while_it_is_told(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    await line.happen(250)

    async def unsubscribe() -> None:
        async with line.database.session() as session:
            assert await subscriptions.remove(session, line.house.application.id, line.account, subscription)

    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    receiver.heard = lambda call: loop.call_soon_threadsafe(heard.set)
    receiver.plans = [Plan(hang=True)]
    run = asyncio.create_task(line.delivery.run(subscription))
    await heard.wait()
    await unsubscribe()
    await run
    assert len(receiver.calls) == 1


async def test_one_that_is_read_together_with_a_missing_one(line: Line, receiver: Receiver) -> None:
    there = await line.subscribe(receiver.url)
    await line.happen()
    await asyncio.gather(line.delivery.run(there), line.delivery.run(there + 1_000_000))
    assert sequences(receiver) == [1]


async def test_a_new_secret_overlaps_with_the_old_one(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    secrets = SigningSecrets(line.database, line.house.vault)
    old, name = line.house.signing_secret, line.house.application.name
    new, _ = await secrets.rotate(name, HOUR)
    await line.happen()
    await line.delivery.run(subscription)
    assert receiver.calls[0].is_signed_with(old)
    assert receiver.calls[0].is_signed_with(new, "x-postroom-next-signature")
    async with line.database.session() as session:
        dto = await line.house.applications.dto(line.house.application)
        assert dto.signing_secret == old
        await session.execute(_sql("update application set next_signing_at = now() - interval '1 second'"))
    await line.happen()
    await line.delivery.run(subscription)
    assert receiver.calls[1].is_signed_with(new)
    assert "x-postroom-next-signature" not in receiver.calls[1].headers
    assert (await line.house.applications.dto(line.house.application)).signing_secret == new
    newest, _ = await secrets.rotate(name, timedelta(0))
    await line.happen()
    await line.delivery.run(subscription)
    assert receiver.calls[2].is_signed_with(newest)


def _sql(statement: str) -> Any:
    import sqlalchemy as sa

    return sa.text(statement)


async def die(line: Line) -> None:
    async with line.database.session() as session:
        row = await accounts.get(session, line.house.application.id, line.account)
        assert row is not None
        await accounts.refused(session, line.account, row.version, "the password was changed", final=True)


async def revive(line: Line) -> None:
    async with line.database.session() as session:
        await accounts.revise(session, line.house.application.id, line.account, accounts.REVIVED)


def lifecycles(receiver: Receiver) -> list[tuple[str, str | None]]:
    found = [call.json for call in receiver.calls if "lifecycleEvent" in call.json]
    return [(item["lifecycleEvent"], item.get("error")) for item in found]


async def test_subscribers_hear_that_the_account_died_and_revived(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    await die(line)
    await die(line)
    assert await line.is_due(subscription)
    await line.delivery.run(subscription)
    await line.delivery.run(subscription)
    assert lifecycles(receiver) == [("error", "the password was changed")]
    async with line.database.session() as session:
        await accounts.drop_grant(session, line.house.application.id, line.account, "dead already")
    assert not await line.is_due(subscription)
    await revive(line)
    await revive(line)
    await line.happen()
    await line.delivery.run(subscription)
    assert lifecycles(receiver)[1:] == [("active", None)]
    assert sequences(receiver) == [1]
    assert all(call.is_signed_with(line.house.signing_secret) for call in receiver.calls)
    assert [row["lifecycle"] for row in await line.attempts(subscription)] == ["error", "active", None]


async def test_a_deleted_grant_is_told_too(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    async with line.database.session() as session:
        await accounts.drop_grant(session, line.house.application.id, line.account, "the token was deleted")
    await line.delivery.run(subscription)
    assert lifecycles(receiver) == [("error", "the token was deleted")]


async def test_a_refusal_that_may_pass_is_not_told(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    async with line.database.session() as session:
        row = await accounts.get(session, line.house.application.id, line.account)
        assert row is not None
        await accounts.refused(session, line.account, row.version, "not now", final=False)
        await accounts.accepted(session, line.account, row.version)
        again = await accounts.get(session, line.house.application.id, line.account)
        assert again is not None
        await session.refresh(again)
        assert again.token_status == TokenStatus.ACTIVE
    await line.delivery.run(subscription)
    assert receiver.calls == []


async def test_an_account_that_dies_while_a_delivery_is_under_way(line: Line, receiver: Receiver) -> None:
    """The result of the delivery does not wipe out what is still to be told."""
    subscription = await line.subscribe(receiver.url)
    await line.happen(150)
    backlog = await Backlogs(line.database).load(subscription)
    assert backlog is not None
    await die(line)
    assert await line.delivery._deliver(backlog) is True
    assert len(sequences(receiver)) == 100, "the lifecycle event comes before the next batch"
    await line.delivery.run(subscription)
    assert lifecycles(receiver) == [("error", "the password was changed")]
    assert sequences(receiver) == list(range(1, 151))


async def test_a_lifecycle_event_is_retried_as_it_was(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    await die(line)
    receiver.plans = [Plan(503), Plan(503)]
    for _ in range(3):
        await line.delivery.run(subscription)
        async with line.database.session() as session:
            await session.execute(_sql("update subscription set next_try_at = now() where next_try_at is not null"))
    assert len({(call.body, call.stamp, call.signature) for call in receiver.calls}) == 1
    assert len(receiver.calls) == 3


async def test_parked_and_dead(line: Line, receiver: Receiver) -> None:
    """A parked subscription of a dead account is not called active when its receiver works again, but later."""
    subscription = await line.subscribe(receiver.url)
    receiver.otherwise = Plan(500)
    await line.happen()
    await line.delivery.run(subscription)
    await line.fails_until_parked(subscription)
    await die(line)
    receiver.otherwise = Plan()
    receiver.calls.clear()
    await line.passes(subscription, HOUR)
    await line.delivery.run(subscription)
    assert [name for name, _ in lifecycles(receiver)] == ["error"]
    assert sequences(receiver) == [1]
    await revive(line)
    await line.delivery.run(subscription)
    assert [name for name, _ in lifecycles(receiver)] == ["error", "active"]


async def test_the_log_is_read_backwards_and_purged(line: Line, receiver: Receiver) -> None:
    subscription = await line.subscribe(receiver.url)
    other = await line.subscribe(receiver.url)
    for _ in range(6):
        await line.happen()
        await line.delivery.run(subscription)
    await line.delivery.run(other)
    log = Deliveries(line.database)
    newest = await log.log(subscription, None, 4)
    older = await log.log(subscription, newest[-1].id, 4)
    assert [row.last_sequence for row in itertools.chain(newest, older)] == [6, 5, 4, 3, 2, 1]
    async with line.database.session() as session:
        await session.execute(
            _sql("update delivery set at = at - interval '8 days' where subscription_id = :id and last_sequence < 3"),
            {"id": subscription},
        )
    await log.purge(keep=3)
    assert [row.last_sequence for row in await log.log(subscription, None, 10)] == [6, 5, 4]
    assert len(await log.log(other, None, 10)) == 1
