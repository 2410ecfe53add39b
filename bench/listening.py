"""What it costs to listen to many accounts: memory and CPU while nothing happens, and the time until all are heard.

`python -m bench listening` starts a Dovecot of its own, over TLS on loopback, first as it is (NOTIFY), then without
NOTIFY (IDLE, and looks at the other folders). Each figure is of a process that only listens. CPU is measured over
`SECONDS` and scaled to a minute.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from providers.base.provider import Listening, Mailbox, Notice, ProviderSettings
from providers.imap.provider import ImapProvider
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.plugin import grant_of

SECONDS = 20.0
FEW, CPU, MANY, ALL = 100, 400, 500, 1000  # accounts
ROOM = """
default_client_limit = 12000
default_process_limit = 2000
default_vsz_limit = 1G
service imap {
  client_limit = 25
  process_limit = 200
  service_count = 0
}
service imap-login {
  client_limit = 2000
  process_min_avail = 2
}
"""
IDLE_ONLY = """
protocol imap {
  imap_capability = IMAP4rev1 SASL-IR ID ENABLE IDLE NAMESPACE UIDPLUS LIST-EXTENDED LIST-STATUS CONDSTORE UNSELECT
}
"""


def main() -> None:
    """Print the figures."""
    for name, extra in (("NOTIFY", ROOM), ("IDLE", ROOM + IDLE_ONLY)):
        with tempfile.TemporaryDirectory() as folder:
            authority = Authority(Path(folder))
            with Dovecot(authority.issue(), extra=extra) as server:
                _measure(name, server, str(authority.bundle))


def _measure(name: str, server: Dovecot, bundle: str) -> None:
    boxes = [Mailbox(n, 1, u.address, grant_of(u, server).model_dump()) for n in range(ALL) if (u := server.new_user())]
    for title, job in (("(mailboxes are made)", _time), ("", _time), ("", _memory), ("", _processor)):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            shown = pool.apply(_run, (job.__name__, boxes, bundle))
        print(f"listening by {name:<8}{shown} {title}".rstrip(), flush=True)


def _run(job: str, boxes: Sequence[Mailbox], bundle: str) -> str:
    return asyncio.run(JOBS[job](boxes, bundle))


async def _memory(boxes: Sequence[Mailbox], bundle: str) -> str:
    """Private memory, as the system counts it, of the accounts between the hundredth and the five hundredth."""
    provider = _provider(bundle)
    kept = await _listen(provider, boxes[:FEW])
    before = _private()
    kept += await _listen(provider, boxes[FEW:MANY])
    grown = (_private() - before) / (MANY - FEW) / 1024
    await asyncio.gather(*(one.close() for one in kept))
    return f"memory per account, {FEW} to {MANY}: {grown:8.1f} KiB"


async def _processor(boxes: Sequence[Mailbox], bundle: str) -> str:
    provider = _provider(bundle)
    kept = await _listen(provider, boxes[:CPU])
    await asyncio.sleep(2)  # what a server says at first
    began = time.process_time()
    await asyncio.sleep(SECONDS)
    spent = (time.process_time() - began) * 60 / SECONDS
    await asyncio.gather(*(one.close() for one in kept))
    return f"CPU of an idle minute, {CPU} accounts: {spent:8.3f} s"


async def _time(boxes: Sequence[Mailbox], bundle: str) -> str:
    provider = _provider(bundle)
    began, cpu = time.perf_counter(), time.process_time()
    kept = await _listen(provider, boxes)
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    await asyncio.gather(*(one.close() for one in kept))
    return f"until {len(kept)} accounts are listened to: {took:8.2f} s (CPU {spent:.2f} s)"


async def _listen(provider: ImapProvider, boxes: Sequence[Mailbox]) -> list[Listening]:
    return await asyncio.gather(*(provider.listen(box, _ignore) for box in boxes))


def _ignore(notice: Notice) -> None:
    if notice.error is not None:
        raise notice.error


def _provider(bundle: str) -> ImapProvider:
    return ImapProvider(ProviderSettings(Path("/nonexistent"), allow_private_networks=True, ca_bundle=bundle))


def _private() -> int:
    return int(psutil.Process().memory_full_info().uss)


JOBS = {job.__name__: job for job in (_memory, _processor, _time)}
