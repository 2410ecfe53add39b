"""What a listener was told, and waiting for the next of it."""

import asyncio

from providers.base.errors import ProviderError
from providers.base.provider import Notice


class Heard:
    """To be given to `Provider.listen`."""

    def __init__(self) -> None:
        self.hints = 0
        self.ports: set[str] = set()
        self.errors: list[ProviderError] = []
        self._something = asyncio.Event()

    def __call__(self, notice: Notice) -> None:
        if notice.error is None:
            self.hints += 1
            self.ports.add(notice.port)
        else:
            self.errors.append(notice.error)
        self._something.set()

    async def hint(self) -> None:
        """Wait for one; those that came before are used up."""
        while not self.hints:
            await self._next()
        self.hints = 0

    async def error(self) -> ProviderError:
        """Wait for the end."""
        while not self.errors:
            await self._next()
        return self.errors[0]

    async def _next(self) -> None:
        self._something.clear()
        await asyncio.wait_for(self._something.wait(), 20)
