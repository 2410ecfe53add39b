"""Times of group profiles over HTTP: reading everybody's calendar, computing, answering; and booking a slot.

`python -m bench booking`
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from providers.base.provider import Mailbox, ProviderSettings
from providers.sandbox.events import SandboxEvents
from providers.sandbox.provider import SandboxProvider
from tests.servers.gateway import Gateway

_ROUNDS = 20
_ZONE = "Europe/Berlin"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_HOURS = [{"dayOfWeek": day, "workingIntervals": [{"start": "09:00:00", "end": "17:00:00"}]} for day in _DAYS]


def main() -> None:
    """Print a line for each question: milliseconds of the wall."""
    with Gateway() as gateway:
        for people, days, events in ((30, 14, 200), (100, 28, 50)):
            _run(gateway, people, days, events)


def _run(gateway: Gateway, people: int, days: int, events: int) -> None:
    accounts = [_link(gateway, f"p{number}.{people}@bench.test") for number in range(people)]
    asyncio.run(_fill(Path(gateway.var.name), accounts, days, events))
    body = {"name": f"bench-{people}", "workHours": {"timezone": _ZONE, "daySchedules": _HOURS}}
    made = gateway.call("POST", "/v1/book/group/profiles", body)
    path = f"/v1/book/group/profiles/{made['id']}"
    gateway.call("POST", f"{path}/attachAccounts", {"accountIds": [account for account, _ in accounts]})
    name, window = f"{people} people x {days} days x {events} events", f"intervalLength=P{days}D"
    for mode in ("one", "all"):
        _report(f"{name}, {mode}", lambda mode=mode: gateway.call("GET", f"{path}/meeting?required={mode}&{window}"))
    slots = iter(gateway.call("GET", f"{path}/meeting?{window}")["items"])
    _report(f"{name}, booking one", lambda: _book(gateway, path, next(slots)))


def _link(gateway: Gateway, email: str) -> tuple[int, str]:
    body = {"serviceType": "Sandbox", "active": True, "email": email, "serverInfo": "empty"}
    return gateway.call("POST", "/v1/am/accounts", body)["accountId"], email


async def _fill(folder: Path, accounts: list[tuple[int, str]], days: int, events: int) -> None:
    """Events of half an hour, spread over the days, into the sandbox's own file."""
    provider = SandboxProvider(ProviderSettings(folder))
    grant = {"linkedAt": datetime.now(UTC).isoformat(), "empty": True}
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for number, (account, email) in enumerate(accounts):
        session = await provider.open(Mailbox(key=account, version=1, email=email, grant=grant))
        assert session.calendars is not None and session.events is not None
        texts = [_text(start + timedelta(minutes=at * days * 1440 // events + number * 15)) for at in range(events)]
        _put(session.events, await session.calendars.primary(), texts)
    await provider.close()


def _text(begins: datetime) -> tuple[str, bytes]:
    """(UID, iCalendar text) of half an hour."""
    uid, ends = f"{uuid4()}@bench", begins + timedelta(minutes=30)
    when = [f"DTSTART;TZID={_ZONE}:{begins:%Y%m%dT%H%M%S}", f"DTEND;TZID={_ZONE}:{ends:%Y%m%dT%H%M%S}"]
    event = ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *when, "SUMMARY:Busy", "END:VEVENT"]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:bench", *event, "END:VCALENDAR", ""]
    return uid, "\r\n".join(lines).encode()


def _put(events: object, calendar: str, texts: list[tuple[str, bytes]]) -> None:
    """All in one transaction: one each would wait for the disk."""
    assert isinstance(events, SandboxEvents)
    with events.changing() as cabinet:
        for uid, text in texts:
            cabinet.add(calendar, uid, text)


def _book(gateway: Gateway, path: str, slot: dict[str, Any]) -> Any:
    return gateway.call("POST", f"{path}/meeting", {"time": {"start": slot["start"], "end": slot["end"]}})


def _report(name: str, ask: Callable[[], Any]) -> None:
    size, took = len(json.dumps(ask())), []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        ask()
        took.append((time.perf_counter() - started) * 1000)
    p95 = statistics.quantiles(took, n=20)[-1]
    print(f"{name:<56}median {statistics.median(took):>7.1f} ms   p95 {p95:>7.1f} ms   {size} octets", flush=True)
