"""Waiting for what is bound to happen."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any


async def until(check: Callable[[], Any], seconds: float = 15.0) -> Any:
    """The first true value of `check()`, which may be a coroutine function; `TimeoutError` after so many seconds."""
    async with asyncio.timeout(seconds):
        while True:
            value = check()
            if value := await value if inspect.isawaitable(value) else value:
                return value
            await asyncio.sleep(0.02)
