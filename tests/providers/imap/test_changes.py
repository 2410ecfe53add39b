"""The verb `changes` where servers lack or break something, and what it costs on the wire."""

import pytest

from providers.base.collection import Delta
from providers.base.errors import CursorExpired, Unavailable
from providers.base.ports import MessageQuery
from providers.base.provider import ProviderSettings
from providers.imap import ids, told
from providers.imap.contents import Contents
from providers.imap.convert import version
from providers.imap.ids import MessageId
from providers.imap.provider import ImapSession
from providers.imap.told import Told
from tests.providers.imap.conftest import Inject, mail, open_scripted
from tests.servers.dovecot import Dovecot, User
from tests.servers.imap_conversation import Conversation
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
        await session.close()


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
