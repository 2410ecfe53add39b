"""Servers that lack what others have, or misbehave: the adapter on a scripted server."""

import time
from dataclasses import replace

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Invalid, NotFound, RateLimited, Timeout, Unauthorized, Unavailable
from providers.base.ports import MessageQuery, MessageView
from providers.base.provider import ProviderSettings
from providers.base.search import All, Contains, Flag, Is, Where
from providers.imap import ids
from providers.imap.connection import Connection
from providers.imap.grant import Security
from providers.imap.provider import ImapSession
from schemas.mail import BodyType, SysLabel, UpdateMessageStatusData
from tests.providers.imap.conftest import mail, open_scripted, scripted_grant
from tests.servers.imap_mailbox import Folder
from tests.servers.scripted_imap import ScriptedImap, answer, bye, drop_after, refuse, slow

pytestmark = pytest.mark.anyio
ALL = MessageQuery()


async def subjects(session: ImapSession, query: MessageQuery = ALL, parent: str | None = None) -> list[str | None]:
    page = await session.messages.find(parent, query, PageRequest(limit=50))
    return [record.subject for record in page.records]


def commands(server: ScriptedImap, word: str) -> list[str]:
    return [line for line in server.seen if word in line]


async def test_without_any_extension(imap_settings: ProviderSettings) -> None:
    """No MOVE, UIDPLUS, ESEARCH, CONDSTORE, LIST-STATUS, NAMESPACE, LITERAL+, SASL-IR."""
    with ScriptedImap(capabilities="IMAP4rev1 AUTH=PLAIN") as server:
        session = open_scripted(server, imap_settings)
        for name in ("a", "b", "c"):
            server.folders["INBOX"].add(mail(name))
        assert await subjects(session) == ["c", "b", "a"]
        server.folders["INBOX"].messages[2].flags.add("\\Seen")
        [newest, *_] = (await session.messages.find(None, ALL, PageRequest())).records
        assert SysLabel.UNREAD not in (newest.sys_labels or []), "flags are never assumed without CONDSTORE"
        server.on("UID SEARCH", answer("* SEARCH 2", "{tag} OK"), times=4)  # without trash and junk
        assert await subjects(session, MessageQuery(search=Contains(Where.SUBJECT, "b"))) == ["b"]
        moved = await session.messages.update(Ref(newest.id), UpdateMessageStatusData(archived=True))
        assert moved.folder_id == ids.folder_id("Archive")
        assert moved.subject == "c"
        assert await subjects(session, parent=ids.folder_id("INBOX")) == ["b", "a"]
        await session.messages.delete(Ref(moved.id))
        assert await subjects(session) == ["b", "a"]
        assert not [line for line in server.seen if "EXPUNGE" in line], "never a bare EXPUNGE"
        assert "\\Deleted" in server.folders["INBOX"].messages[2].flags
        await session.close()


async def test_with_uidplus_but_without_move(imap_settings: ProviderSettings) -> None:
    with ScriptedImap(capabilities="IMAP4rev1 AUTH=PLAIN UIDPLUS") as server:
        session = open_scripted(server, imap_settings)
        server.folders["INBOX"].add(mail("theirs"), "\\Deleted")
        server.folders["INBOX"].add(mail("a"))
        [record] = (await session.messages.find(None, ALL, PageRequest())).records
        await session.messages.delete(Ref(record.id))
        assert len(server.folders["INBOX"].messages) == 1, "the other deletion stays"
        assert len(server.folders["Trash"].messages) == 1
        await session.close()


async def test_a_dead_warm_connection_is_replaced_once(scripted: ScriptedImap, plain: ImapSession) -> None:
    scripted.folders["INBOX"].add(mail("a"))
    await plain.account.threads.ready(10)
    assert await subjects(plain) == ["a"]
    scripted.cut()
    assert await subjects(plain) == ["a"]


@pytest.mark.parametrize(
    "fault",
    [
        drop_after(b"* 1 FETCH (UID 1 FLAGS (\\Seen) BODY[HEADER.FIELDS (FROM)] {500}\r\nonly this"),
        drop_after(),
        bye("[UNAVAILABLE] come back", b"* 1 FETCH (UID 1 FLAGS ())\r\n"),
    ],
    ids=["inside a literal", "before the answer", "BYE"],
)
async def test_dropped_in_the_middle_of_a_command(scripted: ScriptedImap, plain: ImapSession, fault: object) -> None:
    scripted.folders["INBOX"].add(mail("a"))
    await plain.account.threads.ready(10)
    await subjects(plain)
    scripted.folders["INBOX"].add(mail("b"))
    scripted.on("UID FETCH", fault, times=1)  # type: ignore[arg-type]
    assert await subjects(plain) == ["b", "a"], "asked again on a new connection"
    scripted.folders["INBOX"].add(mail("c"))
    scripted.on("UID FETCH", fault, times=9)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        await subjects(plain)


async def test_a_server_that_trickles_is_given_up(scripted: ScriptedImap, imap_settings: ProviderSettings) -> None:
    """The limit is on the whole answer, not on each octet."""
    session = open_scripted(scripted, imap_settings, read_timeout=1.0)
    scripted.folders["INBOX"].add(mail("a"))
    await session.account.threads.ready(10)
    await subjects(session)
    scripted.on("LIST", slow(b'* LIST () "/" INBOX\r\n' * 3 + b"{tag} OK\r\n", 40, 0.2), times=1)
    begin = time.monotonic()
    with pytest.raises(Timeout):
        await subjects(session)
    assert time.monotonic() - begin < 10
    assert await subjects(session) == ["a"], "the connection that timed out is not used again"
    await session.close()


async def test_flags_left_out_are_unknown(scripted: ScriptedImap, plain: ImapSession) -> None:
    scripted.folders["INBOX"].add(mail("a"), "\\Seen", "Work")
    scripted.omit_flags = True
    [record] = (await plain.messages.find(None, ALL, PageRequest())).records
    assert record.sys_labels == [SysLabel.INBOX]
    assert record.keywords is None


@pytest.mark.parametrize(
    "structure", ["NIL", "()", '("text" "plain" NIL', '(("text" "plain" NIL NIL NIL "7bit" x) "mixed")']
)
async def test_a_malformed_structure_is_read_from_the_source(
    scripted: ScriptedImap, plain: ImapSession, structure: str
) -> None:
    kind = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n'
    parts = "--b\r\n\r\ntext\r\n--b\r\nContent-Type: image/png; name=x.png\r\n\r\nPNG\r\n--b--"
    scripted.folders["INBOX"].add(mail("a", more=kind, body=parts))
    scripted.folders["INBOX"].add(mail("b"))
    scripted.structure = structure
    page = await plain.messages.find(None, ALL, PageRequest())
    assert [(record.subject, record.has_attachments) for record in page.records] == [("b", False), ("a", True)]
    found = await plain.messages.get(Ref(page.records[1].id), MessageView(BodyType.TEXT))
    assert (found.body or "").strip() == "text"
    [attachment] = found.attachments or []
    content = await plain.messages.attachment(Ref(found.id), attachment.id)
    assert b"".join([piece async for piece in content.chunks]) == b"PNG"


async def test_a_server_that_cannot_describe_one_message_lists_the_others(
    scripted: ScriptedImap, plain: ImapSession
) -> None:
    scripted.folders["INBOX"].add(mail("a"))
    scripted.folders["INBOX"].add(mail("b"))
    await plain.account.threads.ready(10)
    plain.account.index.refresh()
    scripted.on("UID FETCH", refuse("internal error in FETCH"), times=2)
    assert await subjects(plain) == ["b", "a"]


async def test_uidvalidity_changes(scripted: ScriptedImap, plain: ImapSession) -> None:
    scripted.folders["INBOX"].add(mail("a"))
    [record] = (await plain.messages.find(None, ALL, PageRequest())).records
    scripted.folders["INBOX"].uidvalidity += 1
    scripted.folders["INBOX"].messages[0].source = mail("other")
    plain.account.pool.forget("INBOX")
    with pytest.raises(NotFound):
        await plain.messages.get(Ref(record.id))
    assert await subjects(plain) == ["other"]


async def test_badcharset_is_searched_here(scripted: ScriptedImap, plain: ImapSession) -> None:
    scripted.folders["INBOX"].add(mail("=?utf-8?q?caf=C3=A9?="))
    scripted.folders["INBOX"].add(mail("tea", body="ein Café", more="Content-Type: text/plain; charset=utf-8\r\n"))
    scripted.folders["INBOX"].add(mail("none"))

    def picky(talk: object, tag: str, arguments: object) -> None:
        reply = (
            refuse("[BADCHARSET (US-ASCII)] no") if "UTF-8" in str(arguments) else answer("* SEARCH 1 2 3", "{tag} OK")
        )
        reply(talk, tag, arguments)  # type: ignore[arg-type]

    scripted.on("UID SEARCH", picky)  # type: ignore[arg-type]
    assert await subjects(plain, MessageQuery(search=Contains(Where.SUBJECT, "CAFÉ"))) == ["café"]
    assert await subjects(plain, MessageQuery(search=Contains(Where.TEXT, "Café"))) == ["tea", "café"]
    assert await subjects(plain, MessageQuery(search=All((Contains(Where.BODY, "é"), Contains(Where.TO, "b"))))) == [
        "tea"
    ]


async def test_attachments_are_looked_for_until_the_page_is_full(scripted: ScriptedImap, plain: ImapSession) -> None:
    kind = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n'
    parts = "--b\r\n\r\ntext\r\n--b\r\nContent-Type: image/png; name=x.png\r\n\r\nPNG\r\n--b--"
    for number in range(250):
        rich = number in (3, 5, 240)
        scripted.folders["INBOX"].add(mail(f"m{number}", more=kind, body=parts) if rich else mail(f"m{number}"))
    search = MessageQuery(search=Is(Flag.ATTACHMENT))
    page = await plain.messages.find(None, search, PageRequest(limit=2))
    assert [record.subject for record in page.records] == ["m240", "m5"]
    rest = await plain.messages.find(None, search, PageRequest(page.cursor, 2))
    assert [record.subject for record in rest.records] == ["m3"]
    assert rest.cursor is None


async def test_a_line_of_more_than_a_megabyte(scripted: ScriptedImap, plain: ImapSession) -> None:
    """imaplib gives up at 1,000,000 octets."""
    scripted.folders["INBOX"].add(mail("a"))
    found = " ".join(str(number) for number in range(1, 200_000))
    scripted.on("UID SEARCH", answer(f"* SEARCH {found}", "{tag} OK done"))
    assert await subjects(plain, MessageQuery(search=Contains(Where.SUBJECT, "a"))) == ["a"]


async def test_a_failed_list_removes_nothing(scripted: ScriptedImap, plain: ImapSession) -> None:
    scripted.folders["INBOX"].add(mail("a"))
    await subjects(plain)
    scripted.on("LIST", refuse("[SERVERBUG] not now"), times=1)
    with pytest.raises(Unavailable):
        await subjects(plain)
    assert await subjects(plain) == ["a"]


async def test_a_folder_that_cannot_be_opened_hides_no_other(scripted: ScriptedImap, plain: ImapSession) -> None:
    scripted.folders["INBOX"].add(mail("a"))
    scripted.folders["Closed"] = Folder("Closed")
    scripted.folders["Closed"].add(mail("hidden"))

    def select(talk: object, tag: str, arguments: list[object]) -> None:
        assert talk is not None
        closed = "Closed" in str(arguments)
        lines = ["{tag} NO [NOPERM] not yours"] if closed else ["* 1 EXISTS", "* OK [UIDVALIDITY 1700000000] ok"]
        if not closed:
            talk.folder = scripted.folders["INBOX"]  # type: ignore[attr-defined]
            lines.append("{tag} OK [READ-WRITE] done")
        answer(*lines)(talk, tag, arguments)  # type: ignore[arg-type]

    scripted.on("SELECT", select)  # type: ignore[arg-type]
    assert await subjects(plain) == ["a"]


async def test_new_keywords_where_the_folder_takes_none(scripted: ScriptedImap, plain: ImapSession) -> None:
    scripted.folders["INBOX"].add(mail("a"), "Old")
    [record] = (await plain.messages.find(None, ALL, PageRequest())).records
    plain.account.pool.forget("INBOX")
    connection = plain.account.pool._connect()
    connection.select("INBOX")
    assert connection.selected is not None
    connection.selected.permanent = frozenset({"\\Seen", "Known"})
    plain.account.pool._give_back(connection)
    changed = await plain.messages.update(Ref(record.id), UpdateMessageStatusData(keywords=["Old", "known"]))
    assert "Old" in (changed.keywords or [])
    with pytest.raises(Invalid) as caught:
        await plain.messages.update(Ref(record.id), UpdateMessageStatusData(keywords=["Fresh"]))
    assert caught.value.path == "keywords.0"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("[AUTHENTICATIONFAILED] no", Unauthorized),
        ("wrong", Unauthorized),
        ("[UNAVAILABLE] backend is down", Unavailable),
        ("[LIMIT] enough", RateLimited),
        ("[ALERT] Too many simultaneous connections", RateLimited),
        ("[INUSE] locked", Unavailable),
    ],
)
def test_a_refused_sign_in(scripted: ScriptedImap, imap_settings: ProviderSettings, reply: str, error: type) -> None:
    scripted.on("AUTHENTICATE", refuse(f"{reply} secret"))
    with pytest.raises(error) as caught:
        Connection.open(scripted_grant(scripted), imap_settings)
    assert "secret" not in f"{caught.value!r} {caught.value.original!r}"


def test_no_password_without_tls(scripted: ScriptedImap, imap_settings: ProviderSettings) -> None:
    grant = scripted_grant(scripted)
    endpoint = grant.imap.model_copy(update={"security": Security.STARTTLS})
    with pytest.raises(Unavailable, match="STARTTLS"):
        Connection.open(grant.model_copy(update={"imap": endpoint}), imap_settings)
    assert not commands(scripted, "AUTHENTICATE") and not commands(scripted, "LOGIN")


@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 AUTH=PLAIN SASL-IR"])
def test_plain_is_preferred_to_login(imap_settings: ProviderSettings, capabilities: str) -> None:
    with ScriptedImap(capabilities=capabilities, password='p"ä\\') as server:
        Connection.open(scripted_grant(server), imap_settings).close()
        assert bool(commands(server, "LOGIN")) is ("AUTH=PLAIN" not in capabilities)


def test_login_disabled(imap_settings: ProviderSettings) -> None:
    with ScriptedImap(capabilities="IMAP4rev1 LOGINDISABLED") as server:
        with pytest.raises(Unavailable, match="LOGINDISABLED"):
            Connection.open(scripted_grant(server), imap_settings)
        assert not commands(server, "LOGIN")


@pytest.mark.parametrize("greeting", ["* BYE [UNAVAILABLE] too many connections", "220 smtp.example ESMTP"])
def test_no_welcome(imap_settings: ProviderSettings, greeting: str) -> None:
    with ScriptedImap(greeting=greeting) as server, pytest.raises((Unavailable, RateLimited)):
        Connection.open(scripted_grant(server), replace(imap_settings, read_timeout=1.0))


def test_utf8_names_where_the_server_takes_them(imap_settings: ProviderSettings) -> None:
    with ScriptedImap(capabilities="IMAP4rev1 AUTH=PLAIN ENABLE UTF8=ACCEPT LITERAL+") as server:
        server.on("ENABLE", answer("* ENABLED UTF8=ACCEPT", "{tag} OK"))
        connection = Connection.open(scripted_grant(server), imap_settings)
        assert connection.utf8
        assert connection.mailbox("Entwürfe") != b'"Entw&APw-rfe"'
        connection.close()


async def test_gmail_lists_all_mail_once_and_threads_by_its_ids(imap_settings: ProviderSettings) -> None:
    with ScriptedImap(capabilities="IMAP4rev1 AUTH=PLAIN UIDPLUS MOVE X-GM-EXT-1") as server:
        server.folders["[Gmail]/All Mail"] = Folder("[Gmail]/All Mail", "\\HasNoChildren \\All")
        server.folders["INBOX"].add(mail("a"))
        server.folders["[Gmail]/All Mail"].add(mail("a"))
        server.folders["[Gmail]/All Mail"].add(mail("archived"))
        session = open_scripted(server, imap_settings)
        assert await subjects(session) == ["archived", "a"]
        assert commands(server, "X-GM-THRID")
        [record, *_] = (await session.messages.find(None, ALL, PageRequest())).records
        server.on("UID STORE", answer("{tag} OK"))
        await session.messages.update(Ref(record.id), UpdateMessageStatusData(archived=True, keywords=["Work"]))
        stored = commands(server, "X-GM-LABELS.SILENT")
        assert [line[line.index("X-GM") - 1 :] for line in stored] == [
            "+X-GM-LABELS.SILENT (Work)",
            "-X-GM-LABELS.SILENT (\\Inbox)",
        ]
        await session.close()


async def test_very_many_folders_without_list_status(scripted: ScriptedImap, plain: ImapSession) -> None:
    for number in range(150):
        scripted.folders[f"f{number}"] = Folder(f"f{number}")
    scripted.folders["f7"].add(mail("first"))
    assert await subjects(plain) == ["first"]
    scripted.seen.clear()
    await subjects(plain)
    assert 0 < len(commands(scripted, "STATUS")) <= 60, "the cost of a list is limited"
    scripted.folders["f120"].add(mail("second"))
    scripted.folders["INBOX"].add(mail("third"))
    assert "third" in await subjects(plain), "folders with a use are asked each time"
    assert await subjects(plain, parent=ids.folder_id("f120")) == ["second"], "a folder by itself is always up to date"
    for _ in range(5):
        found = await subjects(plain)
    assert sorted(map(str, found)) == ["first", "second", "third"]
