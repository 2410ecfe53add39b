"""The computation of availability alone, from what was read of the calendars: no database, no provider, no HTTP.

`python -m bench availability`
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from gateway.services.availability.clock import moment
from gateway.services.availability.explain import refusals
from gateway.services.availability.hours import Hours, day_hours, week
from gateway.services.availability.members import Event, Member
from gateway.services.availability.roster import Required, Roster
from gateway.services.availability.rules import Rules
from gateway.services.availability.slots import slots
from gateway.services.availability.suggest import Attendee, Search, suggested

_ROUNDS = 200
_DAY = 86_400
_NOW = moment(datetime(2026, 3, 23, 7, tzinfo=UTC))  # a week before the clocks are changed in Europe
_ZONES = tuple(map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Europe/London")))


def main() -> None:
    """Print a line for each question."""
    for people, days in ((30, 14), (100, 28)):
        members, window = _members(people, days), (_NOW, _NOW + days * _DAY)
        name = f"{people} people x {days} days x {len(members[0].events)} events"
        for required in Required:
            roster = Roster(required, tuple(range(people)))
            _report(f"{name}, {required}", partial(slots, _rules(15), roster, members, window, _NOW))
        anybody = Roster(Required.ONE, tuple(range(people)))
        _report(f"{name}, one, 5 min steps", partial(slots, _rules(5), anybody, members, window, _NOW))
        _report(f"{name}, explained", partial(refusals, _rules(15), roster, members, window, _NOW), _ROUNDS // 10)
        attendees = [Attendee(member.events, hours=member.hours) for member in members]
        search = Search(window, 30, _ZONES[0], step_minutes=15, buffer_minutes=5)
        _report(f"{name}, suggested", partial(suggested, search, attendees))


def _rules(step: int) -> Rules:
    return Rules(_ZONES[0], 30, step, buffer_minutes=5)


def _members(people: int, days: int) -> list[Member]:
    """People in four zones with hours of their own and 200 events each, in no order, some of which overlap."""
    generator = random.Random(4)
    return [Member(number, _events(generator, days), _hours(number)) for number in range(people)]


def _events(generator: random.Random, days: int) -> list[Event]:
    starts = [_NOW + generator.randrange(days * 96) * 900 for _ in range(200)]
    return [
        Event(
            start, start + generator.choice((900, 1800, 3600)), generator.choice(("busy", "busy", "tentative", "free"))
        )
        for start in starts
    ]


def _hours(number: int) -> Hours:
    working = [day_hours("09:00:00", "12:00:00"), day_hours("13:00:00", f"{17 + number % 3}:00:00")]
    return Hours(_ZONES[number % len(_ZONES)], week(dict.fromkeys(range(5), working)))


def _report(name: str, question: Callable[[], list[object]], rounds: int = _ROUNDS) -> None:
    wall, cpu = [], []
    answers = len(question())
    for _ in range(rounds):
        started, spent = time.perf_counter(), time.process_time()
        question()
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - spent)
    print(f"{name:<56}{_figures(wall)}   cpu {_figures(cpu)}   {answers} answers", flush=True)


def _figures(seconds: list[float]) -> str:
    seconds.sort()
    p50, p95 = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.95)]
    return f"p50 {1000 * p50:>6.1f} ms  p95 {1000 * p95:>6.1f} ms"
