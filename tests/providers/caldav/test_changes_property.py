"""Any history on real servers: whoever applies the deltas has what the server has, versions included."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from providers.base.errors import CursorExpired
from providers.base.ports import EventQuery
from providers.base.provider import ProviderSettings
from providers.caldav import changes, cursor, paths
from providers.caldav.cursor import Position
from providers.caldav.provider import CaldavProvider
from providers.formats.ical.occurrences import between, modified
from providers.formats.ical.resource import resources
from tests.providers.caldav.conftest import Desk, moment, opened
from tests.providers.caldav.test_changes import apply, poor
from tests.servers.dav import DavServer

NAMES = st.sampled_from(["a", "d e", "é@f+"])
DAYS = st.sampled_from([f"2026-03-{number:02}" for number in range(1, 29)] + ["2025-01-10", "2027-05-05"])
WINDOWS = st.sampled_from([("2026-03-01", "2026-04-01"), ("2026-03-10", "2026-03-12"), ("2026-03-01", "2028-01-01")])
COUNTS = st.sampled_from([1, 3, 5])
MOVED = st.dictionaries(st.integers(0, 4), DAYS, max_size=2)
KEYS = st.sets(st.integers(0, 4), max_size=3)


def text(name: str, day: str, count: int, moved: dict[int, str], gone: set[int], title: int) -> str:
    """A resource: an event, or a daily series with occurrences that were moved to other days or taken out."""
    start = day.replace("-", "")
    first = int(start[6:])
    planned = {number: f"{start[:6]}{first + number:02}T090000Z" for number in range(min(count, 28 - first))}
    lines = [f"UID:{name}", "DTSTAMP:20260101T000000Z", f"DTSTART:{start}T090000Z", "DURATION:PT1H", f"SUMMARY:{title}"]
    rules = [f"RRULE:FREQ=DAILY;COUNT={count}", *(f"EXDATE:{planned[one]}" for one in gone if one in planned)]
    events = [[*lines, *(rules if count > 1 else [])]]
    for number, day_ in moved.items():
        if count > 1 and number in planned and number not in gone:
            when = day_.replace("-", "")
            events.append(
                [lines[0], lines[1], f"RECURRENCE-ID:{planned[number]}", f"DTSTART:{when}T120000Z", f"SUMMARY:{title}"]
            )
    bodies = "".join("BEGIN:VEVENT\n" + "\n".join(event) + "\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{bodies}END:VCALENDAR\n"


class History(RuleBasedStateMachine):
    """`put` and `delete` are another program's; two consumers follow, one of them a window that may grow."""

    server: DavServer
    without_tokens: bool

    @initialize(window=WINDOWS)
    def open(self, window: tuple[str, str]) -> None:
        self.runner = asyncio.Runner()
        config = ProviderSettings(Path(tempfile.gettempdir()), allow_private_networks=True)
        self.server.front.reset()
        self.provider, self.desk = self.runner.run(self._opened(config))
        if self.without_tokens:
            poor(self.desk)
        self.window = (moment(window[0]), moment(window[1]))
        self.cursors: list[str | None] = [None, None]
        self.known: list[dict[str, str]] = [{}, {}]
        self.bookmarks: list[tuple[list[str | None], list[dict[str, str]]]] = []
        self.count = 0

    async def _opened(self, config: ProviderSettings) -> tuple[CaldavProvider, Desk]:
        provider = CaldavProvider(config)
        return provider, await opened(provider, self.server)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.follow(2000)
            self.runner.run(self.provider.close())
            self.runner.close()

    @rule(name=NAMES, day=DAYS, count=COUNTS, moved=MOVED, gone=KEYS)
    def put(self, name: str, day: str, count: int, moved: dict[int, str], gone: set[int]) -> None:
        self.count += 1
        body = text(name, day, count, moved, set(sorted(gone)[: count - 1]), self.count)
        self.runner.run(self.desk.put(self._file(name), body))

    @rule(name=NAMES, day=DAYS, moved=MOVED, gone=KEYS, portion=st.sampled_from([1, 500]))
    def put_and_follow(self, name: str, day: str, moved: dict[int, str], gone: set[int], portion: int) -> None:
        self.put(name, day, 5, moved, gone)
        self.follow(portion)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        files = self.desk.session._account.calendars
        assert files is not None
        url = files.url(paths.path_of(self.desk.calendar) + self._file(name))
        self.runner.run(self.desk.session._account.dav.send("DELETE", url))

    def _file(self, name: str) -> str:
        return paths.canonical(f"/{name}.ics")[1:]

    @rule(what=st.sampled_from(["restart", "forget_token", "grow", "bookmark", "go_back"]))
    def upset(self, what: str) -> None:
        getattr(self, f"_{what}")()

    def _restart(self) -> None:
        """The adapter remembers nothing but the cursor."""
        self.desk.session = self.runner.run(self.provider.open(self.desk.mailbox))

    def _forget_token(self) -> None:
        for number, text_ in enumerate(self.cursors):
            positions: dict[str, Position] = cursor.read(text_) if text_ else {}
            for position in positions.values():
                position.token = position.token and "http://example.org/forgotten"
            self.cursors[number] = cursor.write(positions) if positions else None

    def _grow(self) -> None:
        last = "2026-05-01" if self.window[1] < moment("2026-05-01") else "2028-01-01"
        self.window = (self.window[0], max(self.window[1], moment(last)))

    def _bookmark(self) -> None:
        self.bookmarks.append((list(self.cursors), [dict(one) for one in self.known]))

    def _go_back(self) -> None:
        """As after a backup was restored."""
        if self.bookmarks:
            self.cursors, self.known = self.bookmarks.pop()

    @rule(portion=st.sampled_from([1, 2, 500]))
    def follow(self, portion: int) -> None:
        changes.AT_ONCE = portion
        try:
            for number in (0, 1):
                self._follow(number)
        finally:
            changes.AT_ONCE = 500
        truth = self.runner.run(self._truth())
        assert self.known[0] == {item: version for item, (version, _) in truth.items()}
        assert self.known[1] == {item: version for item, (version, inside) in truth.items() if inside}
        found = self.runner.run(self.desk.events.get_many(self.desk.calendar, sorted(truth)))
        assert {one.id: one.etag for one in found} == self.known[0]

    def _follow(self, number: int) -> None:
        query = EventQuery(*self.window) if number else EventQuery()
        for _ in range(200):
            try:
                delta = self.runner.run(self.desk.events.changes(self.desk.calendar, self.cursors[number], query))
            except CursorExpired:
                self.cursors[number], self.known[number] = None, {}
                continue
            apply(self.known[number], delta)
            self.cursors[number] = delta.cursor
            if not delta.more:
                return
        raise AssertionError("it never ends")

    async def _truth(self) -> dict[str, tuple[str, bool]]:
        """Read resource by resource, past the adapter's memory."""
        files = self.desk.session._account.calendars
        assert files is not None
        found = {}
        for path in await files.etags(paths.path_of(self.desk.calendar)):
            file = await files.get(path)
            [resource] = resources(file.data)
            first, last = self.window
            inside = next(between(resource, first, last), None) is not None
            found[paths.item_id(path)] = (file.version, inside)
            for one in modified(resource):
                inside = one.span.end.moment > first and one.span.start.moment < last
                found[f"{paths.item_id(path)}_{one.key}"] = (file.version, inside)
        return found


@pytest.mark.parametrize("without_tokens", [False, True], ids=["tokens", "etags"])
def test_any_history(dav_server: DavServer, without_tokens: bool) -> None:
    class Here(History):
        server = dav_server

    Here.without_tokens = without_tokens
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=8,
            stateful_step_count=25,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking on real servers takes for ever
            suppress_health_check=list(HealthCheck),
        ),
    )
