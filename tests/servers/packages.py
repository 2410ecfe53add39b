"""Programs of the distribution: installed once when we may, otherwise the tests that need them say how."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PACKAGES = {
    "dovecot": ["dovecot-imapd", "dovecot-lmtpd"],
    "doveadm": ["dovecot-core"],
    "postfix": ["postfix"],
    "java": ["default-jre-headless"],
    "chromium": ["chromium"],
}
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def require(program: str) -> str:
    """The path of a program such as `dovecot`; installs it as root, or skips the test (and says how to install)."""
    if not (found := shutil.which(program, path=_PATH)):
        _install(program)
        found = shutil.which(program, path=_PATH)
    if not found:
        pytest.skip(f"{program} is missing; run: sudo {' '.join(_command(program))}")
    return found


def _command(program: str) -> list[str]:
    return ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES[program]]


def _install(program: str) -> None:
    """Under a lock, because several test workers find out at the same time."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    with (Path(tempfile.gettempdir()) / "postroom-tests-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if shutil.which(program, path=_PATH):
            return
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], _command(program)):
            subprocess.run(command, env=quiet, capture_output=True, timeout=600, check=False)
