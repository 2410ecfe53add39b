"""Jobs: rows of procrastinate's queues, which make some process look at a key.

A job is a wake-up and nothing more, so there is one task, and a job that ended, however it did, is deleted. Jobs do not
use procrastinate's `lock`: a job that was lost in the middle would keep its key from all others until it is found to be
stalled, and one that is scheduled for later would keep back those that come before it. Runs have a lock of their own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from psycopg_pool import PoolTimeout

from gateway.pauses import pause
from gateway.store.job_tables import SCHEMA
from providers.base.errors import Unavailable

log = logging.getLogger("postroom.work")
Attend = Callable[[str, int], Awaitable[None]]

TASK, TIDY, TIDY_QUEUE = "attend", "tidy", "tidy"
_AT_ONCE = 100  # jobs of one process
_POOL = 4  # connections; none while there is nothing to do
_BEAT, _STALLED = 5.0, 20.0  # seconds between signs of life; without one for so long a worker counts as dead
_TIDYING = "* * * * * */30"  # every half minute, in one of the processes
_POLL = 5.0  # seconds; what is scheduled is seen by this, everything else is announced
_SHORTEST, _LONGEST = 0.5, 10.0  # seconds until a worker that failed is started again
_DROP_OLD = f"""
delete from {SCHEMA}.procrastinate_jobs j using {SCHEMA}.procrastinate_events e
where j.status = 'doing' and e.job_id = j.id and e.type = 'started' and e.at < now() - interval '1 hour'
"""  # noqa: S608 - a constant


class Jobs:
    """The queues; one for each pump. `url` (libpq form) must not run through a pooler."""

    def __init__(self, url: str, attend: Attend, *, stalled: float = _STALLED) -> None:
        options = {"options": f"-c search_path={SCHEMA}", "prepare_threshold": None, "connect_timeout": 10}
        connector = PsycopgConnector(
            conninfo=url, kwargs=options, configure=_configure, min_size=0, max_size=_POOL, timeout=10.0
        )
        self._attend, self._stalled = attend, stalled
        self._app = App(connector=connector)
        self._app.task(name=TASK)(self._run)
        tidy = self._app.task(name=TIDY, queue=TIDY_QUEUE, queueing_lock=TIDY)(self._tidy)
        self._app.periodic(cron=_TIDYING)(tidy)
        self._worker: asyncio.Task[None] | None = None
        self._stopping = False

    async def open(self) -> None:
        """Be able to leave jobs."""
        await self._app.open_async()

    def work(self, queues: Iterable[str], patience: float) -> None:
        """Begin to do jobs of these queues; `patience`: seconds that those under way get when it is to stop."""
        self._worker = asyncio.create_task(self._keep_working([*queues, TIDY_QUEUE], patience))

    async def stop(self, patience: float) -> None:
        """Take no more jobs, and finish those under way; `patience` in seconds."""
        self._stopping = True
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait({self._worker}, timeout=patience)
            self._worker.cancel()  # the database is away: what it knows of us, it finds out by itself

    async def close(self) -> None:
        """Close every connection."""
        await self._app.close_async()

    async def leave(self, name: str, key: int) -> None:
        """Have some process run this key as soon as it can. Raises `Unavailable`."""
        await self._defer(name, key, queueing_lock=f"{name}:{key}")

    async def leave_for(self, name: str, key: int, at: datetime) -> None:
        """Have some process run this key at a time, give or take some seconds. Raises `Unavailable`."""
        await self._defer(name, key, queueing_lock=f"{name}:{key}@{int(at.timestamp())}", schedule_at=at)

    async def _defer(self, name: str, key: int, **options: Any) -> None:
        job = self._app.configure_task(TASK, queue=name, **options)
        try:
            with suppress(AlreadyEnqueued):
                await job.defer_async(pump=name, key=key)
        except (ConnectorException, PoolTimeout) as error:
            raise Unavailable(f"no job could be left: {error}") from error

    async def _run(self, pump: str, key: int) -> None:
        await self._attend(pump, key)

    async def _keep_working(self, queues: list[str], patience: float) -> None:
        """Work; after a failure of the database, begin again."""
        failures = 0
        while not self._stopping:
            began = asyncio.get_running_loop().time()
            try:
                await self._app.run_worker_async(
                    queues=queues,
                    concurrency=_AT_ONCE,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=_POLL,
                    shutdown_graceful_timeout=patience,
                    update_heartbeat_interval=_BEAT,
                    stalled_worker_timeout=self._stalled,
                )
            except Exception as error:
                log.warning("the worker stopped and begins again: %s", error)
            lasted = asyncio.get_running_loop().time() - began
            failures = 0 if lasted > _LONGEST else failures + 1
            await asyncio.sleep(pause(failures, _SHORTEST, _LONGEST))

    async def _tidy(self, timestamp: int) -> None:
        """Hand on the jobs of workers that died; forget those whose end could not be noted."""
        jobs = self._app.job_manager
        for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=self._stalled):
            log.warning("a job of a worker that died is done again: %s", job.task_kwargs)
            if job.task_name == TASK:
                await self.leave(**_named(**job.task_kwargs))
            await self._forget(job.id)
        await self._app.connector.execute_query_async(_DROP_OLD)

    async def _forget(self, job_id: int | None) -> None:
        if job_id is not None:
            statement = f"delete from {SCHEMA}.procrastinate_jobs where id = %(id)s and status = 'doing'"  # noqa: S608
            await self._app.connector.execute_query_async(statement, id=job_id)


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.set_autocommit(True)  # each of procrastinate's statements is a transaction of its own


def _named(pump: Any, key: Any) -> dict[str, Any]:
    return {"name": pump, "key": key}
