"""The only file that starts threads. Blocking adapters run here, a lane to each account.

A lane lets `limit` jobs of one account run at a time; the rest wait in order without holding a thread. A caller that
goes away leaves its job to finish (it holds a connection that must not be torn mid-command); its place is freed only
then.
"""

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from providers.base.errors import Unavailable

T = TypeVar("T")
P = ParamSpec("P")

MAX_THREADS = 256  # for the process; threads are made when needed and then reused
_executor = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="lane")
_CALL_BACK = 10.0  # seconds
_here = threading.local()  # .loop: whose job this thread does


class Lane:
    """Runs blocking jobs, at most `limit` at a time."""

    def __init__(self, limit: int) -> None:
        self._gate = asyncio.Semaphore(limit)

    async def run(self, job: Callable[[], T]) -> T:
        """The result of `job`, which runs on a thread; what it raises is raised here."""
        await self._gate.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        try:
            _executor.submit(self._work, loop, answer, job)
        except BaseException:
            self._gate.release()
            raise
        return await answer

    def _work(self, loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[T]", job: Callable[[], T]) -> None:
        result: T | None = None
        error: BaseException | None = None
        _here.loop = loop
        try:
            result = job()
        except StopIteration as caught:  # cannot be raised into a future: whoever awaits would wait for ever
            error = RuntimeError(f"a job ended by StopIteration: {caught}")
        except BaseException as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(self._finish, answer, result, error)
        except RuntimeError:  # the loop was closed while the job ran: nobody waits any more
            pass

    def _finish(self, answer: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
        self._gate.release()
        if answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)


def call_back(job: Callable[[], Awaitable[T]]) -> T:
    """From inside a blocking job: what a coroutine gives that runs on the loop of the job's caller.

    Raises what it raises, and `Unavailable` when the loop is gone or takes too long."""

    async def run() -> T:
        return await job()

    coroutine = run()
    try:
        running = asyncio.run_coroutine_threadsafe(coroutine, _here.loop)
    except RuntimeError as error:  # the loop was closed
        coroutine.close()
        raise Unavailable("the gateway is stopping") from error
    try:
        return running.result(_CALL_BACK)
    except (TimeoutError, CancelledError) as error:
        running.cancel()
        raise Unavailable("the gateway is busy or stopping") from error


def own_thread(name: str, run: Callable[[], None]) -> None:
    """Start a thread that lasts until `run` returns, or the process ends: for a loop over many sockets."""
    threading.Thread(target=run, name=name, daemon=True).start()


class HasLane(Protocol):
    """A port whose verbs block."""

    lane: Lane


A = TypeVar("A", bound=HasLane)


def blocking(verb: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[A, P], Coroutine[Any, Any, T]]:
    """Turn a plain method of a port into a coroutine that runs on the port's lane."""

    async def run(self: A, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.lane.run(functools.partial(verb, self, *args, **kwargs))

    functools.update_wrapper(run, verb)
    return run
