"""Servers as child processes that go when the tests go, also when those are killed."""

import ctypes
import signal
import subprocess
from functools import partial
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux
_C = ctypes.CDLL(None)


def start(command: list[str], log: Path, end: signal.Signals = signal.SIGTERM) -> subprocess.Popen[bytes]:
    """Start a server with its output in a file; it gets the signal `end` when this process dies."""
    with log.open("w") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, preexec_fn=partial(_die_with_parent, end))


def _die_with_parent(end: signal.Signals) -> None:
    _C.prctl(_PR_SET_PDEATHSIG, end)


def stop(process: subprocess.Popen[bytes], patience: float = 10.0) -> None:
    """SIGTERM, and SIGKILL when that is not enough."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
