"""`postroom work`: background work without a web server; as many processes on as many hosts as wanted."""

import asyncio
import logging
import signal
from argparse import Namespace
from contextlib import AsyncExitStack

import uvloop

from gateway import logs, memory
from gateway.commands import Failed, opened
from gateway.settings import Settings
from gateway.work.background import UnknownQueue

log = logging.getLogger("postroom.work")


def work(parsed: Namespace) -> None:
    """Work until SIGTERM or SIGINT, which ends it within ten seconds; `parsed`: queues, a set of names or None.

    Raises `Failed` when the database is away or not up to date, and for a queue that does not exist."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(parsed))


async def _work(parsed: Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    from gateway.parts import Parts, start  # with every adapter, which takes a second: other commands need not wait

    settings = Settings.from_environment()
    chosen = {"work": True, "queues": parsed.queues or settings.queues}
    logs.configure(settings.log_level, settings.log_format)
    async with opened():
        pass  # it is there, and up to date
    async with AsyncExitStack() as stack:
        try:
            await start(await Parts.open(settings.model_copy(update=chosen), stack))
        except UnknownQueue as error:
            raise Failed(str(error)) from None
        memory.settle()
        log.info("working")
        await stop.wait()
        log.info("stopping")
