"""Listening to a real Dovecot: with NOTIFY, and with IDLE where that is not offered."""

import asyncio
import smtplib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import psutil
import pytest

from providers.base.errors import Denied, ProviderError, Retryable, Unauthorized, Unavailable
from providers.base.provider import Mailbox, ProviderSettings
from providers.imap.listening import sweep
from providers.imap.provider import ImapProvider
from tests.providers.heard import Heard
from tests.providers.imap.conftest import mail
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.plugin import grant_of

pytestmark = pytest.mark.anyio
WITHOUT_NOTIFY = """
protocol imap {
  imap_capability = IMAP4rev1 SASL-IR ID ENABLE IDLE NAMESPACE UIDPLUS LIST-EXTENDED LIST-STATUS CONDSTORE UNSELECT MOVE
}
"""


def mailbox_of(user: User, server: Dovecot, key: int = 1) -> Mailbox:
    return Mailbox(key, 1, user.address, grant_of(user, server).model_dump())


def deliver(server: Dovecot, user: User) -> None:
    with smtplib.LMTP(server.host, server.lmtp) as post:
        post.sendmail("a@example.org", user.address, mail("delivered"))


@pytest.fixture
async def provider(imap_settings: ProviderSettings, anyio_backend: str) -> AsyncIterator[ImapProvider]:
    opened = ImapProvider(imap_settings)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def idle_only(authority: Authority) -> Iterator[Dovecot]:
    with Dovecot(authority.issue(), extra=WITHOUT_NOTIFY) as server:
        yield server


async def test_everything_in_every_folder_is_heard(provider: ImapProvider, dovecot: Dovecot, user: User) -> None:
    with dovecot.client(user) as other:
        other.create_folder("Work")
        for folder in ("INBOX", "Work"):
            other.append(folder, mail("there"))
        heard = Heard()
        listening = await provider.listen(mailbox_of(user, dovecot), heard)
        deliver(dovecot, user)
        await heard.hint()
        other.append("Work", mail("filed"))
        await heard.hint()
        for folder in ("INBOX", "Work"):
            other.select_folder(folder)
            for change in (other.add_flags, other.remove_flags):
                change([1], [b"\\Flagged"])
                await heard.hint()
            other.add_flags([1], [b"keyword"])
            await heard.hint()
            other.move([1], "Trash")
            await heard.hint()
        other.unselect_folder()
        other.create_folder("New")
        await heard.hint()
        other.rename_folder("New", "Newer")
        await heard.hint()
        other.append("Newer", mail("moved here"))
        await heard.hint()
        other.delete_folder("Newer")
        await heard.hint()
    await listening.close()
    assert heard.errors == []


async def test_without_notify_the_inbox_is_heard_at_once(
    provider: ImapProvider, idle_only: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "SHORTEST", 1000.0)
    user, heard = idle_only.new_user(), Heard()
    with idle_only.client(user) as other:
        other.append("INBOX", mail("there"))
        listening = await provider.listen(mailbox_of(user, idle_only), heard)
        deliver(idle_only, user)
        await heard.hint()
        other.select_folder("INBOX")
        other.add_flags([1], [b"\\Flagged"])
        await heard.hint()
        other.delete_messages([1])
        await heard.hint()
        other.expunge()
        await heard.hint()
    await listening.close()


async def test_without_notify_other_folders_are_looked_at(
    provider: ImapProvider, idle_only: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "SHORTEST", 0.2)
    monkeypatch.setattr(sweep, "LONGEST", 0.2)
    user, heard = idle_only.new_user(), Heard()
    with idle_only.client(user) as other:
        other.create_folder("Work")
        other.append("Work", mail("there"))
        listening = await provider.listen(mailbox_of(user, idle_only), heard)
        other.append("Work", mail("filed"))
        await heard.hint()
        other.select_folder("Work")
        other.add_flags([1], [b"\\Flagged"])
        await heard.hint()
        other.move([1], "Archive")
        await heard.hint()
        other.create_folder("New")
        await heard.hint()
        deliver(idle_only, user)
        await heard.hint()
    await listening.close()


async def test_nothing_is_missed_however_the_changes_fall(provider: ImapProvider, dovecot: Dovecot, user: User) -> None:
    heard = Heard()
    listening = await provider.listen(mailbox_of(user, dovecot), heard)
    with dovecot.client(user) as other:
        for number in range(12):
            await asyncio.sleep(number * 0.07)
            other.append(("INBOX", "Archive")[number % 2], mail(f"m{number}"))
            await heard.hint()
    await listening.close()


async def test_mail_that_others_put_into_the_store_is_heard(provider: ImapProvider, authority: Authority) -> None:
    """As procmail and others do: Dovecot tells of it only in the folder that is open."""
    with Dovecot(authority.issue(), mail_location="maildir:~/Maildir") as server:
        user, heard = server.new_user(), Heard()
        deliver(server, user)
        listening = await provider.listen(mailbox_of(user, server), heard)
        new = server.root / "mail" / user.address / "Maildir" / "new"
        for number in range(3):
            (new / f"{number}.M1.host").write_bytes(mail("dropped"))
            await heard.hint()
        await listening.close()


async def test_a_lost_server_is_told_once_and_a_new_listener_hears_again(
    provider: ImapProvider, authority: Authority
) -> None:
    with Dovecot(authority.issue()) as server:
        user, heard = server.new_user(), Heard()
        await provider.listen(mailbox_of(user, server), heard)
        for process in psutil.Process(server.pid).children(recursive=True):
            process.kill()
        server.stop()
        assert isinstance(await heard.error(), Unavailable)
        with pytest.raises(Unavailable) as caught:
            await provider.listen(mailbox_of(user, server), Heard())
        assert caught.value.retry_after
        server._start()
        again = Heard()
        listening = await until_listening(provider, mailbox_of(user, server), again)
        deliver(server, user)
        await again.hint()
        await listening.close()
        assert len(heard.errors) == 1


async def until_listening(provider: ImapProvider, mailbox: Mailbox, heard: Heard):  # type: ignore[no-untyped-def]
    while True:
        try:
            return await provider.listen(mailbox, heard)
        except Retryable as error:
            await asyncio.sleep(error.retry_after or 0.1)


async def test_many_accounts_on_one_thread(provider: ImapProvider, dovecot: Dovecot) -> None:
    users = [dovecot.new_user() for _ in range(50)]
    ears = [Heard() for _ in users]
    for user in users:
        deliver(dovecot, user)  # which makes INBOX: no news later
    before = set(threading.enumerate())  # other tests' providers may still be on their way out
    listening = await asyncio.gather(
        *(provider.listen(mailbox_of(user, dovecot), ear) for user, ear in zip(users, ears, strict=True))
    )
    names = [thread.name for thread in set(threading.enumerate()) - before]
    assert names.count("switchboard") == 1 and len(names) < 20
    for user in users[::7]:
        deliver(dovecot, user)
    await asyncio.gather(*(ear.hint() for ear in ears[::7]))
    assert not any(ear.hints for ear in ears), "each hears of its own mail only"
    await asyncio.gather(*(one.close() for one in listening))
    assert not any(ear.errors for ear in ears)


async def test_a_closed_listener_hears_nothing(provider: ImapProvider, dovecot: Dovecot, user: User) -> None:
    closed, open_ = Heard(), Heard()
    one = await provider.listen(mailbox_of(user, dovecot), closed)
    other = await provider.listen(mailbox_of(user, dovecot), open_)
    await one.close()
    await one.close()
    deliver(dovecot, user)
    await open_.hint()
    assert (closed.hints, closed.errors) == (0, [])
    await other.close()


async def test_a_wrong_password_is_said(provider: ImapProvider, dovecot: Dovecot, user: User) -> None:
    with pytest.raises(Unauthorized):
        await provider.listen(mailbox_of(User(user.address, "wrong"), dovecot), Heard())


async def test_listening_that_was_given_up_leaves_no_connection(
    provider: ImapProvider, dovecot: Dovecot, user: User
) -> None:
    budget = provider._hosts.budget(grant_of(user, dovecot))
    for pause in (0.0, 0.002, 0.005, 0.01, 0.02, 0.05):
        task = asyncio.create_task(provider.listen(mailbox_of(user, dovecot), Heard()))
        await asyncio.sleep(pause)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await (await task).close()
    for _ in range(200):
        if not budget._listening:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{budget._listening} connections are left")


async def test_an_access_token_that_expired(provider: ImapProvider, dovecot: Dovecot, user: User) -> None:
    token = dovecot.issue_token(user)
    grant = grant_of(user, dovecot).model_copy(update={"password": None, "access_token": token})
    mailbox, heard = Mailbox(1, 1, user.address, grant.model_dump()), Heard()
    listening = await provider.listen(mailbox, heard)
    deliver(dovecot, user)
    await heard.hint()
    await listening.close()
    del dovecot.tokeninfo.tokens[token]
    with pytest.raises(ProviderError) as caught:
        await provider.listen(mailbox, Heard())
    assert isinstance(caught.value, Denied)
