"""`postroom serve`: the web server, as one process or several."""

import asyncio
import os
import signal
import sys
import tempfile
from argparse import Namespace
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from gateway import logs, memory
from gateway.commands import migrate
from gateway.settings import PREFIX, Settings
from gateway.store import embedded

DRAIN = 3  # seconds that requests get to finish when the server is to stop; background work gets some more
STARTING = 60  # seconds for a worker to show that it lives: on a busy machine its imports take some
KEEP_ALIVE = 75  # seconds; longer than the idle time of common load balancers


def serve(parsed: Namespace) -> None:
    """Listen until SIGTERM or SIGINT; requests in progress get a moment to finish, and all ends within ten seconds.

    `parsed`: host, port, workers, work. The embedded database belongs to this process; workers find it by its URL."""
    settings = Settings.from_environment()
    logs.configure(settings.log_level, settings.log_format)
    signal.signal(signal.SIGTERM, _leave)
    with tempfile.TemporaryDirectory(prefix="postroom-metrics-") as metrics:
        if parsed.workers > 1:
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", metrics)
        _hand_down(settings, parsed)
        uvicorn.run(
            "gateway.serving:application",
            factory=True,
            host=parsed.host,
            port=parsed.port,
            workers=parsed.workers,
            loop="uvloop",
            http="gateway.http.connection:Connection",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=DRAIN,
            timeout_worker_healthcheck=STARTING,
        )


def application() -> ASGIApp:
    """The application of one worker's process."""
    from gateway.app import create_app  # with every adapter, which the process above the workers need not load

    made = create_app()
    memory.settle()
    return made


def _hand_down(settings: Settings, parsed: Namespace) -> None:
    """What the workers read from their environment."""
    if not parsed.work:
        os.environ[f"{PREFIX}WORK"] = "false"
    if settings.database_url is None:
        asyncio.run(migrate(parsed))  # nobody else will; a database of the operator's own waits for its owner
        os.environ[f"{PREFIX}DATABASE_URL"] = embedded.start(settings.var_dir)


def _leave(number: int, frame: FrameType | None) -> None:
    """Leave as if by the end of the program, so that exit handlers run and the embedded database stops."""
    sys.exit(0)
