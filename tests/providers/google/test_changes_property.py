"""Whoever follows changes ends with what is there, whatever happens in between, Google's forgetting included."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.base.collection import Ref
from providers.base.errors import CursorExpired
from providers.base.ports import EventQuery, MessageQuery
from providers.base.provider import Mailbox, Session
from providers.google.provider import GoogleProvider
from tests.conformance.agenda import START, at, patched, weekly, written
from tests.conformance.following import Follower
from tests.conformance.messages import listed, source
from tests.servers.google.agenda import Agenda
from tests.servers.google.mailbox import Mail
from tests.servers.google.server import GoogleSimulator
from tests.servers.google.world import User

MAIL = ("add", "read", "star", "label", "unlabel", "archive", "trash", "remove", "draft", "redraft", "forget", "follow")
EVENTS = ("one", "series", "rename", "move", "exception", "cancel", "delete", "forget", "follow")
steps = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 10_000)), min_size=3, max_size=25)
quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Rescued(Follower):
    """Does what the gateway does when a cursor is lost: lists everything, and compares."""

    async def follow(self) -> tuple[set[str], set[str]]:
        try:
            return await super().follow()
        except CursorExpired:
            before, self.known, self.cursor = self.known, {}, None
            await super().follow()
            return {item for item in self.known if before.get(item) != self.known[item]}, before.keys() - self.known


def run(google: GoogleSimulator, tmp_path: Path, story: Callable[[User, Session], Any]) -> None:
    """Each example on a loop, a provider and a user of its own."""

    async def one() -> None:
        provider, user = GoogleProvider(google.settings(tmp_path)), google.world.new_user()
        session = await provider.open(Mailbox(1, 1, user.email, {"access_token": user.token}))
        try:
            await story(user, session)
        finally:
            await provider.close()

    google.plans.clear()
    asyncio.run(one())
    assert google.faults == []


@quick
@given(story=steps)
def test_mail(google: GoogleSimulator, tmp_path: Path, story: list[tuple[int, int]]) -> None:
    async def tell(user: User, session: Session) -> None:
        mail: Mail = user.shelf(Mail)
        session.messages.changes_at_once = 1 + len(story) % 4
        follower = Rescued(session.messages, None, MessageQuery())
        for which, seed in story:
            await happen_to_mail(MAIL[which % len(MAIL)], Random(seed), mail, follower)
        await follower.follow()
        records = await listed(session, MessageQuery(include_trash_and_junk=True))
        assert {item: change.parent for item, change in follower.known.items()} == {
            record.id: record.folder_id for record in records
        }
        fresh = Follower(session.messages, None, MessageQuery())
        await fresh.follow()
        assert fresh.known == follower.known

    run(google, tmp_path, tell)


async def happen_to_mail(what: str, random: Random, mail: Mail, follower: Follower) -> None:
    stored = random.choice(list(mail.messages.values())) if mail.messages else None
    changes = {
        "read": ((), {"UNREAD"}), "star": ({"STARRED"}, ()), "archive": ((), {"INBOX"}),
        "trash": ({"TRASH"}, {"INBOX"}),
    }  # fmt: skip
    if what == "follow":
        await follower.follow()
    elif what == "forget":
        mail.floor = mail.counter
    elif what == "add":
        mail.add(source(f"n{random.random()}"), {"INBOX", "UNREAD"})
    elif what == "draft":
        mail.new_draft(source("draft"))
    elif stored is None or ("DRAFT" in stored.labels and what != "redraft"):
        return
    elif what == "redraft":
        for draft, item in mail.drafts.items():
            mail.drafts[draft] = mail.add(source("again"), {"DRAFT"}, thread=mail.messages[item].thread).id
            mail.remove(item)
    elif what == "remove":
        mail.remove(stored.id)
    elif what in ("label", "unlabel"):
        label = {mail.label(random.choice(["Work", "Work/2026", "Home"]))}
        mail.change(stored, *((label, ()) if what == "label" else ((), label)))
    else:
        mail.change(stored, *changes[what])


@quick
@given(story=steps, windowed=st.booleans())
def test_events(google: GoogleSimulator, tmp_path: Path, story: list[tuple[int, int]], windowed: bool) -> None:
    async def tell(user: User, session: Session) -> None:
        calendar = await session.calendars.primary()
        window = EventQuery(START + timedelta(days=3), START + timedelta(days=20)) if windowed else EventQuery()
        follower = Rescued(session.events, calendar, window)
        for which, seed in story:
            await happen_to_events(EVENTS[which % len(EVENTS)], Random(seed), user.shelf(Agenda), session, follower)
        await follower.follow()
        fresh = Follower(session.events, calendar, window)
        await fresh.follow()
        assert fresh.known == follower.known
        records = await session.events.get_many(calendar, sorted(follower.known))
        assert [record.id for record in records] == sorted(follower.known)

    run(google, tmp_path, tell)


async def happen_to_events(what: str, random: Random, agenda: Agenda, session: Session, follower: Follower) -> None:
    calendar = agenda.calendar("primary")
    alive = [one for one in calendar.events.values() if one["status"] != "cancelled"]
    own = [one for one in alive if "recurringEventId" not in one]
    series = [one for one in own if one.get("recurrence")]
    if what == "follow":
        await follower.follow()
    elif what == "forget":
        calendar.floor = calendar.counter
    elif what == "one":
        await session.events.create(calendar.id, written("one", random.randrange(0, 700)))
    elif what == "series":
        await session.events.create(calendar.id, weekly(start=f"2026-03-{random.randrange(2, 29):02}T09:00"))
    elif what in ("rename", "delete", "move") and own:
        ref = Ref(random.choice(own)["id"], calendar.id)
        if what == "delete":
            await session.events.delete(ref)
        else:
            changed = patched(subject="other") if what == "rename" else patched(start=at(random.randrange(0, 700)))
            await session.events.update(ref, changed)
    elif what in ("exception", "cancel") and series:
        instances = [one for one in calendar.instances(random.choice(series)) if one["status"] != "cancelled"]
        if instances:
            ref = Ref(random.choice(instances)["id"], calendar.id)
            if what == "cancel":
                await session.events.delete(ref)
            else:
                await session.events.update(ref, patched(start=at(random.randrange(0, 900))))


@pytest.fixture(autouse=True)
def planless(google: GoogleSimulator) -> None:
    google.plans.clear()
