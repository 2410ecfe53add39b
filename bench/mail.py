"""Mail through the gateway and through a bare imaplib client, side by side on one Dovecot mailbox."""

import os
import tempfile
from pathlib import Path

from bench import bare, load
from bench.mailbox import fill
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway

MESSAGES = int(os.environ.get("BENCH_MESSAGES", "10000"))
TOTAL_BYTES = 38_000 * MESSAGES
COUNTS = {"list of 20": 2000, "get, text": 2000, "get, attachments": 2000, "search subject": 300}


def main() -> None:
    """Print one table: p50 and p95 in ms, requests/s, CPU ms per request (gateway, Dovecot), memory in MiB."""
    with tempfile.TemporaryDirectory() as folder, Dovecot(Authority(Path(folder)).issue()) as server:
        user = server.new_user("bench")
        print(f"filling {MESSAGES} messages: {fill(server, user, MESSAGES, TOTAL_BYTES):.0f} s", flush=True)
        print(f"{'job':<18}{'by':<12}{'conc':>5}{'p50':>9}{'p95':>9}{'req/s':>9}{'cpu':>8}{'dovecot':>9}{'MiB':>7}")
        for concurrency in (1, 16):
            for job in COUNTS:
                _row(job, "imaplib", concurrency, _bare(server, user, job, concurrency))
        for workers in (1, 2):
            _gateway(server, user, workers)


def _gateway(server: Dovecot, user: User, workers: int) -> None:
    with Gateway(workers) as gateway:
        token = gateway.link(
            serviceType="IMAP",
            email=user.address,
            password=user.password,
            serverUrl=f"imaps://127.0.0.1:{server.imaps}",
            trustServer=True,
        )
        base = f"http://127.0.0.1:{gateway.port}"
        paths = _paths(gateway, token)
        for concurrency in (1, 16):
            for job, asked in paths.items():
                load.http(base, asked, token, 4, 200)  # warm
                arguments = (base, asked, token, concurrency, COUNTS[job])
                figures = load.measure(load.http, arguments, gateway.process.pid, server.pid)
                _row(job, f"postroom x{workers}", concurrency, figures)


def _paths(gateway: Gateway, token: str) -> dict[str, list[str]]:
    ids: list[str] = []
    page = ""
    while len(ids) < 200:
        answer = gateway.call("GET", f"/v1/email/messages?q=in:inbox{page}", authorization=token)
        ids += [record["id"] for record in answer["records"]]
        if not answer.get("nextPageToken"):
            break
        page = f"&pageToken={answer['nextPageToken']}"
    return {
        "list of 20": ["/v1/email/messages"],
        "get, text": [f"/v1/email/messages/{item}?bodyType=text" for item in ids],
        "get, attachments": [f"/v1/email/messages/{item}" for item in ids],
        "search subject": ["/v1/email/messages?q=subject:invoice"],
    }


def _bare(server: Dovecot, user: User, job: str, concurrency: int) -> load.Figures:
    arguments = (job, server.imaps, user.address, user.password, concurrency, COUNTS[job])
    return load.measure(bare.loop, arguments, None, server.pid)


def _row(job: str, by: str, concurrency: int, f: load.Figures) -> None:
    print(
        f"{job:<18}{by:<12}{concurrency:>5}{f.p50:>9.2f}{f.p95:>9.2f}{f.rate:>9.0f}{f.cpu_gateway:>8.2f}"
        f"{f.cpu_server:>9.2f}{f.memory:>7.0f}",
        flush=True,
    )
