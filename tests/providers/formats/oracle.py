"""recurring-ical-events (LGPL) as an oracle, in an environment of its own: it asks for python-dateutil below 3.

The environment is made once per machine with `venv` and pip, and used by a process that answers line by line. Without a
network, or a registry that has the packages, the tests that need it are skipped, loudly.
"""

import atexit
import base64
import fcntl
import json
import subprocess
import sys
import tarfile
import tempfile
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

RELEASE = "3.8.2"
_HOME = Path(tempfile.gettempdir()) / f"postroom-recurring-{RELEASE}-{sys.version_info.major}{sys.version_info.minor}"
_PATIENCE = 180  # seconds for pip
_ANSWER = """
import base64, datetime, json, sys
import icalendar, recurring_ical_events

def shown(value):
    if not isinstance(value, datetime.datetime):
        return value.isoformat()
    return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC).isoformat()

for line in sys.stdin:
    data, first, last = json.loads(line)
    try:
        text = icalendar.Calendar.from_ical(base64.b64decode(data))
        found = recurring_ical_events.of(text, skip_bad_series=False).between(
            datetime.datetime.fromisoformat(first), datetime.datetime.fromisoformat(last))
        said = [[str(one.get("UID", "")).strip(), shown(one.start), shown(one.end)] for one in found]
    except Exception as error:
        said = repr(error)
    print(json.dumps(said), flush=True)
"""


class Unanswered(Exception):
    """The oracle cannot expand the text."""


def between(data: bytes, first: datetime, last: datetime) -> list[tuple[str, str, str]]:
    """UID, start and end (ISO 8601; moments in UTC, days as dates) of what takes place, in order. Raises `Unanswered`;
    skips the test where there is no oracle."""
    process = _process()
    assert process.stdin is not None and process.stdout is not None
    question = [base64.b64encode(data).decode(), first.isoformat(), last.isoformat()]
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    said: Any = json.loads(process.stdout.readline())
    if isinstance(said, str):
        raise Unanswered(said)
    return sorted((uid, start, end) for uid, start, end in said)


def calendars() -> dict[str, bytes]:
    """The .ics files of its own tests, which only its source distribution has."""
    _environment()
    folder = _HOME / "source" / f"recurring_ical_events-{RELEASE}" / "recurring_ical_events" / "test"
    found = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.ics"))}
    if not found:
        pytest.skip("SKIPPED RECURRING: the source distribution of recurring-ical-events cannot be had here")
    return found


@cache
def _process() -> "subprocess.Popen[str]":
    python = _environment()
    process = subprocess.Popen([python, "-c", _ANSWER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    return process


@cache
def _environment() -> str:
    """The interpreter; made under a lock, because several test workers find out at the same time."""
    python, ready = _HOME / "bin" / "python", _HOME / "ready"
    with _HOME.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            try:
                _make(str(python))
            except (subprocess.SubprocessError, OSError) as error:
                pytest.skip(f"SKIPPED RECURRING: recurring-ical-events cannot be installed beside us: {error}"[:300])
            ready.touch()
    return str(python)


def _make(python: str) -> None:
    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE)

    wanted = f"recurring-ical-events=={RELEASE}"
    run(sys.executable, "-m", "venv", str(_HOME))
    run(python, "-m", "pip", "install", "--quiet", wanted)
    fetch = (
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        "recurring-ical-events",
        "--dest",
        str(_HOME / "source"),
    )
    try:
        run(python, "-m", "pip", *fetch, wanted)
    except subprocess.SubprocessError:
        return  # the calendars are skipped then, not the comparison
    for archive in (_HOME / "source").glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            opened.extractall(_HOME / "source", filter="data")
