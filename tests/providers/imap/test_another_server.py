"""The adapter on pymap, whose thread ids are its own (OBJECTID): listing, searching, threads, filing, drafts."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import NotFound
from providers.base.ports import MessageQuery, Messages, MessageView, Outgoing
from providers.base.provider import Mailbox, ProviderSettings, Session
from providers.base.query import parse
from providers.imap.grant import Endpoint, ImapGrant, Security
from providers.imap.provider import ImapProvider
from schemas.mail import EmailMessage, SysLabel, UpdateMessageStatusData
from schemas.outgoing import OutgoingEmail
from tests.servers.pymap import PASSWORD, USER, Pymap

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Pymap]:
    with Pymap() as running:
        yield running


async def opened(server: Pymap, folder: Path) -> Session:
    grant = ImapGrant(
        imap=Endpoint(host=server.host, port=server.port, security=Security.PLAIN),
        login=USER,
        smtp_login=USER,
        password=PASSWORD,
    )
    provider = ImapProvider(ProviderSettings(var_dir=folder, allow_private_networks=True))
    return await provider.open(Mailbox(1, 1, "somebody@example.test", grant.model_dump(mode="json")))


def fill(server: Pymap, count: int) -> None:
    with server.client() as client:
        for number in range(count):
            client.append("INBOX", f"Subject: number {number}\r\nMessage-ID: <{number}@x>\r\n\r\nText\r\n".encode())


async def find(messages: Messages, q: str) -> list[EmailMessage]:
    found = await messages.find(None, MessageQuery(parse(q, now=NOW)), PageRequest(None, 50))
    return list(found.records)


def test_reading_filing_and_deleting(server: Pymap, tmp_path: Path) -> None:
    async def run() -> None:
        session = await opened(server, tmp_path)
        assert session.messages
        messages = session.messages
        fill(server, 3)
        assert [one.subject for one in await find(messages, "in:anywhere")] == ["number 2", "number 1", "number 0"]
        (one,) = await find(messages, "subject:1 is:unread larger:10")
        read = await messages.get(Ref(one.id), MessageView(require_thread_id=True))
        assert read.thread_id
        thread = await messages.conversation(read.thread_id, MessageQuery(), PageRequest())
        assert [member.id for member in thread.records] == [one.id]
        filed = await messages.update(Ref(one.id), UpdateMessageStatusData(unread=False, archived=True))
        assert SysLabel.UNREAD not in (filed.sys_labels or ())
        assert [found.subject for found in await find(messages, "in:archive")] == ["number 1"]
        await messages.delete(Ref(filed.id))
        (trashed,) = await find(messages, "in:trash")
        await messages.delete(Ref(trashed.id))
        assert await find(messages, "in:trash") == []
        with pytest.raises(NotFound):
            await messages.get(Ref(trashed.id))
        await session.close()

    asyncio.run(run())


def test_mail_that_comes_and_goes_elsewhere_is_seen(server: Pymap, tmp_path: Path) -> None:
    async def run() -> None:
        session = await opened(server, tmp_path)
        assert session.messages
        fill(server, 2)
        assert len(await find(session.messages, "in:inbox")) == 2
        with server.client() as client:
            client.select_folder("INBOX")
            client.delete_messages(client.search()[:1])
            client.expunge()
        fill(server, 1)
        subjects = [one.subject for one in await find(session.messages, "in:inbox")]
        assert subjects == ["number 0", "number 1"]
        await session.close()

    asyncio.run(run())


def test_drafts(server: Pymap, tmp_path: Path) -> None:
    async def run() -> None:
        session = await opened(server, tmp_path)
        assert session.drafts
        drafts = session.drafts
        made = await drafts.create(None, Outgoing(OutgoingEmail(subject="one", body="x"), "<1@x>", NOW))
        changed = await drafts.update(Ref(made.id), Outgoing(OutgoingEmail(subject="two", body="y"), "<2@x>", NOW))
        assert (await drafts.get(Ref(changed.id))).message.subject == "two"
        with pytest.raises(NotFound):
            await drafts.get(Ref(made.id))
        await drafts.delete(Ref(changed.id))
        with server.client() as client:
            client.select_folder("Drafts")
            assert client.search() == []
        await session.close()

    asyncio.run(run())


def test_a_message_is_known_again_by_its_emailid(server: Pymap, tmp_path: Path) -> None:
    async def run() -> None:
        session = await opened(server, tmp_path)
        assert session.messages
        fill(server, 2)
        first = await session.messages.changes(None, None, MessageQuery())
        kins = {change.identity: change.kin for change in first.changed}
        assert all(kin and kin.startswith("e") for kin in kins.values())
        assert all((change.attributes or {}).get("threadId") for change in first.changed)
        with server.client() as client:
            client.select_folder("INBOX")
            client.create_folder("Elsewhere")
            client.move([client.search()[0]], "Elsewhere")
        second = await session.messages.changes(None, first.cursor, MessageQuery())
        [moved] = second.changed
        assert len(second.removed) == 1
        assert moved.kin == kins[moved.identity]
        await session.close()

    asyncio.run(run())
