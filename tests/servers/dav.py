"""Radicale and Xandikos (CalDAV and CardDAV) on loopback ports: two servers that disagree in instructive ways.

Xandikos leaves signing in to a proxy, so it stands behind `DavFront`; Radicale checks passwords itself, and stands
behind one too, so that tests can look at what was sent and spoil what is answered.
"""

import shutil
import signal
import sys
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.servers import processes
from tests.servers.certificates import Certificate
from tests.servers.dav_front import DavFront
from tests.servers.ports import free_port, wait_port

_MEMORY = Path("/dev/shm")  # both write through to the disk with every request


@dataclass(frozen=True)
class DavUser:
    """A principal of a test server; the login is an address."""

    address: str
    password: str = field(repr=False)


class DavServer(Protocol):
    """A running server; `url` is that of its front, `direct` its own."""

    name: str
    front: DavFront
    url: str
    direct: str

    def new_user(self) -> DavUser:
        """Somebody with nothing, or with what the server makes for everybody."""


class _Server:
    name: str

    def __init__(self, certificate: Certificate | None = None) -> None:
        self.port = free_port()
        self.direct = f"http://127.0.0.1:{self.port}"
        self.root = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=_MEMORY if _MEMORY.is_dir() else None))
        self.front = DavFront(self.direct, certificate)

    def _start(self, command: list[str]) -> None:
        self._process = processes.start(command, self.root / "log", signal.SIGKILL)  # a busy one would go on for ever
        wait_port(self.port)
        self.front.__enter__()

    @property
    def url(self) -> str:
        return self.front.url

    def __exit__(self, *_: object) -> None:
        self.front.__exit__()
        processes.stop(self._process, 1.0)  # Xandikos waits for idle connections
        shutil.rmtree(self.root, ignore_errors=True)


class Radicale(_Server):
    """`with Radicale() as server:`; users start without collections. Paths in `read_only` cannot be written below."""

    name = "radicale"

    def __enter__(self) -> "Radicale":
        (self.root / "users").touch()
        (self.root / "rights").write_text(
            "[root]\nuser: .+\ncollection:\npermissions: R\n"
            "[fixed]\nuser: .+\ncollection: {user}/fixed\npermissions: rR\n"
            "[principal]\nuser: .+\ncollection: {user}\npermissions: RW\n"
            "[collections]\nuser: .+\ncollection: {user}/[^/]+\npermissions: rw\n"
        )
        (self.root / "config").write_text(
            f"[server]\nhosts = 127.0.0.1:{self.port}\n"
            f"[auth]\ntype = htpasswd\nhtpasswd_filename = {self.root}/users\nhtpasswd_encryption = plain\ndelay = 0\n"
            f"[rights]\ntype = from_file\nfile = {self.root}/rights\n"
            f"[storage]\nfilesystem_folder = {self.root}/collections\n"
            "[logging]\nlevel = warning\n"
        )
        self._start([sys.executable, "-m", "radicale", "--config", str(self.root / "config")])
        return self

    def new_user(self) -> DavUser:
        """Appended to the password file, which is read for each request."""
        user = DavUser(f"u{uuid.uuid4().hex[:12]}@dav.example", uuid.uuid4().hex)
        with (self.root / "users").open("a") as file:
            file.write(f"{user.address}:{user.password}\n")
        return user

    def make_read_only(self, user: DavUser) -> str:
        """The path of a calendar that its user may only read."""
        folder = self.root / "collections" / "collection-root" / user.address / "fixed"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".Radicale.props").write_text('{"tag": "VCALENDAR", "D:displayname": "Fixed"}')
        return f"/{user.address}/fixed/"


class Xandikos(_Server):
    """`with Xandikos() as server:`; each user gets a calendar and an address book with the first request."""

    name = "xandikos"

    def __enter__(self) -> "Xandikos":
        where = ["-d", str(self.root / "dav"), "--state-dir", str(self.root / "state"), "--no-detect-systemd"]
        listen = ["-l", "127.0.0.1", "-p", str(self.port), "--trust-x-remote-user-from", "127.0.0.1"]
        self.front.checks_passwords = True
        self._start([sys.executable, "-m", "xandikos", "multi-user", *where, *listen, "--defaults"])
        return self

    def new_user(self) -> DavUser:
        """Known to the front."""
        user = DavUser(f"u{uuid.uuid4().hex[:12]}@dav.example", uuid.uuid4().hex)
        self.front.passwords[user.address] = user.password
        return user
