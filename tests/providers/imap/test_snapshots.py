"""Pure parts: contents of folders, conversations, roles, the cache, what SEARCH is asked."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base.cache import Cache
from providers.base.search import All, AnyOf, Contains, Flag, In, Is, Not, Received, Search, Size, Where
from providers.imap.connection import Namespace, Namespaces
from providers.imap.contents import Contents, key
from providers.imap.conversations import Conversations
from providers.imap.criteria import Server, Within, branches, holds, served, settle
from providers.imap.ids import MessageId
from providers.imap.ledger import Ledger
from providers.imap.listing import Folder, with_roles
from providers.imap.roles import Role, by_name
from providers.imap.snapshot import Position, Snapshot
from providers.imap.wire import Literal

received = st.dictionaries(st.integers(1, 50), st.integers(0, 9), max_size=20)


@given(st.lists(received, max_size=4), st.sets(st.integers(1, 50)))
def test_contents_are_what_was_added_less_what_went(batches: list[dict[int, int]], kept: set[int]) -> None:
    contents, expected = Contents(1), {}
    for batch in batches:
        contents = contents.adding(batch)
        expected = {**batch, **expected}
    if kept:
        contents = contents.keeping(kept)
        expected = {uid: at for uid, at in expected.items() if uid in kept}
    assert {uid: contents.time(uid) for uid in contents.uids} == expected
    assert list(contents.uids) == sorted(expected)
    order = sorted(((at, uid) for uid, at in expected.items()), reverse=True)
    assert list(contents.newest(1 << 64)) == order
    assert all(list(contents.newest(key(*one))) == order[place + 1 :] for place, one in enumerate(order))


def test_flags_are_kept_while_the_counter_stands_still() -> None:
    contents = Contents(1).at(5, 10)
    assert contents.flags is not None
    contents.flags[1] = frozenset({"\\Seen"})
    assert contents.at(6, 10).flags == {1: frozenset({"\\Seen"})}
    assert contents.at(6, 11).flags == {}
    assert contents.at(6, 0).flags is None, "without CONDSTORE nothing proves them"


@given(st.dictionaries(st.sampled_from("abc"), received, max_size=3))
def test_pages_of_several_folders_are_one_list(folders: dict[str, dict[int, int]]) -> None:
    snapshot = Snapshot(contents={name: Contents(1).adding(held) for name, held in folders.items()})
    whole = sorted(
        (Position(at, name, uid) for name, held in folders.items() for uid, at in held.items()), reverse=True
    )
    assert list(snapshot.newest(folders)) == whole
    for place, position in enumerate(whole):
        assert list(snapshot.newest(folders, position)) == whole[place + 1 :]


def _threads(messages: list[tuple[int, list[int]]], order: list[int]) -> dict[int, str | None]:
    conversations = Conversations()
    for number in order:
        own, refers = messages[number]
        conversations.add(MessageId("INBOX", 1, number + 1), (own, *refers), number)
    return {n: conversations.id_of(MessageId("INBOX", 1, n + 1), (own,)) for n, (own, _) in enumerate(messages)}


links = st.tuples(st.integers(0, 12), st.lists(st.integers(1, 12), max_size=3))


@given(st.lists(links, min_size=1, max_size=15), st.randoms())
def test_thread_ids_do_not_depend_on_the_order_of_reading(
    messages: list[tuple[int, list[int]]], chance: random.Random
) -> None:
    order = list(range(len(messages)))
    first = _threads(messages, order)
    chance.shuffle(order)
    assert _threads(messages, order) == first


def test_a_missing_parent_changes_no_id_and_a_merge_keeps_the_older_one() -> None:
    conversations = Conversations()
    conversations.add(MessageId("INBOX", 1, 1), (10, 5), 100)  # answers 5, which is not there yet
    conversations.add(MessageId("INBOX", 1, 2), (20,), 200)
    before = conversations.id_of(MessageId("INBOX", 1, 1), (10,))
    other = conversations.id_of(MessageId("INBOX", 1, 2), (20,))
    conversations.add(MessageId("Sent", 1, 1), (5,), 300)
    assert conversations.id_of(MessageId("INBOX", 1, 1), (10,)) == before != other
    conversations.add(MessageId("INBOX", 1, 3), (30, 10, 20), 400)  # joins both
    assert conversations.id_of(MessageId("INBOX", 1, 2), (20,)) == before
    assert other is not None and before is not None
    assert conversations.members(other) == conversations.members(before), "the id that went still resolves"
    assert len(conversations.members(before) or ()) == 4


@pytest.mark.parametrize("thread_id", ["", "nothing", "AAAAAAAAAAA", "é", "AAAAAAAAAAB"])
def test_no_conversation(thread_id: str) -> None:
    assert Conversations().members(thread_id) is None


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Gesendet", Role.SENT),
        ("Éléments envoyés", Role.SENT),
        ("Inviata", Role.SENT),
        ("Отправленные", Role.SENT),
        ("已发送", Role.SENT),
        ("Entwürfe", Role.DRAFTS),
        ("Papierkorb", Role.TRASH),
        ("ゴミ箱", Role.TRASH),
        ("SPAM", Role.JUNK),
        ("Archivo", Role.ARCHIVE),
        ("Projects", None),
    ],
)
def test_names_in_many_languages(name: str, role: Role | None) -> None:
    assert by_name(name) is role


def test_marks_win_over_special_use_which_wins_over_names() -> None:
    folders = {
        folder.name: folder
        for folder in [
            Folder("INBOX", "."),
            Folder("INBOX.Sent", "."),
            Folder("INBOX.Gesendet", ".", frozenset({"sent"})),
            Folder("INBOX.Papierkorb", "."),
            Folder("INBOX.Work.Trash", "."),
            Folder("INBOX.Mine", "."),
        ]
    }
    spaces = Namespaces((Namespace("INBOX.", "."),))
    roles = {name: folder.role for name, folder in with_roles(folders, spaces, {Role.ARCHIVE: "INBOX.Mine"}).items()}
    assert roles == {
        "INBOX": Role.INBOX,
        "INBOX.Sent": None,
        "INBOX.Gesendet": Role.SENT,
        "INBOX.Papierkorb": Role.TRASH,
        "INBOX.Work.Trash": None,
        "INBOX.Mine": Role.ARCHIVE,
    }


class _Weighty:
    def __init__(self, weight: int) -> None:
        self.weight = weight


def test_the_cache_stays_within_its_limit_and_keeps_what_is_used() -> None:
    cache: Cache[_Weighty] = Cache(10_000)
    cache.put("used", _Weighty(1000))
    for number in range(50):
        cache.put(number, _Weighty(1000))
        assert cache.get("used") is not None
        assert cache.weight <= 10_000
    assert cache.get(0) is None and cache.get(49) is not None
    cache.put("used", _Weighty(9000))
    assert cache.weight <= 10_000


def _flat(server: Server) -> bytes:
    return b"".join(word.data if isinstance(word, Literal) else word for word in server.words)


@pytest.mark.parametrize(
    ("search", "words"),
    [
        (Contains(Where.SUBJECT, 'a "b"'), rb'SUBJECT "a \"b\""'),
        (Contains(Where.TEXT, "é"), "TEXT é".encode()),
        (Is(Flag.READ), b"SEEN"),
        (Not(Is(Flag.READ)), b"UNSEEN"),
        (Not(Contains(Where.TO, "a")), b'NOT TO "a"'),
        (Not(All((Contains(Where.TO, "a"), Contains(Where.TO, "b")))), b'NOT (TO "a" TO "b")'),
        (All((Is(Flag.READ), Is(Flag.FLAGGED))), b"SEEN FLAGGED"),
        (AnyOf((Contains(Where.TO, "a"), Contains(Where.CC, "b"))), b'OR TO "a" CC "b"'),
        (All((Is(Flag.READ), Size(over=5))), b"SEEN LARGER 5"),
    ],
)
def test_what_the_server_is_asked(search: Search, words: bytes) -> None:
    branch = branches(search)
    assert isinstance(branch, Server)
    assert _flat(branch) == words
    assert branch.ascii is words.isascii()


@pytest.mark.parametrize(
    ("search", "asked"),
    [
        (Not(All((Is(Flag.READ), Is(Flag.FLAGGED)))), [b"SEEN FLAGGED"]),
        (AnyOf((Is(Flag.READ), Is(Flag.FLAGGED))), [b"SEEN", b"FLAGGED"]),
        (Not(Size(over=5)), [b"LARGER 5"]),
        (Size(over=5, under=9), [b"LARGER 5", b"SMALLER 9"]),
        (Size(under=0), []),
    ],
)
def test_flags_and_sizes_are_combined_by_us_where_dovecot_errs(search: Search, asked: list[bytes]) -> None:
    assert [_flat(server) for server in served(branches(search))] == asked


def test_times_are_ours_and_days_only_help_the_server() -> None:
    since, until = datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 2, 11, tzinfo=UTC)
    branch = branches(All((Contains(Where.FROM, "a"), Received(since, until))))
    [server] = served(branch)
    assert _flat(server) == b'FROM "a" SINCE 28-Feb-2026 BEFORE 4-Mar-2026'
    answers = {server: {1}}
    for moment, expected in ((since, True), (until, False)):
        assert holds(branch, 1, int(moment.timestamp()), answers, lambda _: None) is expected
    assert branches(Received(since, None)) == Within(since.timestamp(), float("inf"))


def test_attachments_need_a_look_only_where_nothing_else_decides() -> None:
    branch = branches(All((Is(Flag.READ), Not(Is(Flag.ATTACHMENT)))))
    [server] = served(branch)
    assert holds(branch, 1, 0, {server: {1}}, lambda _: None) is None
    assert holds(branch, 2, 0, {server: {1}}, lambda _: None) is False
    assert holds(branch, 1, 0, {server: {1}}, lambda _: True) is False


def test_folders_are_settled_before() -> None:
    search = settle(AnyOf((In("inbox"), Not(In("x")), Is(Flag.READ))), lambda folder: folder == "inbox")
    assert search == AnyOf((All(()), Not(AnyOf(())), Is(Flag.READ)))


def test_the_longest_unused_account_forgets_first() -> None:
    ledger, forgotten = Ledger(100), []
    for name in ("a", "b", "c"):
        ledger.use(name, 40, lambda name=name: forgotten.append(name))  # type: ignore[misc]
    assert forgotten == ["a"]
    ledger.use("b", 40, lambda: forgotten.append("b"))
    ledger.use("d", 10, lambda: forgotten.append("d"))
    ledger.leave("d")
    ledger.use("e", 60, lambda: forgotten.append("e"))
    assert forgotten == ["a", "c"]
    ledger.use("huge", 1000, lambda: forgotten.append("huge"))
    assert forgotten == ["a", "c", "b", "e"], "whoever is working keeps what it has"
