"""Availability minute by minute: as naive as can be, and sharing nothing with the code that it judges but its inputs.

It asks `zoneinfo` what the clock shows at every single minute. Zones whose offset is no whole minute, and hours, limits
and `within` that are no whole minutes, are not for it; events may begin and end at any second.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.services.availability.hours import Hours
from gateway.services.availability.members import Member, MemberId
from gateway.services.availability.roster import Required, Roster
from gateway.services.availability.rules import Rules

Span = tuple[int, int]
ONE = timedelta(minutes=1)


@lru_cache(maxsize=400_000)
def shown(zone: ZoneInfo, minute: int) -> datetime:
    """What the clock shows at a minute since 1970."""
    return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def at_work(hours: Hours, minute: int) -> bool:
    wall = shown(hours.zone, minute)
    for back in (0, 1):  # intervals of today, then what reaches over midnight
        day, seconds = wall.date() - timedelta(days=back), (wall.hour * 60 + wall.minute + back * 1440) * 60
        dated = [each.hours for each in hours.dates if each.first <= day <= each.last]
        intervals = [pair for each in dated for pair in each] if dated else list(hours.week[day.weekday()])
        if any(start <= seconds < end for start, end in intervals):
            return True
    return False


def touched(spans: Sequence[Span], buffer: int) -> set[int]:
    """Minutes of which the spans, made longer by some minutes, take a part."""
    return {
        minute for start, end in spans if start < end for minute in range(start // 60 - buffer, -(-end // 60) + buffer)
    }


class Oracle:
    """One question and the minutes that it is about."""

    def __init__(self, rules: Rules, roster: Roster, members: Sequence[Member], window: Span, now: int) -> None:
        self.rules, self.roster, self.now, self.window = rules, roster, now, window
        self.minutes = range(-(-window[0] // 60), -(-window[1] // 60))
        self.span = range(self.minutes.start, self.minutes.stop + rules.duration_minutes)
        self.last = self._last()
        given = {member.id: member for member in members}
        dark = [(window[0] - 86_400, window[1] + 86_400)]  # nothing is known about whom nobody told of
        everyone = [given.get(each) or Member(each, unknown=dark) for each in self.everyone()]
        self.blocked = {member.id: self._blocked(member) for member in everyone}

    def _last(self) -> int | None:
        ends = [] if self.rules.end is None else [self.rules.end]
        if (length := self.rules.available_for) is not None:
            assert not length.months
            start = max(self.now, self.rules.start if self.rules.start is not None else self.now) // 60
            target, minute = shown(self.rules.zone, start) + timedelta(days=length.days), start
            while shown(self.rules.zone, minute) < target:
                minute += 1
            gap = shown(self.rules.zone, minute) - target  # what the clock has skipped behind the target
            before = shown(self.rules.zone, minute - 1) + ONE
            moment = minute if not gap else minute + (target - before) // ONE
            ends.append((moment if length.days else start) * 60 + length.seconds)
        return min(ends, default=None)

    def _blocked(self, member: Member) -> dict[str, set[int]]:
        free, buffer = self.rules.free_statuses, self.rules.buffer_minutes
        busy = [(e.start, e.end) for e in member.events if e.status not in free and e.status != "unknown"]
        unseen = [(e.start, e.end) for e in member.events if e.status == "unknown"]
        hours = [each for each in (self.rules.hours, member.hours) if each is not None]
        shut = {m for m in self.span if not all(at_work(each, m) for each in hours)}
        if member.within is not None:
            shut |= {m for m in self.span if not any(a <= m * 60 and m * 60 + 60 <= b for a, b in member.within)}
        return {
            "event": touched(busy, 0),
            "buffer": touched(busy, buffer),
            "unknown": touched([*unseen, *member.unknown], buffer),
            "rule": shut,
        }

    def kinds(self, who: MemberId, minute: int) -> set[str]:
        """What blocks the slot that starts at a minute for a member."""
        slot = range(minute, minute + self.rules.duration_minutes)
        found = {kind for kind, minutes in self.blocked[who].items() if any(m in minutes for m in slot)}
        return found - {"buffer"} if "event" in found else found

    def general(self, minute: int) -> set[str]:
        start, end = minute * 60, (minute + self.rules.duration_minutes) * 60
        found = {"notice"} if start < self.now + self.rules.start_after_minutes * 60 else set()
        early = self.rules.start is not None and start < self.rules.start
        return found | {"rule"} if early or (self.last is not None and end > self.last) else found

    def able(self, free: set[MemberId]) -> tuple[set[MemberId], tuple[str, ...]] | None:
        """Who can hold the meeting, as the roster's sentences say it."""
        votes, who, groups = [], set(), []
        for member in self.roster.members:
            votes.append(member in free)
            who |= {member} & free
        for group in self.roster.groups:
            those = [member in free for member in group.members]
            votes.append(any(those) if group.required == Required.ONE else bool(those) and all(those))
            if votes[-1]:
                groups.append(group.id)
                who |= set(group.members) & free
        good = any(votes) if self.roster.required == Required.ONE else bool(votes) and all(votes)
        return (who, tuple(groups)) if good else None

    def everyone(self) -> set[MemberId]:
        return {*self.roster.members, *(member for group in self.roster.groups for member in group.members)}

    def candidates(self) -> Iterator[int]:
        return (m for m in self.minutes if shown(self.rules.zone, m).minute % self.rules.step_minutes == 0)

    def slots(self) -> dict[int, tuple[set[MemberId], tuple[str, ...]]]:
        """Start -> who can hold it."""
        found = {}
        for minute in self.candidates():
            free = {each for each in self.everyone() if not self.kinds(each, minute)}
            if not self.general(minute) and (able := self.able(free)) is not None:
                found[minute * 60] = able
        return found

    def refusals(self) -> dict[int, set[tuple[str, MemberId | None]]]:
        """Start -> kinds and whom they hold for."""
        offered = self.slots()
        found = {}
        for minute in self.candidates():
            if minute * 60 not in offered:
                single = {(kind, each) for each in self.everyone() for kind in self.kinds(each, minute)}
                general = {(kind, None) for kind in self.general(minute)}
                found[minute * 60] = general | single or {("rule", None)}
        return found

    def gaps(self) -> list[datetime]:
        """Wall times on the grid that no minute shows, where the jump is a minute of the window."""
        zone, step, found = self.rules.zone, self.rules.step_minutes, []
        for minute in self.minutes:
            wall, after = shown(zone, minute - 1) + ONE, shown(zone, minute)
            while wall < after:
                found += [wall] if wall.minute % step == 0 else []
                wall += ONE
        return found
