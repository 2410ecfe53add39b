"""The sandbox as a provider: linking, its mail, and one file for all processes."""

import asyncio
import multiprocessing
import stat
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Invalid, Unauthorized
from providers.base.ports import MessageQuery, MessageView, Outgoing
from providers.base.provider import Mailbox, ProviderSettings, Session
from providers.base.query import parse
from providers.sandbox import data
from providers.sandbox.provider import SandboxProvider
from schemas.accounts import ApiAccountInDto, ServiceType
from schemas.mail import BodyType, EmailAddress, EmailMessage, MeetingMessageMethod, SysLabel
from schemas.outgoing import OutgoingEmail
from tests.providers.heard import Heard

T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


def provider(path: Path) -> SandboxProvider:
    return SandboxProvider(ProviderSettings(var_dir=path))


def account(email: str, password: str = "any", server_info: str | None = None) -> ApiAccountInDto:
    return ApiAccountInDto(
        service_type=ServiceType.SANDBOX, active=True, email=email, password=password, server_info=server_info
    )


async def opened(sandbox: SandboxProvider, key: int, email: str, server_info: str | None = None) -> Session:
    linked = await sandbox.link(account(email, server_info=server_info), ensure_access=True)
    return await sandbox.open(Mailbox(key, 1, linked.email, linked.grant, linked.name))


async def everything(session: Session, q: str = "in:anywhere", view: MessageView = MessageView()) -> list[EmailMessage]:
    assert session.messages
    query = MessageQuery(parse(q, now=datetime.now(UTC)), view=view)
    return list((await session.messages.find(None, query, PageRequest(limit=500))).records)


def letter(to: str, message_id: str = "<one@suite.example>") -> Outgoing:
    email = OutgoingEmail(to=[EmailAddress(address=to)], subject="Hello", body="Words")
    return Outgoing(email, message_id, datetime.now(UTC), BodyType.TEXT)


def test_linking_takes_any_address_and_says_who_it_is(tmp_path: Path) -> None:
    linked = run(provider(tmp_path).link(account("jane.doe@example.org"), ensure_access=True))
    assert (linked.email, linked.login, linked.name) == ("jane.doe@example.org", "jane.doe@example.org", "Jane Doe")
    assert not list(tmp_path.iterdir())  # nothing is stored


def test_the_wrong_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unauthorized, match="wrong"):
        run(provider(tmp_path).link(account("a@example.org", "wrong"), ensure_access=True))


@pytest.mark.parametrize("email", ["", "nobody", "a@", "a b@example.org"])
def test_what_is_no_address_is_refused(tmp_path: Path, email: str) -> None:
    with pytest.raises(Invalid) as refused:
        run(provider(tmp_path).link(account(email), ensure_access=True))
    assert refused.value.path == "email"


def test_the_mail_is_the_same_for_the_same_address_and_moment() -> None:
    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
    first, again = (list(data.letters("a@example.org", "A", moment)) for _ in range(2))
    assert first == again != list(data.letters("b@example.org", "B", moment))
    assert 50 <= len(first) <= 70
    assert all(moment - timedelta(days=22) < item.received < moment for _, item in first)


def test_the_mail_is_believable(tmp_path: Path) -> None:
    async def story() -> None:
        session = await opened(provider(tmp_path), 1, "sam@example.org")
        messages = await everything(session)
        assert len(messages) > 50
        threads = [message.thread_id for message in messages]
        assert sum(threads.count(thread) > 2 for thread in set(threads)) >= 5
        labels = [label for message in messages for label in message.sys_labels or ()]
        assert set(labels) >= set(SysLabel) - {SysLabel.IMPORTANT}
        assert {keyword for message in messages for keyword in message.keywords or ()} == {"alpha", "family"}
        assert any(message.meeting_message_method is MeetingMessageMethod.REQUEST for message in messages)
        assert sum(bool(message.has_attachments) for message in messages) >= 6
        for words in ("打ち合わせ", "الاجتماع", "Büromöbel", "has:attachment", "is:unread in:inbox", "café"):
            assert await everything(session, words)

    run(story())


def test_every_message_can_be_read(tmp_path: Path) -> None:
    async def story() -> None:
        session = await opened(provider(tmp_path), 1, "sam@example.org")
        assert session.messages
        for message in await everything(session):
            whole = await session.messages.get(Ref(message.id), MessageView(load_inlines=True))
            assert whole.body
            assert whole.subject
            for attachment in whole.attachments or ():
                content = await session.messages.attachment(Ref(message.id), attachment.id)
                assert b"".join([chunk async for chunk in content.chunks])

    run(story())


def test_state_outlives_the_provider(tmp_path: Path) -> None:
    async def before() -> tuple[Mailbox, list[str]]:
        sandbox = provider(tmp_path)
        linked = await sandbox.link(account("sam@example.org"), ensure_access=True)
        mailbox = Mailbox(7, 1, linked.email, linked.grant)
        session = await sandbox.open(mailbox)
        assert session.messages
        await session.messages.delete(Ref((await everything(session, "in:inbox"))[0].id))
        ids = [message.id for message in await everything(session, "in:inbox")]
        await sandbox.close()
        return mailbox, ids

    async def after(mailbox: Mailbox) -> list[str]:
        session = await provider(tmp_path).open(mailbox)
        return [message.id for message in await everything(session, "in:inbox")]

    mailbox, ids = run(before())
    assert run(after(mailbox)) == ids
    assert stat.S_IMODE((tmp_path / "sandbox.sqlite3").stat().st_mode) == 0o600


def test_linking_again_keeps_the_mail(tmp_path: Path) -> None:
    async def story() -> None:
        sandbox = provider(tmp_path)
        ids = [message.id for message in await everything(await opened(sandbox, 1, "sam@example.org"))]
        assert [message.id for message in await everything(await opened(sandbox, 1, "sam@example.org"))] == ids
        others = await everything(await opened(sandbox, 2, "sam@example.org"))
        assert not set(ids) & {message.id for message in others}

    run(story())


def test_two_accounts_write_to_each_other_even_before_one_was_opened(tmp_path: Path) -> None:
    async def story() -> None:
        sandbox = provider(tmp_path)
        bob = await sandbox.link(account("Bob@example.org", server_info="empty"), ensure_access=True)
        ann = await opened(sandbox, 1, "ann@example.org", "empty")
        assert ann.messages
        await ann.messages.send(letter("bob@EXAMPLE.org"))
        session = await sandbox.open(Mailbox(2, 1, bob.email, bob.grant))
        [received] = await everything(session)
        assert received.subject == "Hello"
        assert received.sys_labels == [SysLabel.INBOX, SysLabel.UNREAD]
        late = await opened(sandbox, 3, "bob@example.org", "empty")  # linked after the letter: none of its business
        assert await everything(late) == []
        await ann.messages.send(letter("bob@example.org", "<two@suite.example>"))
        assert len(await everything(session)) == 2
        assert len(await everything(late)) == 1

    run(story())


def _send_some(path: Path, key: int, count: int) -> None:
    async def story() -> None:
        session = await opened(provider(path), key, f"p{key}@example.org", "empty")
        assert session.messages
        for number in range(count):
            await session.messages.send(letter("all@example.org", f"<{key}.{number}@suite.example>"))

    run(story())


def test_several_processes_share_the_file(tmp_path: Path) -> None:
    receiver = run(opened(provider(tmp_path / "new"), 1, "all@example.org", "empty"))
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_send_some, args=(tmp_path / "new", key, 10)) for key in (2, 3, 4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len({message.internet_message_id for message in run(everything(receiver))}) == 30


def test_what_another_process_writes_is_heard(tmp_path: Path) -> None:
    async def story() -> None:
        here, there, heard = provider(tmp_path), provider(tmp_path), Heard()
        linked = await here.link(account("me@sandbox.example", server_info="empty"), ensure_access=True)
        mailbox = Mailbox(1, 1, linked.email, linked.grant)
        listening = await here.listen(mailbox, heard)
        sender = await opened(there, 2, "you@sandbox.example", "empty")
        assert sender.messages
        await sender.messages.send(letter("me@sandbox.example"))
        await heard.hint()
        await listening.close()
        await sender.messages.send(letter("me@sandbox.example", "<two@suite.example>"))
        assert not here._ears._listening and heard.hints == 0
        await here.close()
        await there.close()

    run(story())
