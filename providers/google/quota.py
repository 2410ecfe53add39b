"""What calls cost, and pacing ahead of Google's own limits, per user and per project.

Gmail counts units (the table of May 2026), the others calls. A registration's options name other limits than those of
new projects: `gmailUnitsPerUser`, `gmailUnitsPerProject`, `calendarCallsPerUser`, ... all per minute.
https://developers.google.com/workspace/gmail/api/reference/quota
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from providers.base.errors import RateLimited

_MINUTE = 60.0
_PATIENCE = 20.0  # seconds that a call waits for its turn; longer, and the caller is told when to come again
_KEPT = 20_000  # allowances that are remembered; older ones have filled up long since
_COSTS: Mapping[str, int] = {
    "gmail.users.messages.send": 100,
    "gmail.users.drafts.send": 100,
    "gmail.users.watch": 100,
    "gmail.users.messages.batchModify": 50,
    "gmail.users.messages.batchDelete": 50,
    "gmail.users.stop": 50,
    "gmail.users.threads.get": 40,
    "gmail.users.messages.insert": 25,
    "gmail.users.messages.import": 25,
    "gmail.users.messages.get": 20,
    "gmail.users.drafts.get": 20,
    "gmail.users.messages.attachments.get": 20,
    "gmail.users.messages.trash": 20,
    "gmail.users.drafts.update": 15,
    "gmail.users.messages.delete": 10,
    "gmail.users.drafts.create": 10,
    "gmail.users.drafts.delete": 10,
    "gmail.users.messages.list": 5,
    "gmail.users.drafts.list": 5,
    "gmail.users.messages.modify": 5,
    "gmail.users.messages.untrash": 5,
    "gmail.users.labels.create": 5,
    "gmail.users.labels.update": 5,
    "gmail.users.labels.delete": 5,
    "gmail.users.history.list": 2,
}


def cost(method: str) -> int:
    """The units of a method of the discovery documents; 1 for what the table does not name."""
    return _COSTS.get(method, 1)


@dataclass(frozen=True, slots=True)
class _Limit:
    option: str
    per_minute: int


_PER_USER: Mapping[str, _Limit] = {
    "gmail": _Limit("gmailUnitsPerUser", 6_000),
    "calendar": _Limit("calendarCallsPerUser", 600),
    "people": _Limit("peopleCallsPerUser", 90),
    "tasks": _Limit("tasksCallsPerUser", 600),
}
_PER_PROJECT: Mapping[str, _Limit] = {
    "gmail": _Limit("gmailUnitsPerProject", 1_200_000),
    "calendar": _Limit("calendarCallsPerProject", 10_000),
}


class _Bucket:
    """A minute's allowance that refills steadily."""

    def __init__(self, per_minute: float) -> None:
        self.size = self._left = per_minute
        self._at = time.monotonic()

    def missing(self, units: float) -> float:
        """Seconds until so many units are there beside those that others wait for, 0 when they are."""
        now = time.monotonic()
        self._left = min(self.size, self._left + (now - self._at) * self.size / _MINUTE)
        self._at = now
        return max(0.0, (min(units, self.size) - self._left) * _MINUTE / self.size)

    def take(self, units: float) -> None:
        """Take them, or the first that there will be; less than none gives them back."""
        self._left -= units


class Pace:
    """The allowances of all users and projects that this process works for."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    async def turn(self, method: str, user: str, project: str, options: Mapping[str, str]) -> None:
        """Wait until the call fits both allowances, each in the order of asking. Raises `RateLimited` when that is
        long."""
        buckets = [
            self._bucket((limit.option, whose), limit, options)
            for limits, whose in ((_PER_USER, f"{project} {user}"), (_PER_PROJECT, project))
            if (limit := limits.get(method.partition(".")[0])) is not None
        ]
        units = cost(method)
        wait = max((bucket.missing(units) for bucket in buckets), default=0.0)
        if wait > _PATIENCE:
            raise RateLimited("this account's quota at Google is used up for now", retry_after=wait)
        for bucket in buckets:
            bucket.take(units)
        if wait:
            await _asleep(wait, units, buckets)

    def _bucket(self, key: tuple[str, str], limit: _Limit, options: Mapping[str, str]) -> _Bucket:
        found = self._buckets.get(key)
        if found is None:
            for old in list(self._buckets)[: _KEPT // 2] if len(self._buckets) >= _KEPT else ():
                del self._buckets[old]
            given = options.get(limit.option, "")
            found = self._buckets[key] = _Bucket(float(given) if given.isdigit() and int(given) else limit.per_minute)
        return found


async def _asleep(wait: float, units: int, buckets: Sequence[_Bucket]) -> None:
    """Wait for what was taken ahead; who goes away gives it back."""
    try:
        await asyncio.sleep(wait)
    except asyncio.CancelledError:
        for bucket in buckets:
            bucket.take(-units)
        raise
