"""The verb `changes`: whoever applies what it tells, and nothing else, has what the lists have."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from providers.base.collection import Change, Delta, Ref, verbs
from providers.base.errors import CursorExpired, NotFound
from providers.base.ports import MessageQuery
from providers.base.provider import Session
from schemas.mail import EmailMessage, UpdateMessageStatusData
from tests.conformance.backends import ANSWERED, DRAFT, FLAGGED, SEEN, Subject
from tests.conformance.messages import at, folder_id, listed, source

pytestmark = pytest.mark.anyio
PORT = "messages"

EVERYTHING = MessageQuery(include_trash_and_junk=True)
READ = UpdateMessageStatusData(unread=False)


@dataclass
class Follower:
    """Applies deltas; `last` are those of the last round."""

    session: Session
    parent: str | None = None
    query: MessageQuery = field(default_factory=MessageQuery)
    cursor: str | None = None
    known: dict[str, Change] = field(default_factory=dict)
    last: list[Delta] = field(default_factory=list)

    async def follow(self) -> tuple[set[str], set[str]]:
        """The ids that changed and those that went."""
        assert self.session.messages
        self.last = []
        while not self.last or self.last[-1].more:
            delta = await self.session.messages.changes(self.parent, self.cursor, self.query)
            self.last.append(delta)
            self.cursor = delta.cursor
            self.known |= {change.id: change for change in delta.changed}
            for gone in delta.removed:
                self.known.pop(gone, None)
        changed = {change.id for delta in self.last for change in delta.changed}
        return changed, {gone for delta in self.last for gone in delta.removed}

    async def agrees(self) -> bool:
        """Whether it knows exactly what the list has; Message-IDs, where the provider tells any."""
        told = any(change.identity for change in self.known.values())
        records = {record.id: record for record in await listed(self.session, EVERYTHING, self.parent)}
        return self.known.keys() == records.keys() and all(
            change.parent == records[item].folder_id
            and change.identity == (records[item].internet_message_id if told else None)
            for item, change in self.known.items()
        )


@pytest.fixture(autouse=True)
def claimed(box: Subject) -> None:
    """A provider may lack the verb; `matrix.json` says that none loses it."""
    if "changes" not in verbs(box.session.messages):
        pytest.skip("the provider tells no changes")


@pytest.fixture
async def follower(box: Subject) -> AsyncIterator[Follower]:
    yield Follower(box.session)


async def filled(box: Subject) -> dict[str, EmailMessage]:
    """A message in each of five folders; the records by subject."""
    for number, folder in enumerate(("inbox", "inbox", "archive", "trash", "junk", "Work/2026")):
        await box.inject(source(f"n{number}"), folder, [SEEN] if number % 2 else [], at(number))
    return {record.subject or "": record for record in await listed(box.session, EVERYTHING)}


async def test_the_first_listing_is_everything(box: Subject, follower: Follower) -> None:
    records = await filled(box)
    changed, removed = await follower.follow()
    assert changed == {record.id for record in records.values()} and len(changed) == 6
    assert not removed and await follower.agrees()
    assert await follower.follow() == (set(), set())
    again = Follower(box.session)
    await again.follow()
    assert again.known == follower.known, "versions are the same for everybody"


async def test_an_empty_mailbox(follower: Follower) -> None:
    assert await follower.follow() == (set(), set())
    assert await follower.follow() == (set(), set())


async def test_what_comes_later(box: Subject, follower: Follower) -> None:
    await filled(box)
    await follower.follow()
    await box.inject(source("old mail, imported", message_id="<import@suite.example>"), "Imported", [], at(-90_000))
    await box.inject(source("new"))
    changed, removed = await follower.follow()
    assert len(changed) == 2 and not removed
    identities = {follower.known[one].identity for one in changed}
    assert identities == {None} if box.lacks("identity") else identities > {"<import@suite.example>"}
    assert await follower.agrees()


@pytest.mark.parametrize("patch", [READ, UpdateMessageStatusData(keywords=["work"])])
async def test_flags_and_keywords(box: Subject, follower: Follower, patch: UpdateMessageStatusData) -> None:
    message = (await filled(box))["n0"]
    await follower.follow()
    versions = {follower.known[message.id].version}
    await box.session.messages.update(Ref(message.id), patch)
    assert await follower.follow() == ({message.id}, set())
    versions.add(follower.known[message.id].version)
    assert len(versions) == 2 and await follower.agrees()
    await box.session.messages.update(Ref(message.id), patch)
    assert await follower.follow() == (set(), set()), "what is so already is no change"


async def test_a_move_to_the_trash_is_seen_and_the_end_too(box: Subject, follower: Follower) -> None:
    message = (await filled(box))["n0"]
    await follower.follow()
    await box.session.messages.delete(Ref(message.id))
    changed, removed = await follower.follow()
    [moved] = changed
    assert removed <= {message.id} and await follower.agrees()
    assert follower.known[moved].parent == await folder_id(box.session, "trash")
    assert box.lacks("identity") or follower.known[moved].identity == message.internet_message_id
    await box.session.messages.delete(Ref(moved))
    assert await follower.follow() == (set(), {moved})
    assert await follower.agrees()


async def test_archiving_and_reading_at_once(box: Subject, follower: Follower) -> None:
    message = (await filled(box))["n0"]
    await follower.follow()
    patch = UpdateMessageStatusData(archived=True, unread=False)
    moved = await box.session.messages.update(Ref(message.id), patch)
    changed, _ = await follower.follow()
    assert changed == {moved.id} and await follower.agrees()


async def test_a_message_with_a_new_id_is_known_by_its_kin(box: Subject, follower: Follower) -> None:
    """Whoever changes ids says which message is which; none but that one is like it."""
    message = (await filled(box))["n0"]
    await follower.follow()
    before = dict(follower.known)
    moved = await box.session.messages.update(Ref(message.id), UpdateMessageStatusData(archived=True))
    await follower.follow()
    if moved.id != message.id:
        kin = before[message.id].kin
        assert kin and [change.id for change in follower.known.values() if change.kin == kin] == [moved.id]
        assert [change.id for change in before.values() if change.kin == kin] == [message.id]


async def test_what_notifications_say(box: Subject, follower: Follower) -> None:
    """Drafts are named as such by their folder or flag; a conversation, where it is named, is the record's."""
    await filled(box)
    await box.inject(source("stored"), "draft")
    await box.inject(source("flagged"), "inbox", [DRAFT])
    records = {record.id: record for record in await listed(box.session, EVERYTHING)}
    await follower.follow()
    assert follower.known.keys() == records.keys()
    for item, record in records.items():
        said = follower.known[item].attributes or {}
        assert said.keys() <= {"threadId", "draft"}
        assert bool(said.get("draft")) is (record.subject in ("stored", "flagged"))
        assert said.get("threadId", record.thread_id) == record.thread_id


async def test_removed_behind_our_back(box: Subject, follower: Follower) -> None:
    gone = source("gone", message_id="<gone@suite.example>")
    await box.inject(gone, flags=[FLAGGED, ANSWERED])
    [message] = [record.id for record in await listed(box.session)]
    await filled(box)
    await follower.follow()
    assert box.lacks("identity") or follower.known[message].identity == "<gone@suite.example>"
    await box.expunge("inbox", gone)
    assert await follower.follow() == (set(), {message})
    assert await follower.agrees()


async def test_an_old_cursor_leads_to_the_same_state(box: Subject, follower: Follower) -> None:
    records = await filled(box)
    await follower.follow()
    late = Follower(box.session, cursor=follower.cursor, known=dict(follower.known))
    await box.session.messages.update(Ref(records["n0"].id), READ)
    await follower.follow()
    await box.session.messages.delete(Ref(records["n1"].id))
    await box.inject(source("new"))
    await follower.follow()
    await late.follow()
    assert late.known == follower.known and await late.agrees()
    fresh = Follower(await box.reopened(), cursor=follower.cursor, known=dict(follower.known))
    assert await fresh.follow() == (set(), set()), "a new session goes on from the cursor"


@pytest.mark.parametrize("limit", [1, 3, 5])
async def test_in_small_portions(box: Subject, follower: Follower, limit: int) -> None:
    records = await filled(box)
    box.session.messages.changes_at_once = limit
    await follower.follow()
    assert await follower.agrees() and len(follower.last) == -(-6 // limit)
    assert all(0 < len(delta.changed) <= limit for delta in follower.last)
    for subject in ("n0", "n1"):
        await box.session.messages.update(Ref(records[subject].id), UpdateMessageStatusData(keywords=["k"]))
    for subject in ("n2", "n3", "n4"):
        await box.session.messages.delete(Ref(records[subject].id))
    for number in range(4):
        await box.inject(source(f"later {number}"), "Later")
    await follower.follow()
    assert await follower.agrees()
    assert all(len(delta.changed) + len(delta.removed) <= limit for delta in follower.last)


async def test_between_two_portions_things_go_on_changing(box: Subject) -> None:
    records = await filled(box)
    box.session.messages.changes_at_once = 2
    first = await box.session.messages.changes(None, None, MessageQuery())
    assert first.more
    told = [change.id for change in first.changed]
    await box.session.messages.update(Ref(told[0]), UpdateMessageStatusData(keywords=["k"]))
    for record in records.values():
        if record.id not in told:
            await box.session.messages.delete(Ref(record.id))
    follower = Follower(box.session, cursor=first.cursor, known={change.id: change for change in first.changed})
    before = follower.known[told[0]].version
    await follower.follow()
    assert await follower.agrees() and follower.known[told[0]].version != before


async def test_older_messages_are_left_out(box: Subject) -> None:
    await filled(box)
    follower = Follower(box.session, query=MessageQuery(received_since=at(3)))
    changed, _ = await follower.follow()
    assert len(changed) == 3
    old = {record.id for record in await listed(box.session, EVERYTHING)} - changed
    for message in sorted(old)[:2]:
        await box.session.messages.update(Ref(message), UpdateMessageStatusData(keywords=["k"]))
    await box.inject(source("imported"), "inbox", [], at(2))
    assert await follower.follow() == (set(), set())
    known = dict(follower.known)
    follower.query = MessageQuery(received_since=at(5))
    assert await follower.follow() == (set(), set()), "a message that only ages is no removal"
    [aged, *_] = [record for record in await listed(box.session, EVERYTHING) if record.received_at == at(3)]
    await box.session.messages.delete(Ref(aged.id))  # which lies in the trash
    assert await follower.follow() == (set(), {aged.id})
    assert follower.known.keys() == known.keys() - {aged.id}


async def test_one_folder(box: Subject) -> None:
    records = await filled(box)
    inbox = await folder_id(box.session, "inbox")
    follower = Follower(box.session, parent=inbox)
    assert await follower.follow() == ({records["n0"].id, records["n1"].id}, set())
    await box.session.messages.update(Ref(records["n0"].id), UpdateMessageStatusData(archived=True))
    await box.inject(source("elsewhere"), "archive")
    changed, removed = await follower.follow()
    assert not changed and records["n0"].id in removed
    assert await follower.agrees()
    with pytest.raises(NotFound):
        await box.session.messages.changes("nothing", None, MessageQuery())


@pytest.mark.parametrize("garbage", ["", "x", "é", "0", "c1.999999.0", "A" * 5000, '{"a":1}'])
async def test_a_cursor_that_never_was(box: Subject, garbage: str) -> None:
    with pytest.raises(CursorExpired):
        await box.session.messages.changes(None, garbage, MessageQuery())


async def test_a_damaged_cursor(box: Subject, follower: Follower) -> None:
    await filled(box)
    await follower.follow()
    assert follower.cursor
    with pytest.raises(CursorExpired):
        await box.session.messages.changes(None, follower.cursor[:-4], MessageQuery())


async def test_a_cursor_is_text_that_a_database_takes(box: Subject, follower: Follower) -> None:
    await filled(box)
    await follower.follow()
    assert follower.cursor and follower.cursor.isascii() and follower.cursor.isprintable()
    assert len(follower.cursor) < 1000
