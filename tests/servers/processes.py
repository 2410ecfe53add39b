"""Servers as child processes that go when the tests go, also when those are killed."""

import ctypes
import signal
import subprocess
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux
_C = ctypes.CDLL(None)


def start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a server with its output in a file; it gets SIGTERM when this process dies."""
    with log.open("w") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, preexec_fn=_die_with_parent)


def _die_with_parent() -> None:
    _C.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def stop(process: subprocess.Popen[bytes], patience: float = 10.0) -> None:
    """SIGTERM, and SIGKILL when that is not enough."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
