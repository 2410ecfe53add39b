"""Gathering: what many callers want at a time, in one statement.

Nobody waits in order to be joined: while one statement is under way the items of the next one collect."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from providers.base.errors import Retryable

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")


class Gathering(Generic[I, R]):
    """`act` does it for up to `limit` items and answers for each, in order."""

    def __init__(self, act: Callable[[Sequence[I]], Awaitable[Sequence[R]]], limit: int) -> None:
        self._act, self._limit = act, limit
        self._waiting: list[tuple[I, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: I) -> R:
        """The answer for one item. Raises what `act` raises for it."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            await self._settle(taken)

    async def _settle(self, taken: Sequence[tuple[I, "asyncio.Future[R]"]]) -> None:
        try:
            answers = await self._act([item for item, _ in taken])
        except Exception as error:
            await self._fail(taken, error)
        except BaseException:  # the loop is being stopped: nobody will come back to these
            for _, future in taken:
                future.cancel()
            raise
        else:
            for (_, future), answer in zip(taken, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    async def _fail(self, taken: Sequence[tuple[I, "asyncio.Future[R]"]], error: Exception) -> None:
        """One of several may have spoilt it: each by itself, unless the database is away."""
        if len(taken) > 1 and not isinstance(error, Retryable):
            for one in taken:
                await self._settle([one])
            return
        for _, future in taken:
            if not future.done():
                future.set_exception(error)
