"""Following a mailbox: from linking it to `ready`, all records through `updated`, and an empty round."""

import tempfile
import time
from pathlib import Path
from typing import Any

from bench.load import cpu
from bench.mail import MESSAGES, TOTAL_BYTES
from bench.mailbox import fill
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway


def main() -> None:
    """Print seconds of the wall, CPU seconds of the gateway and of Dovecot for each step."""
    with tempfile.TemporaryDirectory() as folder, Dovecot(Authority(Path(folder)).issue()) as server:
        user = server.new_user("bench")
        fill(server, user, MESSAGES, TOTAL_BYTES)
        with Gateway() as gateway:
            _run(gateway, server, user)


def _run(gateway: Gateway, server: Dovecot, user: User) -> None:
    step = Step(gateway, server)
    token = gateway.link(
        serviceType="IMAP",
        email=user.address,
        password=user.password,
        serverUrl=f"imaps://127.0.0.1:{server.imaps}",
        trustServer=True,
    )
    while not (start := gateway.call("POST", "/v1/email/sync", authorization=token))["ready"]:
        time.sleep(0.01)
    step.done(f"linked to ready, {MESSAGES} messages")
    records, delta = _round(gateway, token, f"deltaToken={start['syncUpdatedToken']}")
    step.done(f"{records} records through updated")
    time.sleep(1.1)  # calls within a second share one look at the server
    step = Step(gateway, server)
    _round(gateway, token, f"deltaToken={delta}")
    step.done("an empty round")


def _round(gateway: Gateway, token: str, query: str) -> tuple[int, str]:
    """Follow one round to its end: how many records, and the next delta token."""
    count = 0
    while True:
        page: dict[str, Any] = gateway.call("GET", f"/v1/email/sync/updated?{query}", authorization=token)
        count += page["length"]
        if "nextPageToken" not in page:
            return count, str(page["nextDeltaToken"])
        query = f"pageToken={page['nextPageToken']}"


class Step:
    """Clocks from its making, or from the last `done`."""

    def __init__(self, gateway: Gateway, server: Dovecot) -> None:
        self._roots = (gateway.process.pid, server.pid)
        self._read()

    def _read(self) -> None:
        self._wall, self._cpu = time.perf_counter(), [cpu(root) for root in self._roots]

    def done(self, name: str) -> None:
        """Print what the step took."""
        wall, before = self._wall, self._cpu
        self._read()
        ours, theirs = (now - then for now, then in zip(self._cpu, before, strict=True))
        print(f"{name:<40}{self._wall - wall:>8.3f} s   cpu {ours:>6.3f} s   dovecot {theirs:>6.3f} s", flush=True)
