"""A gateway process of its own, with its own embedded database, and one linked account."""

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from typing import IO, Any

from tests.servers.ports import free_port, wait_port


class Gateway:
    """`with Gateway(workers=1) as gateway:`; `call` speaks JSON as the application, or with a token as an account."""

    def __init__(
        self,
        workers: int = 1,
        output: IO[str] | None = None,
        serve: Sequence[str] = (),
        under: Sequence[str] = (),
        **settings: str,
    ) -> None:
        """`serve`: further arguments of that command; `under`: the command that starts it; `settings`: environment."""
        self.workers, self.port, self._output, self._serve, self._under = workers, free_port(), output, serve, under
        self.helpers: list[subprocess.Popen[bytes]] = []
        self.var = tempfile.TemporaryDirectory(prefix="postroom-")
        self.environment = {
            **os.environ,
            "POSTROOM_VAR_DIR": self.var.name,
            "POSTROOM_ALLOW_PRIVATE_NETWORKS": "true",
            "POSTROOM_LOG_LEVEL": "warning",
            "POSTROOM_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            **settings,
        }

    def __enter__(self) -> "Gateway":
        self.postroom("migrate")
        made = json.loads(self.postroom("apps", "create", "first", "--json"))
        self.secret = made["clientSecret"]
        self.basic = "Basic " + base64.b64encode(f"{made['clientId']}:{made['clientSecret']}".encode()).decode()
        self.start()
        return self

    def start(self) -> None:
        """Start serving, also again after `kill`."""
        command = [
            *self._under,
            sys.executable,
            "-m",
            "gateway.cli",
            "serve",
            "--port",
            str(self.port),
            "--workers",
            str(self.workers),
            *self._serve,
        ]
        self.process = subprocess.Popen(command, env=self.environment, stderr=self._output)
        wait_port(self.port, 60)

    def kill(self) -> None:
        """End the process without a chance to say good-bye."""
        self.process.kill()
        self.process.wait()

    def work(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start `postroom work` beside it."""
        command = [sys.executable, "-m", "gateway.cli", "work", *arguments]
        self.helpers.append(subprocess.Popen(command, env=self.environment, stderr=self._output))
        return self.helpers[-1]

    def __exit__(self, *_: object) -> None:
        for helper in self.helpers:
            helper.kill()
            helper.wait()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.var.cleanup()

    def postroom(self, *arguments: str) -> str:
        """Run the command; its standard output."""
        command = [sys.executable, "-m", "gateway.cli", *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def call(self, method: str, path: str, body: Any = None, authorization: str | None = None) -> Any:
        """The parsed answer; raises for any status from 400."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": authorization or self.basic, "content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def link(self, **account: Any) -> str:
        """Connect a mailbox; the authorization header of its token."""
        made = self.call("POST", "/v1/am/accounts", {"active": True, **account})
        return f"Bearer {made['accessToken']}"


def wait_until(check: Any, seconds: float) -> Any:
    """The first true value of `check()` within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := check():
            return value
        time.sleep(0.05)
    raise TimeoutError(f"not within {seconds} s: {check}")
