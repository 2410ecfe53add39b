"""Items that the provider calls otherwise than before: what streams tell, and which ids are understood."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from gateway.positions import Branch
from gateway.services.applications import Applications
from gateway.store.aliases import Aliases, Name
from gateway.store.database import Database
from gateway.store.deltas import Deltas
from gateway.store.quarantine import PATIENCE, Quarantine
from gateway.store.streams import Stream, Streams
from gateway.store.vault import Vault
from providers.base.collection import Change
from tests.gateway.services.followers import new_account

pytestmark = pytest.mark.anyio
PORT = "messages"


def mail(native: str, kin: str, version: str = "1", parent: str = "inbox", identity: str | None = "<m@x>") -> Change:
    """A message; what it is, `kin` says."""
    return Change(native, version, parent, identity, kin)


@dataclass
class Log:
    """A stream that is written to, and what it tells."""

    database: Database
    stream: Stream
    step: int = 0

    async def pull(self, *changed: Change, removed: Sequence[str] = (), more: bool = False) -> "Told":
        """Apply one delta; what it told."""
        self.step += 1
        before = self.stream.sequence
        cursor = f"c{self.step}"
        self.stream = await Deltas(self.database).apply(self.stream, changed, removed, cursor, more=more)
        return await self.told(before)

    async def relist(self, *listed: Change) -> "Told":
        """Apply a listing after a lost cursor."""
        self.step += 1
        before = self.stream.sequence
        self.stream = await Deltas(self.database).replace(self.stream, listed, f"c{self.step}")
        return await self.told(before)

    async def told(self, after: int = 0) -> "Told":
        """What consumers are told above a sequence: ids of the two branches."""
        streams = Streams(self.database)
        live, gone = [
            await streams.items(self.stream.id, branch, after, self.stream.sequence, 10_000) for branch in Branch
        ]
        return [item.id for item in live], [item.id for item in gone]

    async def native(self, item: str) -> str:
        """What the account calls an item now."""
        return (await self.names(item))[item].native

    async def names(self, *items: str) -> dict[str, Name]:
        return dict(await Aliases(self.database).names(self.stream.account_id, PORT, items))

    async def shown(self, *natives: str) -> dict[str, str]:
        """The ids that lists show."""
        found = await Aliases(self.database).shown(self.stream.account_id, PORT, natives)
        return {native: found.get(native, native) for native in natives}

    async def moved(self, item: str, native: str) -> str:
        """The gateway itself moved an item; the id to show."""
        name = (await self.names(item))[item]
        return await Aliases(self.database).rename(self.stream.account_id, PORT, name, native)

    async def rows(self) -> dict[str, str]:
        """The items that are there: id -> what the stream thinks the provider calls it."""
        query = "select item_id, coalesce(native, item_id) from stream_item where stream_id = :id and not removed"
        async with self.database.read() as session:
            return {row[0]: row[1] for row in await session.execute(sa.text(query), {"id": self.stream.id})}

    async def aliases(self) -> set[tuple[str, str, bool]]:
        query = "select id, native, canonical from item_alias where account_id = :id"
        async with self.database.read() as session:
            found = await session.execute(sa.text(query), {"id": self.stream.account_id})
            return {(row[0], row[1], row[2]) for row in found}

    async def other(self, **filter: object) -> "Log":
        """Another stream of the same account."""
        made = await Streams(self.database).find_or_create(self.stream.account_id, PORT, None, filter)
        return Log(self.database, made)


Told = tuple[list[str], list[str]]
NOTHING: Told = ([], [])


@pytest.fixture
async def log(database: Database) -> Log:
    """The stream of an account without mail."""
    applications = Applications(database, Vault([Fernet.generate_key().decode()]))
    application, _, _ = await applications.create(f"renames {uuid4()}")
    account = await new_account(database, application.id)
    return Log(database, await Streams(database).find_or_create(account, PORT, None, {}))


async def renamed(log: Log) -> bool:
    async with log.database.read() as session:
        query = sa.text("select renamed from account where id = :id")
        return bool(await session.scalar(query, {"id": log.stream.account_id}))


async def test_a_move_is_an_update(log: Log) -> None:
    await log.pull(mail("a", "k"), mail("b", "l"))
    assert not await renamed(log)
    assert await log.pull(mail("A", "k", parent="archive"), removed=["a"]) == (["a"], [])
    assert await renamed(log)
    assert await log.names("a", "A", "b") == {"a": Name("A", "a"), "A": Name("A", "a"), "b": Name("b", "b")}
    assert await log.shown("A", "b") == {"A": "a", "b": "b"}
    assert await log.pull(mail("A", "k", "2", parent="archive")) == (["a"], [])
    assert await log.pull(removed=["A"]) == ([], ["a"])


async def test_a_rebuilt_folder_tells_nothing_but_what_shows(log: Log) -> None:
    """Flags that changed at the same time are told; the rest is as it was."""
    await log.pull(*(mail(f"v1.{n}", f"k{n}") for n in range(5)))
    changed = [mail(f"v2.{n}", f"k{n}", "2" if n == 3 else "1") for n in range(4)]
    assert await log.pull(*changed, mail("v2.9", "new"), removed=[f"v1.{n}" for n in range(5)]) == (
        ["v1.3", "v2.9"],
        ["v1.4"],
    )
    assert await log.rows() == {**{f"v1.{n}": f"v2.{n}" for n in range(4)}, "v2.9": "v2.9"}


async def test_a_large_folder_is_rebuilt_over_several_deltas(log: Log) -> None:
    names = [(f"v1.{n}", f"v2.{n}", f"k{n}") for n in range(1000)]
    await log.pull(*(mail(old, kin) for old, _, kin in names))
    first = log.stream.sequence
    for start in range(0, 1000, 200):
        await log.pull(removed=[old for old, _, _ in names[start : start + 200]], more=True)
    assert len((await log.told())[0]) == 1000, "a consumer in the middle of a round skips none of them"
    for start in range(0, 1000, 200):
        await log.pull(*(mail(new, kin) for _, new, kin in names[start : start + 200]), more=start < 800)
    assert await log.told(first) == NOTHING
    assert await log.rows() == {old: new for old, new, _ in names}
    assert await log.native("v1.7") == "v2.7"


async def test_a_lost_cursor_at_the_same_time(log: Log) -> None:
    await log.pull(mail("a", "k"), mail("b", "l"), mail("c", "m"))
    assert await log.relist(mail("A", "k"), mail("b", "l"), mail("d", "n")) == (["d"], ["c"])
    assert await log.rows() == {"a": "A", "b": "b", "d": "d"}


async def test_without_kin_it_is_another(log: Log) -> None:
    await log.pull(Change("a", "1", "inbox"), mail("b", "k"))
    told = await log.pull(Change("A", "1", "inbox"), mail("B", "l"), removed=["a", "b"])
    assert told == (["A", "B"], ["a", "b"])
    assert await log.aliases() == set()


async def test_what_is_told_of_later_keeps_its_kin(log: Log) -> None:
    """A server that cannot read a header for once leaves identity and kin out."""
    await log.pull(mail("a", "k"))
    await log.pull(Change("a", "2", "inbox"))
    assert await log.pull(mail("A", "k", "2"), removed=["a"]) == NOTHING


async def test_moves_in_a_row_and_back(log: Log) -> None:
    await log.pull(mail("a", "k"))
    for before, after in [("a", "b"), ("b", "c"), ("c", "d")]:
        assert await log.pull(mail(after, "k", parent=after), removed=[before]) == (["a"], [])
    assert await log.aliases() == {("a", "d", True), ("b", "d", False), ("c", "d", False)}
    assert {name.shown for name in (await log.names("a", "b", "c", "d")).values()} == {"a"}


async def test_a_server_restored_from_an_older_state(log: Log) -> None:
    await log.pull(mail("a", "k"))
    await log.pull(mail("b", "k"), removed=["a"])
    await log.pull(mail("c", "k"), removed=["b"])
    assert await log.pull(mail("a", "k"), removed=["c"]) == NOTHING
    assert await log.rows() == {"a": "a"}
    assert await log.aliases() == {("b", "a", False), ("c", "a", False)}
    assert await log.shown("a") == {"a": "a"}


async def test_one_that_comes_back_after_its_removal_was_told(log: Log) -> None:
    await log.pull(mail("a", "k"))
    await log.pull(mail("b", "k"), removed=["a"])
    assert await log.pull(removed=["b"]) == ([], ["a"])
    assert await log.pull(mail("a", "other")) == (["a"], [])
    assert (await log.native("a"), await log.rows()) == ("a", {"a": "a"})
    await log.pull(removed=["a"])
    assert await log.pull(mail("b", "k")) == (["b"], []), "nothing says any more that it was the same"


async def test_one_that_was_hidden_comes_back_under_its_new_name(log: Log) -> None:
    await log.pull(mail("a", "k"))
    await log.pull(mail("b", "k"), removed=["a"])
    await log.pull(removed=["b"])
    assert await log.pull(mail("b", "k")) == (["a"], [])


async def test_one_of_two_copies_moves(log: Log) -> None:
    await log.pull(mail("a", "k"), mail("b", "k"))
    assert await log.pull(mail("c", "k", parent="archive"), removed=["b"]) == (["b"], [])
    assert await log.rows() == {"a": "a", "b": "c"}
    told = await log.pull(mail("e", "k", parent="archive"), mail("d", "k"), removed=["a", "c"])
    assert told == NOTHING, "copies stay in their folders"
    assert await log.rows() == {"a": "d", "b": "e"}


async def test_a_copy_that_goes_is_none_that_came(log: Log) -> None:
    await log.pull(mail("a", "k"))
    assert await log.pull(mail("b", "k", parent="work")) == (["b"], [])
    assert await log.pull(removed=["a"]) == ([], ["a"])
    assert await log.native("a") == "a"


async def test_alike_without_an_identity_are_matched_without_choice_only(log: Log) -> None:
    """Reports of one size that came in one second may be different ones."""
    await log.pull(*(mail(item, "k", identity=None) for item in "ab"), mail("c", "l", identity=None))
    new = [mail(item, "k", identity=None) for item in "AB"]
    told = await log.pull(*new, mail("C", "l", identity=None), removed=["a", "b", "c"])
    assert told == (["A", "B"], ["a", "b"])
    assert await log.native("c") == "C"


async def test_two_streams_of_an_account_agree(log: Log) -> None:
    other = await log.other(daysWithin=30)
    for one in (log, other):
        await one.pull(mail("a", "k"))
    for one in (log, other):
        assert await one.pull(mail("b", "k", parent="archive"), removed=["a"]) == (["a"], [])
    await log.pull(mail("c", "k"), removed=["b"])
    await log.pull(mail("d", "k"), removed=["c"])
    assert await other.pull(mail("d", "k"), removed=["b"]) == (["a"], [])
    assert await log.rows() == await other.rows() == {"a": "d"}
    assert await log.aliases() == {("a", "d", True), ("b", "d", False), ("c", "d", False)}


async def test_two_streams_match_copies_alike(log: Log) -> None:
    other = await log.other(daysWithin=30)
    await log.pull(mail("a", "k"), mail("b", "k"))
    await other.pull(mail("b", "k"), mail("a", "k"))
    moved = [mail("A", "k", parent="work"), mail("B", "k", parent="work")]
    for one, order in ((log, moved), (other, moved[::-1])):
        await one.pull(*order, removed=["a", "b"])
    assert await log.rows() == await other.rows()
    assert {(item, native, True) for item, native in (await log.rows()).items()} == await log.aliases()


async def test_a_stream_that_is_made_later_has_the_ids_of_the_first(log: Log) -> None:
    await log.pull(mail("a", "k"), mail("x", "l"))
    await log.pull(mail("b", "k"), removed=["a"])
    other = await log.other(daysWithin=30)
    assert await other.pull(mail("b", "k"), mail("x", "l")) == (["a", "x"], [])
    assert await other.pull(mail("b", "k", "2")) == (["a"], [])
    assert await other.pull(removed=["b"]) == ([], ["a"])


async def test_an_id_that_another_stream_gave_first_is_kept(log: Log) -> None:
    """`other` met the message after its move: lists and both streams show that id, the former one is understood."""
    other = await log.other(daysWithin=30)
    await log.pull(mail("a", "k"))
    await other.pull(mail("b", "k"))
    assert await log.pull(mail("b", "k"), removed=["a"]) == (["b"], ["a"])
    assert await log.shown("b") == {"b": "b"}
    assert await log.names("a") == {"a": Name("b", "b")}
    for one in (other, log):
        assert await one.pull(mail("c", "k", parent="work"), removed=["b"]) == (["b"], [])
    assert await log.names("a", "b", "c") == {item: Name("c", "b") for item in "abc"}


async def test_an_id_that_another_stream_gave_first_is_kept_after_another_move(log: Log) -> None:
    other = await log.other(daysWithin=30)
    await log.pull(mail("a", "k"))
    await other.pull(mail("b", "k"))
    await other.pull(mail("c", "k"), removed=["b"])
    assert await log.pull(mail("c", "k"), removed=["a"]) == (["b"], ["a"])
    assert await log.names("a", "b", "c") == {item: Name("c", "b") for item in "abc"}
    assert await log.rows() == await other.rows()


async def test_one_stream_sees_a_restored_state_that_another_missed(log: Log) -> None:
    other = await log.other(daysWithin=30)
    for one in (log, other):
        await one.pull(mail("a", "k"))
        await one.pull(mail("b", "k"), removed=["a"])
    await other.pull(mail("c", "k"), removed=["b"])
    await other.pull(mail("a", "k"), removed=["c"])
    assert await log.pull(mail("d", "k"), removed=["b"]) == NOTHING
    assert await log.names("a", "b", "c", "d") == {item: Name("d", "a") for item in "abcd"}
    assert await other.pull(mail("d", "k"), removed=["a"]) == NOTHING
    assert await log.rows() == await other.rows() == {"a": "d"}


async def test_a_former_name_that_comes_back_to_a_stream_which_gave_it_up(log: Log) -> None:
    other = await log.other(daysWithin=30)
    await log.pull(mail("a", "k"))
    await other.pull(mail("b", "k"))
    assert await log.pull(mail("b", "k"), removed=["a"]) == (["b"], ["a"])
    assert await log.pull(mail("a", "k"), removed=["b"]) == (["a"], ["b"])
    assert await log.names("a") == {"a": Name("a", "a")}
    assert await other.pull(mail("a", "k"), removed=["b"]) == (["a"], ["b"])
    assert await log.names("a", "b") == {item: Name("a", "a") for item in "ab"}


async def test_an_item_has_one_id_for_lists_whoever_met_it_when(log: Log) -> None:
    """Moved by us before any pull, then seen by the streams under different names."""
    other = await log.other(daysWithin=30)
    await log.moved("a", "b")
    assert await log.pull(mail("b", "k")) == (["a"], [])
    assert await other.pull(mail("c", "k")) == (["c"], [])
    await log.moved("c", "d")
    assert await log.pull(mail("d", "k"), removed=["b"]) == (["c"], ["a"])
    assert await other.pull(mail("d", "k"), removed=["c"]) == NOTHING
    assert await log.names("a", "b", "c", "d") == {item: Name("d", "c") for item in "abcd"}
    assert {row for row in await log.aliases() if row[2]} == {("c", "d", True)}


async def test_a_move_of_our_own_is_known_before_the_pull(log: Log) -> None:
    await log.pull(mail("a", "k"), mail("b", "l"))
    for item in "ab":
        assert await log.moved(item, item.upper()) == item
    assert await renamed(log)
    assert await log.names("a", "A") == {"a": Name("A", "a"), "A": Name("A", "a")}
    stale = await log.pull(mail("a", "k", "2"), more=True)  # it was asked for before the move
    assert (stale, await log.native("a")) == ((["a"], []), "A")
    told = await log.pull(mail("A", "k", "2", "archive"), Change("B", "1", "archive"), removed=["a", "b"])
    assert told == (["a", "b"], [])
    assert await log.rows() == {"a": "A", "b": "B"}


async def test_an_old_id_is_used_after_a_stream_met_the_new_one(log: Log) -> None:
    """Such as one under the former name of a folder, from before the first sync."""
    await log.pull(mail("b", "k"))
    assert await log.moved("a", "b") == "b"
    assert await log.names("a", "b") == {item: Name("b", "b") for item in "ab"}
    assert await log.shown("b") == {"b": "b"}


async def test_somebody_moves_on_what_we_moved(log: Log) -> None:
    await log.pull(mail("a", "k"))
    await log.moved("a", "b")
    assert await log.pull(mail("c", "k", parent="work"), removed=["a"]) == (["a"], [])
    assert await log.names("a", "b") == {item: Name("c", "a") for item in "ab"}


async def test_a_new_message_told_before_its_removal_elsewhere(log: Log) -> None:
    """Seen twice while it was being moved: a copy for a moment, then a removal; unless the move was ours."""
    await log.pull(mail("a", "k"), mail("m", "l"))
    await log.moved("m", "M")
    await log.pull(mail("A", "k"), mail("M", "l", parent="work"), more=True)
    assert await log.pull(removed=["a", "m"]) == ([], ["a"])
    assert await log.rows() == {"A": "A", "m": "M"}


async def test_a_restored_copy_of_a_renamed_folder(log: Log) -> None:
    """Both names are there now: the older id stays with the message that has gone by it all the time."""
    await log.pull(mail("a", "k"))
    await log.pull(mail("b", "k"), removed=["a"])
    [restored], _ = await log.pull(mail("a", "k"))
    assert restored.startswith("a~")
    assert await log.rows() == {"a": "b", restored: "a"}
    assert await log.shown("a", "b") == {"a": restored, "b": "a"}
    assert await log.names("a", restored) == {"a": Name("b", "a"), restored: Name("a", restored)}
    assert await log.pull(mail("a", "k", "2"), mail("b", "k", "2")) == ([restored, "a"], [])
    assert await log.pull(removed=["a"]) == ([], [restored])


async def test_quarantined_items_wait_until_they_are_found(log: Log) -> None:
    """A missing item that can be read again is not let out before the pull says what became of it."""
    await log.pull(mail("a", "k"))
    quarantine = Quarantine(log.database, PATIENCE * 0)
    await quarantine.note(log.stream.id, {"a": "gone for now"})
    await log.pull(removed=["a"], more=True)
    log.stream = await Deltas(log.database).republish(log.stream, ["a"])
    assert await quarantine.due(log.stream.id, 9) == ["a"]
    await log.pull(mail("b", "k"))
    before = log.stream.sequence
    log.stream = await Deltas(log.database).republish(log.stream, ["a"])
    assert await log.told(before) == (["a"], [])


async def test_the_feed_tells_of_it_once_and_under_the_known_id(log: Log) -> None:
    await log.pull()
    await log.pull(mail("a", "k"))
    await log.pull(mail("b", "k", parent="archive"), removed=["a"])
    await log.pull(removed=["b"])
    query = sa.text("select item_id, change from feed_event where account_id = :id order by sequence")
    async with log.database.read() as session:
        events = [tuple(row) for row in await session.execute(query, {"id": log.stream.account_id})]
    assert events == [("a", "created"), ("a", "updated"), ("a", "deleted")]
