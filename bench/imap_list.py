"""What a list page, a message and a search cost on a real Dovecot mailbox, beside bare imaplib doing the same.

`python -m bench imap-list` fills a fresh mailbox (five folders) on a Dovecot of its own and prints, per
operation, milliseconds of the wall (p50) and of our CPU, and the commands and round trips on the wire.
"""

import asyncio
import email.utils
import os
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from providers.base.collection import PageRequest, Ref
from providers.base.ports import MessageQuery, MessageView
from providers.base.provider import Mailbox, ProviderSettings
from providers.base.search import Contains, Where
from providers.imap.provider import ImapProvider, ImapSession
from providers.imap.wire import Wire
from schemas.mail import BodyType
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.plugin import grant_of

FOLDERS = ("INBOX", "Sent", "Archive", "Projects", "Lists")
START = 1_700_000_000


def message(number: int, random_: random.Random) -> bytes:
    """A message of 2 to 60 KB; every fifth has an attachment, every third answers an earlier one."""
    answers = f"In-Reply-To: <{number // 3}@bench.example>\r\nReferences: <{number // 3}@bench.example>\r\n"
    attachment = "QUJD" * random_.randrange(200, 12000) if number % 5 == 0 else ""
    return (
        f"Received: from a.example by b.example; {email.utils.formatdate(START + number * 600)}\r\n"
        f"From: Sender {number % 50} <s{number % 50}@bench.example>\r\nTo: Me <me@example.test>\r\n"
        f"Subject: =?utf-8?q?Message_{number}_caf=C3=A9?=\r\nMessage-ID: <{number}@bench.example>\r\n"
        f"Date: {email.utils.formatdate(START + number * 600)}\r\n{answers if number % 3 == 0 else ''}"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{'Some words of text. ' * 60}\r\n"
        f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>{'Some words of text. ' * 60}</p>\r\n"
        + (f"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n"
           f"Content-Disposition: attachment; filename=a.pdf\r\n\r\n{attachment}\r\n" if attachment else "")
        + "--b--\r\n"
    ).encode()  # fmt: skip


def fill(server: Dovecot, user: User, count: int) -> None:
    """Append the messages in batches (MULTIAPPEND)."""
    random_ = random.Random(1)  # not for secrets
    with server.client(user) as client:
        for folder in FOLDERS[3:]:
            client.create_folder(folder)
        for number in range(count):
            client.append(
                FOLDERS[number % 5], message(number, random_), (), datetime.fromtimestamp(START + number * 600, UTC)
            )


async def measured(name: str, repeat: int, job: Callable[[], Awaitable[object]]) -> None:
    """Run a job often and print what one run takes."""
    trips = 0
    pipeline = Wire.pipeline

    def counted(self: Wire, commands):  # type: ignore[no-untyped-def]
        nonlocal trips
        trips += 1
        return pipeline(self, commands)

    Wire.pipeline = counted  # type: ignore[method-assign]
    times, cpu = [], time.process_time()
    for _ in range(repeat):
        begin = time.perf_counter()
        await job()
        times.append(time.perf_counter() - begin)
    cpu = time.process_time() - cpu
    Wire.pipeline = pipeline  # type: ignore[method-assign]
    print(
        f"{name:42} p50 {statistics.median(times) * 1000:8.2f} ms   our CPU {cpu / repeat * 1000:7.2f} ms   "
        f"round trips {trips / repeat:.1f}"
    )


async def bench(session: ImapSession, _server: Dovecot, _user: User) -> None:
    """All figures for one mailbox."""
    mail = session.messages
    lists = MessageQuery()
    await measured("first list of 20 (index, conversations)", 1, lambda: mail.find(None, lists, PageRequest()))
    await session.account.threads.ready(60)
    await measured("warm list of 20", 300, lambda: mail.find(None, lists, PageRequest()))
    found = await mail.find(None, lists, PageRequest(limit=100))
    await measured("list of 100", 50, lambda: mail.find(None, lists, PageRequest(limit=100)))
    snippets = MessageQuery(view=MessageView(body_type=BodyType.TEXT))
    await measured("list of 20 with snippets", 50, lambda: mail.find(None, snippets, PageRequest()))
    refs = iter([Ref(record.id) for record in found.records[30:90]])
    await measured("get with text body, headers known", 30, lambda: mail.get(next(refs), MessageView(BodyType.TEXT)))
    await measured("get again (html)", 200, lambda: mail.get(Ref(found.records[0].id)))
    search = MessageQuery(search=Contains(Where.SUBJECT, "Message 77"))
    await measured("search by subject", 10, lambda: mail.find(None, search, PageRequest()))
    thread = next(record.thread_id for record in found.records if record.thread_id)
    await measured("conversation", 50, lambda: mail.conversation(thread, MessageQuery(), PageRequest()))

    async def paged() -> None:
        cursor = None
        for _ in range(10):
            page = await mail.find(None, lists, PageRequest(cursor, 20))
            cursor = page.cursor

    await measured("ten pages of 20", 5, paged)

    async def crowd() -> None:
        await asyncio.gather(*(mail.find(None, lists, PageRequest()) for _ in range(16)))

    await measured("16 warm lists at once", 30, crowd)


def main() -> None:
    """Start, fill, measure."""
    run(bench)


def run(measure: Callable[[ImapSession, Dovecot, User], Awaitable[None]]) -> None:
    """A Dovecot of its own with a filled mailbox, and a session on it that `measure` uses."""
    count = int(os.environ.get("BENCH_MESSAGES", "10000"))
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        settings = ProviderSettings(Path(folder), allow_private_networks=True, ca_bundle=str(authority.bundle))
        with Dovecot(authority.issue()) as server:
            user = server.new_user()
            fill(server, user, count)
            asyncio.run(_run(settings, user, server, measure))


async def _run(
    settings: ProviderSettings,
    user: User,
    server: Dovecot,
    measure: Callable[[ImapSession, Dovecot, User], Awaitable[None]],
) -> None:
    mailbox = Mailbox(1, 1, user.address, grant_of(user, server).model_dump())
    session = await ImapProvider(settings).open(mailbox)
    await measure(session, server, user)
    await session.close()
