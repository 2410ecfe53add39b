"""pymap in memory: an IMAP server that is not Dovecot, with OBJECTID (RFC 8474) and without LIST-STATUS, ESEARCH and
CONDSTORE."""

import shutil
import subprocess
import sys
from pathlib import Path

from imapclient import IMAPClient

from tests.servers.ports import free_port, wait_port

USER, PASSWORD = "somebody", "secret"


class Pymap:
    """`with Pymap() as server:`; one user, whose mail starts empty."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = free_port()

    def __enter__(self) -> "Pymap":
        program = shutil.which("pymap", path=str(Path(sys.executable).parent)) or "pymap"
        command = [program, "--host", self.host, "--port", str(self.port), "--no-tls"]
        options = ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_port(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def client(self) -> IMAPClient:
        """A logged-in connection; close it with `logout()`."""
        client = IMAPClient(self.host, self.port, ssl=False)
        client.normalise_times = False
        client.login(USER, PASSWORD)
        return client
