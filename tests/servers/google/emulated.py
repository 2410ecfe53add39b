"""npm's `emulate` (vercel-labs): Gmail and Google's sign-in, written by others; installed into the temporary folder.

The version is pinned: later ones on npm are another library.
"""

import fcntl
import json
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from time import monotonic, sleep
from typing import Self

import pytest

from providers.base.provider import ProviderSettings
from tests.servers.ports import free_port
from tests.servers.processes import start, stop

PACKAGE = "emulate@0.11.2"
USER = "alice@example.test"
CALLBACK = "http://localhost/cb"
CLIENT = ("cid", "csecret")
_PATIENCE = 30.0  # seconds


class Emulate:
    """`with Emulate(folder) as server:`; `server.url` ends with a slash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        program, port = _installed(), free_port()
        seed = self._folder / "seed.yaml"
        seed.write_text(json.dumps({"google": _SEED}))  # JSON is YAML
        self.url = f"http://127.0.0.1:{port}/"
        node = shutil.which("node") or "node"
        command = [node, str(program), "start", "--service", "google", "--port", str(port), "--seed", str(seed)]
        self._process = start(command, self._folder / "log")
        deadline = monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or monotonic() > deadline:
                stop(self._process)
                raise RuntimeError((self._folder / "log").read_text())
            sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    def settings(self, var_dir: Path) -> ProviderSettings:
        """Settings under which the provider finds it."""
        endpoints = {
            "google_api_url": self.url,
            "google_auth_url": f"{self.url}o/oauth2/v2/auth",
            "google_token_url": f"{self.url}oauth2/token",
        }
        return ProviderSettings(var_dir, allow_private_networks=True, read_timeout=10.0, endpoints=endpoints)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}oauth2/v3/certs", timeout=2).close()
        except OSError:
            return False
        return True


_SEED = {
    "users": [{"email": USER, "name": "Alice", "email_verified": True}],
    "oauth_clients": [
        {"client_id": CLIENT[0], "client_secret": CLIENT[1], "name": "gw", "redirect_uris": [CALLBACK]},
    ],
}


def _installed() -> Path:
    """The program; skips the test where npm cannot install it, and says so."""
    folder = Path(tempfile.gettempdir()) / "postroom-tests-emulate"
    program = folder / "node_modules" / "emulate" / "dist" / "index.js"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists() and (npm := shutil.which("npm")):
            command = [npm, "install", "--no-save", "--prefix", str(folder), PACKAGE]
            subprocess.run(command, capture_output=True, timeout=300, check=False)
    if not program.exists():
        pytest.skip(f"{PACKAGE} is missing; install Node 20 and npm, so that the tests can run: npm install {PACKAGE}")
    return program
