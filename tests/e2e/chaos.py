"""What the chaos runs are made of: mailboxes where something happens all the time, workers that are killed, receivers
that fail now and then, and what they were told."""

import random
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psycopg
from imapclient import IMAPClient

from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway
from tests.servers.receiver import Call, Plan, Receiver

_MAIL = b"From: a@example.test\r\nSubject: %d\r\nMessage-ID: <%d@chaos>\r\n\r\nHello\r\n"


def url(gateway: Gateway) -> str:
    """The gateway's embedded database."""
    socket = (Path(gateway.var.name) / "pg" / "postmaster.pid").read_text().splitlines()[4]
    return f"postgresql://postgres@/postgres?host={socket}"


def ask(gateway: Gateway, statement: LiteralString) -> list[tuple[int, ...]]:
    """Rows of numbers."""
    with psycopg.connect(url(gateway), autocommit=True) as connection:
        return connection.execute(statement).fetchall()


def bearer(gateway: Gateway, server: Dovecot, user: User) -> str:
    """Connect a mailbox."""
    return gateway.link(
        serviceType="IMAP",
        email=user.address,
        password=user.password,
        serverUrl=f"imaps://127.0.0.1:{server.imaps}",
        trustServer=True,
    )


@dataclass
class Flapping:
    """Answers of a receiver: most are 200; `failing` of a hundred are 500, `hanging` never come. Keeps, for each
    subscription, the sequences that it was told, in order, whatever it answered."""

    receiver: Receiver
    failing: int = 10
    hanging: int = 1
    told: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    rng: random.Random = field(default_factory=lambda: random.Random(5))

    def __post_init__(self) -> None:
        self.receiver.heard = self._hear

    def _hear(self, call: Call) -> None:
        chance = self.rng.randrange(100)
        failed = Plan(status=500) if chance < self.failing else Plan(hang=True)
        self.receiver.plans[:] = [failed] if chance < self.failing + self.hanging else [Plan()]
        if not call.json.get("lifecycleEvent"):
            self.told[call.json["subscription"]] += [payload["sequence"] for payload in call.payloads]


def firsts(sequences: list[int]) -> list[int]:
    """Each sequence where it was told for the first time."""
    return list(dict.fromkeys(sequences))


@contextmanager
def busy(server: Dovecot, users: list[User], pause: float) -> Iterator[None]:
    """Something happens to one of the mailboxes every `pause` seconds, as long as the block runs."""
    ended = threading.Event()
    thread = threading.Thread(target=_live, args=[server, users, pause, ended], daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join(30)


def _live(server: Dovecot, users: list[User], pause: float, ended: threading.Event) -> None:
    rng, clients = random.Random(11), {user.address: server.client(user) for user in users}
    while not ended.wait(pause):
        _happen(clients[rng.choice(users).address], rng)
    for client in clients.values():
        client.logout()


def _happen(client: IMAPClient, rng: random.Random) -> None:
    """New mail mostly; else a flag, a move or a removal."""
    client.select_folder("INBOX")
    uids = client.search()
    chance = rng.random()
    if chance < 0.5 or len(uids) < 3:
        number = rng.randrange(10**9)
        client.append(rng.choice(["INBOX", "Archive"]), _MAIL % (number, number))
    elif chance < 0.75:
        client.add_flags(rng.choice(uids), [rng.choice([b"\\Seen", b"\\Flagged"])])
    elif chance < 0.9:
        client.move(rng.choice(uids), "Archive")
    else:
        client.delete_messages(rng.choice(uids))
        client.expunge()


class Killing:
    """Workers of which one is killed every `every` seconds, and another one started in its place."""

    def __init__(self, gateway: Gateway, workers: int, every: float) -> None:
        self._gateway, self._every = gateway, every
        self._workers = [gateway.work() for _ in range(workers)]
        self._rng, self._last = random.Random(3), time.monotonic()
        self.killed = 0

    def look(self) -> None:
        """Kill one if it is time."""
        if time.monotonic() - self._last < self._every:
            return
        self._last, self.killed = time.monotonic(), self.killed + 1
        victim = self._workers.pop(self._rng.randrange(len(self._workers)))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self._workers.append(self._gateway.work())


def listeners(user: User) -> int:
    """How many connections of a mailbox wait for news at the server (Dovecot's process titles)."""
    shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return sum(1 for line in shown.splitlines() if line.startswith("imap: [" + user.address) and "IDLE" in line)
