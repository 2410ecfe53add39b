"""The adapter on a real Dovecot: what the conformance suite does not know about IMAP."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Invalid, NotFound, Unauthorized
from providers.base.ports import MessageQuery, MessageView
from providers.base.provider import Mailbox, ProviderSettings
from providers.imap import ids, index
from providers.imap.connection import Connection
from providers.imap.grant import Security
from providers.imap.provider import ImapProvider, ImapSession
from providers.imap.wire import Wire
from schemas.mail import BodyType, Omitted, SysLabel, UpdateMessageStatusData
from schemas.outgoing import EmailFolderCreate
from tests.providers.imap.conftest import Inject, mail
from tests.servers.dovecot import Dovecot, User
from tests.servers.plugin import grant_of

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ALL = MessageQuery()


async def subjects(session: ImapSession, parent: str | None = None, query: MessageQuery = ALL) -> list[str | None]:
    page = await session.messages.find(parent, query, PageRequest(limit=100))
    return [record.subject for record in page.records]


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by the number of commands of every round trip."""
    seen: list[int] = []
    pipeline = Wire.pipeline

    def counted(self: Wire, commands: object) -> object:
        plan = list(commands)  # type: ignore[call-overload]
        seen.append(len(plan))
        return pipeline(self, plan)

    monkeypatch.setattr(Wire, "pipeline", counted)
    return seen


async def test_round_trips(session: ImapSession, inject: Inject, trips: list[int]) -> None:
    for number in range(5):
        inject(mail(f"m{number}"), ("INBOX", "Sent")[number % 2], received=NOON + timedelta(hours=number))
    await session.messages.find(None, ALL, PageRequest())
    await session.account.threads.ready(10)
    await session.messages.find(None, ALL, PageRequest())
    trips.clear()
    page = await session.messages.find(None, ALL, PageRequest())
    assert len(trips) == 1, "a warm list is one question"
    trips.clear()
    record = page.records[0]
    await session.messages.get(Ref(record.id))
    assert len(trips) == 1, "a message whose structure is known is one question"
    trips.clear()
    inject(mail("new"), received=NOON + timedelta(days=1))
    found = await session.messages.get(Ref((await session.messages.find(None, ALL, PageRequest())).records[0].id))
    assert found.subject == "new"
    assert len(trips) <= 6


async def test_flags_changed_by_another_client_are_seen_at_once(
    session: ImapSession, inject: Inject, dovecot: Dovecot, user: User
) -> None:
    inject(mail("a"))
    with dovecot.client(user) as other:
        other.select_folder("INBOX")
        for flags in ([b"\\Seen"], [b"\\Seen", b"\\Flagged"], []):
            other.set_flags([1], flags)
            [record] = (await session.messages.find(None, ALL, PageRequest())).records
            assert (SysLabel.UNREAD in (record.sys_labels or [])) is (b"\\Seen" not in flags)
            assert (SysLabel.FLAGGED in (record.sys_labels or [])) is (b"\\Flagged" in flags)


async def test_arrivals_and_removals_while_the_folder_is_selected(
    session: ImapSession, inject: Inject, dovecot: Dovecot, user: User
) -> None:
    """Dovecot describes a selected folder as the connection last saw it; the refresh notices."""
    inject(mail("a"))
    assert await subjects(session) == ["a"]
    await session.messages.get(Ref((await session.messages.find(None, ALL, PageRequest())).records[0].id))
    inject(mail("b"))
    assert await subjects(session) == ["b", "a"]
    with dovecot.client(user) as other:
        other.select_folder("INBOX")
        other.delete_messages([1])
        assert await subjects(session) == ["b"], "flagged \\Deleted is gone for people"
        other.expunge()
    assert await subjects(session) == ["b"]
    assert await subjects(session, ids.folder_id("INBOX")) == ["b"]


async def test_only_deleted_messages_do_not_end_a_page_early(
    session: ImapSession, inject: Inject, dovecot: Dovecot, user: User
) -> None:
    for number in range(8):
        inject(mail(f"m{number}"), received=NOON + timedelta(hours=number))
    with dovecot.client(user) as other:
        other.select_folder("INBOX")
        other.delete_messages([8, 7, 6, 4])
    page = await session.messages.find(None, ALL, PageRequest(limit=3))
    assert [record.subject for record in page.records] == ["m4", "m2", "m1"]
    assert page.cursor is not None
    page = await session.messages.find(None, ALL, PageRequest(page.cursor, 3))
    assert [record.subject for record in page.records] == ["m0"]
    assert page.cursor is None


async def test_order_is_by_time_of_receipt_not_by_arrival(session: ImapSession, inject: Inject) -> None:
    for name, hours in (("middle", 2), ("oldest", 1), ("newest", 3)):
        inject(mail(name), received=NOON + timedelta(hours=hours))
    assert await subjects(session) == ["newest", "middle", "oldest"]
    inject(mail("older"), received=NOON)
    assert await subjects(session) == ["newest", "middle", "oldest", "older"]


async def test_ids_survive_a_renamed_folder(session: ImapSession, inject: Inject, dovecot: Dovecot, user: User) -> None:
    inject(mail("a"), "Before")
    [record] = (await session.messages.find(ids.folder_id("Before"), ALL, PageRequest())).records
    with dovecot.client(user) as other:
        other.rename_folder("Before", "After")
        session.account.pool.forget("Before")
        found = await session.messages.get(Ref(record.id))
        assert found.subject == "a"
        assert found.folder_id == ids.folder_id("After")
        other.delete_folder("After")
    session.account.pool.forget("After")
    with pytest.raises(NotFound):
        await session.messages.get(Ref(record.id))
    with pytest.raises(NotFound):
        await session.messages.find(ids.folder_id("Before"), ALL, PageRequest())


async def test_a_rebuilt_folder_has_other_messages(
    session: ImapSession, inject: Inject, dovecot: Dovecot, user: User
) -> None:
    inject(mail("a"), "Work")
    [record] = (await session.messages.find(ids.folder_id("Work"), ALL, PageRequest())).records
    with dovecot.client(user) as other:
        other.delete_folder("Work")
    inject(mail("b"), "Work")
    assert await subjects(session) == ["b"]
    with pytest.raises(NotFound):
        await session.messages.get(Ref(record.id))


async def test_moving_gives_the_new_id(session: ImapSession, inject: Inject) -> None:
    inject(mail("a"))
    [record] = (await session.messages.find(None, ALL, PageRequest())).records
    archived = await session.messages.update(Ref(record.id), UpdateMessageStatusData(archived=True, unread=False))
    assert archived.id != record.id
    assert archived.folder_id == ids.folder_id("Archive")
    assert SysLabel.UNREAD not in (archived.sys_labels or [])
    again = await session.messages.update(Ref(archived.id), UpdateMessageStatusData(archived=True))
    assert again.id == archived.id
    back = await session.messages.update(Ref(archived.id), UpdateMessageStatusData(archived=False))
    assert back.folder_id == ids.folder_id("INBOX")
    with pytest.raises(NotFound):
        await session.messages.update(Ref(archived.id), UpdateMessageStatusData(unread=True))


async def test_the_marked_archive_is_used(
    inject: Inject, dovecot: Dovecot, user: User, imap_settings: ProviderSettings
) -> None:
    inject(mail("a"))
    inject(mail("b"), "Mine")
    marks = {"archive": ids.folder_id("Mine")}
    mailbox = Mailbox(1, 1, user.address, grant_of(user, dovecot).model_dump(), marks=marks)
    session = await ImapProvider(imap_settings).open(mailbox)
    assert (await session.folders.well_known()).archive == ids.folder_id("Mine")
    [record] = (await session.messages.find(ids.folder_id("INBOX"), ALL, PageRequest())).records
    moved = await session.messages.update(Ref(record.id), UpdateMessageStatusData(archived=True))
    assert moved.folder_id == ids.folder_id("Mine")
    await session.close()


async def test_keywords(session: ImapSession, inject: Inject, dovecot: Dovecot, user: User) -> None:
    inject(mail("a"), flags=(b"Work", b"$Forwarded", b"\\Answered"))
    [record] = (await session.messages.find(None, ALL, PageRequest())).records
    assert record.keywords == ["Work"], "what programs note for themselves is not shown"
    changed = await session.messages.update(Ref(record.id), UpdateMessageStatusData(keywords=["work", "Home"]))
    assert changed.keywords == ["Home", "Work"], "letters of any case are the same keyword"
    changed = await session.messages.update(Ref(record.id), UpdateMessageStatusData(keywords=[]))
    assert changed.keywords == []
    with dovecot.client(user) as other:
        other.select_folder("INBOX")
        assert set(other.get_flags([1])[1]) - {b"\\Recent"} == {b"$Forwarded", b"\\Answered"}


@pytest.mark.parametrize("keyword", ["two words", "", "é", "a(b", "\\Seen", 'q"', "x" * 300, "a]b", "a*"])
async def test_what_cannot_be_a_keyword(session: ImapSession, inject: Inject, keyword: str) -> None:
    inject(mail("a"))
    [record] = (await session.messages.find(None, ALL, PageRequest())).records
    with pytest.raises(Invalid) as caught:
        await session.messages.update(Ref(record.id), UpdateMessageStatusData(keywords=["fine", keyword]))
    assert caught.value.path == "keywords.1"
    assert (await session.messages.get(Ref(record.id))).keywords == []


async def test_deleting_leaves_other_deletions_alone(
    session: ImapSession, inject: Inject, dovecot: Dovecot, user: User
) -> None:
    """Never a bare EXPUNGE: the trap of imapclient's delete_messages() and expunge()."""
    inject(mail("theirs"), "Trash", (b"\\Deleted",))
    inject(mail("ours"), "Trash")
    [record] = (await session.messages.find(ids.folder_id("Trash"), ALL, PageRequest())).records
    await session.messages.delete(Ref(record.id))
    with pytest.raises(NotFound):
        await session.messages.delete(Ref(record.id))
    with dovecot.client(user) as other:
        other.select_folder("Trash")
        assert other.search() == [1]


async def test_large_content_streams_in_pieces(session: ImapSession, inject: Inject, trips: list[int]) -> None:
    text = "".join(f"{number:07}\r\n" for number in range(100_000))
    kind = "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=x.txt\r\n"
    source = mail("big", body=text, more=kind)
    inject(source)
    [record] = (await session.messages.find(None, ALL, PageRequest())).records
    trips.clear()
    content = await session.messages.source(Ref(record.id))
    pieces = [piece async for piece in content.chunks]
    assert b"".join(pieces) == source
    assert content.size == len(source)
    assert max(map(len, pieces)) == 262_144 and len(trips) == 4
    content = await session.messages.attachment(Ref(record.id), "1")
    assert b"".join([piece async for piece in content.chunks]) == text.encode() + b"\r\n"
    with pytest.raises(NotFound):
        await session.messages.attachment(Ref(record.id), "2")


async def test_a_message_is_read_without_marking_it(session: ImapSession, inject: Inject) -> None:
    inject(mail("a", body="<p>Hi</p>", more="Content-Type: text/html\r\n"))
    [record] = (await session.messages.find(None, ALL, PageRequest())).records
    view = MessageView(BodyType.TEXT, native_properties=("Message-ID", "X-None", "bad name\r\n"))
    found = await session.messages.get(Ref(record.id), view)
    assert (found.body or "").strip() == "Hi"
    assert found.native_properties == {"Message-ID": "<a@t>"}
    assert SysLabel.UNREAD in (found.sys_labels or [])
    listed = await session.messages.find(None, MessageQuery(view=view), PageRequest())
    assert listed.records[0].body_snippet == "Hi" and listed.records[0].body is None
    assert listed.records[0].native_properties == {"Message-ID": "<a@t>"}
    assert {Omitted.BODY, Omitted.ATTACHMENTS} <= set(listed.records[0].omitted or ())


async def test_threads_across_folders_and_restarts(
    session: ImapSession, inject: Inject, dovecot: Dovecot, user: User, imap_settings: ProviderSettings
) -> None:
    inject(mail("question"), received=NOON)
    inject(mail("answer", answers="question"), "Sent", received=NOON + timedelta(hours=1))
    inject(mail("late", answers="missing"), received=NOON + timedelta(hours=2))
    await session.account.threads.ready(10)
    before = {r.subject: r.thread_id for r in (await session.messages.find(None, ALL, PageRequest())).records}
    assert before["question"] == before["answer"] != before["late"]
    inject(mail("missing", answers="answer"), received=NOON + timedelta(hours=3))
    after = {r.subject: r.thread_id for r in (await session.messages.find(None, ALL, PageRequest())).records}
    assert set(after.values()) == {before["question"]}
    assert before["late"] is not None
    page = await session.messages.conversation(before["late"], ALL, PageRequest(limit=3))
    assert [record.subject for record in page.records] == ["question", "answer", "late"]
    rest = await session.messages.conversation(before["late"], ALL, PageRequest(page.cursor, 3))
    assert [record.subject for record in rest.records] == ["missing"]
    mailbox = Mailbox(1, 1, user.address, grant_of(user, dovecot).model_dump())
    other = await ImapProvider(imap_settings).open(mailbox)
    record = await other.messages.get(Ref(rest.records[0].id), MessageView(require_thread_id=True))
    assert record.thread_id == before["question"], "another process, the same id"
    await other.close()


async def test_folders_with_strange_names(session: ImapSession, dovecot: Dovecot, user: User) -> None:
    parent = await session.folders.create(None, EmailFolderCreate(name="Entwürfe & mehr 日本"))
    child = await session.folders.create(None, EmailFolderCreate(name='q"*%\\', parent_id=parent.id))
    assert (await session.folders.get(Ref(child.id))).full_name == 'Entwürfe & mehr 日本/q"*%\\'
    assert child.parent_id == parent.id
    assert await subjects(session, child.id) == []
    with dovecot.client(user) as other:
        assert {name for _, _, name in other.list_folders()} >= {parent.full_name, child.full_name}
    for name in ("a/b", "", "tab\there"):
        with pytest.raises(Invalid):
            await session.folders.create(None, EmailFolderCreate.model_construct(name=name, parent_id=None))


async def test_parents_that_hold_no_messages(session: ImapSession, dovecot: Dovecot, user: User) -> None:
    with dovecot.client(user) as other:
        other.create_folder("Top/Below")
    page = await session.folders.find(None, None, PageRequest(limit=100))
    by_name = {folder.full_name: folder for folder in page.records}
    assert by_name["Top/Below"].parent_id == by_name["Top"].id
    with pytest.raises(NotFound):
        await session.messages.find(by_name["Top"].id, ALL, PageRequest())
    assert await subjects(session, by_name["Top/Below"].id) == []


async def test_twenty_at_once_share_connections_and_questions(
    session: ImapSession, inject: Inject, trips: list[int]
) -> None:
    for number in range(5):
        inject(mail(f"m{number}"))
    expected = await subjects(session)
    await session.account.threads.ready(10)
    trips.clear()
    assert await asyncio.gather(*(subjects(session) for _ in range(20))) == [expected] * 20
    assert len(trips) < 20


async def test_a_restarted_server_is_not_noticed(session: ImapSession, inject: Inject, dovecot: Dovecot) -> None:
    inject(mail("a"))
    [record] = (await session.messages.find(None, ALL, PageRequest())).records
    dovecot.restart()
    assert (await session.messages.get(Ref(record.id))).subject == "a"
    dovecot.restart()
    assert await subjects(session) == ["a"]


async def test_ping_knows_of_a_changed_password(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    grant = grant_of(user, dovecot).model_copy(update={"password": "wrong-secret"})
    session = await ImapProvider(imap_settings).open(Mailbox(1, 1, user.address, grant.model_dump()))
    with pytest.raises(Unauthorized) as caught:
        await session.ping()
    assert "wrong-secret" not in f"{caught.value!r} {caught.value.original!r}"


@pytest.mark.parametrize("how", ["tls", "starttls", "token"])
def test_ways_to_sign_in(dovecot: Dovecot, user: User, imap_settings: ProviderSettings, how: str) -> None:
    grant = grant_of(user, dovecot)
    if how == "starttls":
        endpoint = grant.imap.model_copy(update={"port": dovecot.imap, "security": Security.STARTTLS})
        grant = grant.model_validate({**grant.model_dump(), "imap": endpoint.model_dump()})
    if how == "token":
        grant = grant.model_copy(update={"password": None, "access_token": dovecot.issue_token(user)})
    connection = Connection.open(grant, imap_settings)
    assert connection.can("UIDPLUS"), "capabilities are read again after the sign-in"
    assert "CONDSTORE" in connection.enabled
    assert connection.select("INBOX").uidvalidity
    connection.close()


def test_a_refused_token_is_answered_and_named(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    """The challenge with the error gets an empty response; imapclient would send the token again."""
    grant = grant_of(user, dovecot).model_copy(update={"password": None, "access_token": "expired"})
    with pytest.raises(Unauthorized):
        Connection.open(grant, replace(imap_settings, read_timeout=3))


async def test_forgetting_only_costs_time(session: ImapSession, inject: Inject) -> None:
    inject(mail("a"))
    inject(mail("b", answers="a"))
    before = await session.messages.find(None, ALL, PageRequest())
    session.account.forget()
    await session.account.threads.ready(10)
    after = await session.messages.find(None, ALL, PageRequest())
    assert [record.id for record in after.records] == [record.id for record in before.records]
    assert len({record.thread_id for record in after.records}) == 1


async def test_large_folders_are_read_in_windows(
    session: ImapSession, inject: Inject, dovecot: Dovecot, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_AT_ONCE", 3)
    for number in range(10):
        inject(mail(f"m{number}"), ("INBOX", "Work")[number % 2], received=NOON + timedelta(hours=number))
    expected = [f"m{number}" for number in range(9, -1, -1)]
    assert await subjects(session) == expected
    with dovecot.client(user) as other:
        other.select_folder("INBOX")
        other.delete_messages([1, 3])
        other.expunge()
    assert await subjects(session) == [name for name in expected if name not in ("m0", "m4")]
