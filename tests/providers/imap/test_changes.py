"""The verb `changes` where servers lack or break something, and what it costs on the wire."""

from dataclasses import replace

import pytest

from providers.base.collection import Delta, PageRequest
from providers.base.errors import CursorExpired, Unavailable
from providers.base.ports import MessageQuery
from providers.base.provider import ProviderSettings
from providers.imap import ids, kin, told
from providers.imap.contents import Contents
from providers.imap.convert import version
from providers.imap.fetch import Items
from providers.imap.ids import MessageId
from providers.imap.provider import ImapSession
from providers.imap.snapshot import Snapshot
from providers.imap.told import Told
from tests.providers.imap.conftest import Inject, mail, open_scripted
from tests.servers.dovecot import Dovecot, User
from tests.servers.imap_conversation import Conversation, Reply
from tests.servers.imap_mailbox import Folder
from tests.servers.imap_tokens import Token
from tests.servers.scripted_imap import ScriptedImap, drop_after, refuse

pytestmark = pytest.mark.anyio


async def asked(session: ImapSession, cursor: str | None) -> Delta:
    delta = await session.messages.changes(None, cursor, MessageQuery())
    assert not delta.more
    return delta


def id_of(folder: Folder, uid: int) -> str:
    return str(MessageId(folder.name, folder.uidvalidity, uid))


async def test_without_condstore(imap_settings: ProviderSettings) -> None:
    """Flags are read and compared; nothing is told twice, and a new session goes on from the cursor."""
    with ScriptedImap(capabilities="IMAP4rev1 AUTH=PLAIN") as server:
        inbox, sent = server.folders["INBOX"], server.folders["Sent"]
        for name in "abc":
            inbox.add(mail(name))
        sent.add(mail("d"), "\\Seen")
        session = open_scripted(server, imap_settings)
        first = await asked(session, None)
        assert {one.identity: one.version for one in first.changed} == {
            **{f"<{name}@t>": version(frozenset()) for name in "abc"},
            "<d@t>": version(frozenset({"\\Seen"})),
        }
        assert (await asked(session, first.cursor)).cursor == first.cursor
        inbox.messages[1].flags |= {"\\Seen", "work"}
        inbox.messages[2].flags |= {"\\Answered", "\\Recent", "$MDNSent"}  # which nothing shows
        del inbox.messages[0]
        inbox.add(mail("e"))
        sent.messages[0].flags.add("\\Deleted")
        await session.close()
        session = open_scripted(server, imap_settings)
        second = await asked(session, first.cursor)
        assert {one.id: one.identity for one in second.changed} == {id_of(inbox, 2): "<b@t>", id_of(inbox, 4): "<e@t>"}
        assert set(second.removed) == {id_of(inbox, 1), id_of(sent, 1)}
        sent.messages[0].flags.discard("\\Deleted")
        third = await asked(session, second.cursor)
        assert ([one.id for one in third.changed], list(third.removed)) == ([id_of(sent, 1)], [])
        await session.close()


@pytest.mark.parametrize("garbage", [0, -7, "?", "", 1 << 32], ids=str)
@pytest.mark.parametrize("status", [True, False], ids=["STATUS", "SELECT"])
async def test_a_garbled_uidvalidity_is_no_rebuilt_folder(
    imap_settings: ProviderSettings, garbage: int, status: bool
) -> None:
    """RFC 3501 section 9: nz-number. Nothing is told while a server says something else."""
    with ScriptedImap() as server:
        inbox = server.folders["INBOX"]
        inbox.add(mail("one"))
        server.folders["Sent"].add(mail("two"))
        cursor = (await first_listing(server, imap_settings)).cursor
        valid, inbox.uidvalidity = inbox.uidvalidity, garbage
        inbox.add(mail("three"))
        if not status:
            server.on("STATUS", right_status(inbox, valid))
        session = open_scripted(server, imap_settings)
        during = await asked(session, cursor)
        assert (during.changed, during.removed) == ([], [])
        inbox.uidvalidity = valid
        await session.close()
        session = open_scripted(server, imap_settings)
        after = await asked(session, during.cursor)
        assert ([one.identity for one in after.changed], list(after.removed)) == (["<three@t>"], [])
        await session.close()


async def first_listing(server: ScriptedImap, imap_settings: ProviderSettings) -> Delta:
    session = open_scripted(server, imap_settings)
    found = await asked(session, None)
    await session.close()
    return found


def right_status(folder: Folder, uidvalidity: int) -> Reply:
    """STATUS as it should be, of a folder whose SELECT is garbled."""

    def reply(talk: Conversation, tag: str, arguments: list[Token]) -> None:
        said, folder.uidvalidity = folder.uidvalidity, uidvalidity
        talk.do_status(tag, arguments)
        folder.uidvalidity = said

    return reply


async def test_a_rebuilt_folder_is_told_of_alone(imap_settings: ProviderSettings) -> None:
    with ScriptedImap() as server:
        for name in ("INBOX", "Sent"):
            server.folders[name].add(mail(name))
        session = open_scripted(server, imap_settings)
        first = await asked(session, None)
        before = id_of(server.folders["INBOX"], 1)
        server.folders["INBOX"].uidvalidity += 7
        second = await asked(session, first.cursor)
        assert [one.id for one in second.changed] == [id_of(server.folders["INBOX"], 1)]
        assert list(second.removed) == [before]
        assert second.changed[0].kin in {one.kin for one in first.changed} - {None}
        await session.close()


async def test_a_large_rebuilt_folder_goes_before_it_comes(plain: ImapSession, scripted: ScriptedImap) -> None:
    """Flags of some changed at the same time; folders beside it wait until all removals are told."""
    inbox = scripted.folders["INBOX"]
    for number in range(25):
        inbox.add(mail(f"m{number}"))
    first = await asked(plain, None)
    inbox.uidvalidity += 1
    inbox.messages[7].flags.add("\\Flagged")
    scripted.folders["Archive"].add(mail("beside"))
    plain.messages.changes_at_once = 10
    deltas = [await plain.messages.changes(None, first.cursor, MessageQuery())]
    while deltas[-1].more:
        deltas.append(await plain.messages.changes(None, deltas[-1].cursor, MessageQuery()))
    order = [bool(delta.changed) - bool(delta.removed) for delta in deltas]
    assert order == sorted(order)
    came = {one.kin: one for delta in deltas for one in delta.changed}
    assert len([item for delta in deltas for item in delta.removed]) == 25
    assert len(came) == 26
    assert {one.kin for one in first.changed} < came.keys()
    assert [one.identity for one in first.changed if one.version != came[one.kin].version] == ["<m7@t>"]


async def test_kin_tells_messages_apart(plain: ImapSession, scripted: ScriptedImap) -> None:
    inbox, sent = scripted.folders["INBOX"], scripted.folders["Sent"]
    nameless = b"Subject: x\r\n\r\nHello\r\n"
    for folder in (inbox, sent):  # the same in both
        folder.add(mail("one"), "\\Seen")
        folder.add(nameless)
        folder.add(mail("one", body="Hello!"))
        folder.add(mail("one"), received="02-Nov-2026 12:00:00 +0000")
        folder.add(mail("two"))
    changed = (await asked(plain, None)).changed
    kins = [[one.kin for one in changed if one.parent == ids.folder_id(name)] for name in ("INBOX", "Sent")]
    assert kins[0] == kins[1]
    assert len({*kins[0]} - {None}) == 5


async def test_without_a_size_nothing_tells(plain: ImapSession, scripted: ScriptedImap) -> None:
    def sizeless(talk: Conversation, tag: str, arguments: list[Token]) -> None:
        items = arguments[1]
        kept = [item for item in items if item != "RFC822.SIZE"] if isinstance(items, list) else items
        talk.do_uid_fetch(tag, [arguments[0], kept])

    scripted.on("UID FETCH", sizeless)
    scripted.folders["INBOX"].add(mail("one"))
    [change] = (await asked(plain, None)).changed
    assert (change.identity, change.kin) == ("<one@t>", None)


@pytest.mark.parametrize(
    ("capabilities", "items", "wanted", "found"),
    [
        (
            "IMAP4REV1 X-GM-EXT-1 OBJECTID",
            {b"X-GM-MSGID": b"1278455344230334865"},
            b"X-GM-MSGID",
            "g1278455344230334865",
        ),
        ("IMAP4REV1 OBJECTID", {b"EMAILID": [b"M6d99ac3275bb4e"]}, b"EMAILID", "eM6d99ac3275bb4e"),
        ("IMAP4REV1", {b"RFC822.SIZE": b"12"}, b"RFC822.SIZE", "BwHiJUwdy1fq"),
        ("IMAP4REV1", {b"RFC822.SIZE": None}, b"RFC822.SIZE", None),
        ("IMAP4REV1 OBJECTID", {b"EMAILID": []}, b"EMAILID", None),
    ],
)
def test_what_tells_a_message(capabilities: str, items: Items, wanted: bytes, found: str | None) -> None:
    assert kin.items(frozenset(capabilities.split())) == wanted
    assert kin.kin(items, "<a@b>", 1_700_000_000) == found


async def test_conversations_and_drafts_are_named_when_that_costs_nothing(session: ImapSession, inject: Inject) -> None:
    """Neither the first listing nor later rounds ask for more because of it."""
    inject(mail("one"))
    inject(mail("unsent"), flags=(b"\\Draft",))
    inject(mail("stored"), "Drafts")
    first = await asked(session, None)
    assert {one.identity: one.attributes for one in first.changed} == {
        "<one@t>": None,
        "<unsent@t>": {"draft": True},
        "<stored@t>": {"draft": True},
    }
    await session.account.threads.require(10)
    inject(mail("two", answers="one"))
    [told] = (await asked(session, first.cursor)).changed
    listed = await session.messages.find(None, MessageQuery(), PageRequest())
    threads = {record.internet_message_id: record.thread_id for record in listed.records}
    assert told.attributes == {"threadId": threads["<one@t>"]}
    assert threads["<two@t>"] == threads["<one@t>"] is not None


async def test_a_folder_that_cannot_be_opened_for_a_while_is_not_gone(imap_settings: ProviderSettings) -> None:
    with ScriptedImap() as server:
        server.folders["Sent"].add(mail("kept"))
        session = open_scripted(server, imap_settings)
        first = await asked(session, None)
        await session.close()
        server.on("STATUS", refuse("[SERVERBUG] no"), times=len(server.folders))
        session = open_scripted(server, imap_settings)
        during = await asked(session, first.cursor)
        assert (during.changed, during.removed) == ([], [])
        await session.close()
        session = open_scripted(server, imap_settings)
        after = await asked(session, during.cursor)
        assert (after.changed, after.removed) == ([], [])
        await session.close()


async def test_a_connection_lost_halfway_costs_no_position(plain: ImapSession, scripted: ScriptedImap) -> None:
    scripted.folders["INBOX"].add(mail("one"))
    first = await asked(plain, None)
    scripted.folders["INBOX"].add(mail("two"))
    scripted.on("UID FETCH", drop_after(b"* 2 FETCH (UID 2 INTERN"), times=1)
    with pytest.raises(Unavailable):
        await asked(plain, first.cursor)
    second = await asked(plain, first.cursor)
    assert [one.identity for one in second.changed] == ["<two@t>"]


async def test_headers_that_the_server_cannot_read_stop_nothing(plain: ImapSession, scripted: ScriptedImap) -> None:
    """Flags alone then; the Message-ID is unknown."""

    def unreadable(talk: Conversation, tag: str, arguments: list[Token]) -> None:
        if "HEADER" in str(arguments):
            talk.send(f"{tag} NO [SERVERBUG] cannot read")
        else:
            talk.do_uid_fetch(tag, arguments)

    scripted.on("UID FETCH", unreadable)
    scripted.folders["INBOX"].add(mail("broken"), "\\Seen")
    [change] = (await asked(plain, None)).changed
    assert (change.version, change.identity) == (version(frozenset({"\\Seen"})), None)


async def test_flags_that_are_kept_secret_are_no_change(plain: ImapSession, scripted: ScriptedImap) -> None:
    scripted.omit_flags = True
    scripted.folders["INBOX"].add(mail("one"))
    first = await asked(plain, None)
    assert [one.version for one in first.changed] == [version(None)]
    assert (await asked(plain, first.cursor)).changed == []


async def test_a_renamed_folder_has_new_ids(session: ImapSession, inject: Inject, dovecot: Dovecot, user: User) -> None:
    inject(mail("one"), "Old")
    first = await asked(session, None)
    with dovecot.client(user) as client:
        client.rename_folder("Old", "New")
    second = await asked(session, first.cursor)
    assert list(second.removed) == [first.changed[0].id]
    assert second.changed[0].kin == first.changed[0].kin is not None
    assert [(one.parent, one.identity) for one in second.changed] == [(ids.folder_id("New"), "<one@t>")]


def test_a_cursor_is_what_was_told() -> None:
    contents = Contents(7).adding({1: 10, 2: 20, 5: 30})
    rich = Told.of(contents.at(6, 99), 6, 3, {1: "", 2: "", 5: ""})
    poor = Told.of(contents.at(6, 0), 6, 3, {1: "aaaaaaaa", 2: "bbbbbbbb", 5: ""})
    found = told.decode("x", told.encode("x", {"Größe": rich, "B": poor}))
    assert found == {"B": poor, "Größe": rich}
    assert found["Größe"].messages() == {1: "", 2: "", 5: ""}
    assert found["B"].messages() == {1: "aaaaaaaa", 2: "bbbbbbbb", 5: "????????"}
    assert rich.is_true_of(contents.at(6, 99)) and not rich.is_true_of(contents.at(6, 100))
    assert not poor.is_true_of(contents.at(6, 0)), "nothing proves flags without CONDSTORE"
    with pytest.raises(CursorExpired):
        told.decode(None, told.encode("x", {}))


def test_a_cursor_of_many_messages_is_short() -> None:
    contents = Contents(7).adding({uid: 1_700_000_000 + uid for uid in range(1, 10_001) if uid % 50})
    messages = dict.fromkeys(contents.uids, version(frozenset({"\\Seen"})))
    for uid in range(1, 10_000, 100):
        messages[uid] = version(frozenset())
    rich, poor = (Told.of(contents.at(10_001, modseq), 10_001, len(contents), messages) for modseq in (5, 0))
    assert len(told.encode(None, {"INBOX": rich})) < 1500
    assert len(told.encode(None, {"INBOX": poor})) < 3000


async def test_a_look_in_the_midst_of_a_move(imap_settings: ProviderSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server told the state of INBOX, moved a message, and told the state of Sent: it is not told as a second one,
    and what comes meanwhile is told next time."""
    with ScriptedImap(capabilities="IMAP4rev1 AUTH=PLAIN") as server:
        inbox, sent = server.folders["INBOX"], server.folders["Sent"]
        for name in "ab":
            inbox.add(mail(name))
        session = open_scripted(server, imap_settings)
        first = await asked(session, None)
        index = session.account.index
        before, refresh = index.snapshot, index.refresh
        moved = inbox.messages.pop(0)
        sent.add(moved.source, received=moved.received)

        def half(only: str | None = None) -> Snapshot:
            monkeypatch.setattr(index, "refresh", refresh)
            after = refresh(only)
            sent.add(mail("c"))
            inbox.add(mail("d"))
            contents = {**after.contents, "INBOX": before.contents["INBOX"]}
            return replace(after, contents=contents)

        monkeypatch.setattr(index, "refresh", half)
        delta = await session.messages.changes(None, first.cursor, MessageQuery())
        assert ([one.identity for one in delta.changed], list(delta.removed)) == (["<a@t>"], [id_of(inbox, 1)])
        assert delta.more
        rest = await asked(session, delta.cursor)
        assert ({one.identity for one in rest.changed}, list(rest.removed)) == ({"<c@t>", "<d@t>"}, [])
        await session.close()
