"""From the switchboard's thread to the event loop: what was heard reaches whoever listens."""

import asyncio
from collections.abc import Callable
from typing import Any

from providers.base.errors import ProviderError, RateLimited
from providers.base.provider import Hear, Listening, Notice
from providers.imap.budget import Budget
from providers.imap.listening.switchboard import Switchboard
from providers.imap.listening.watch import Watch


class ImapListening(Listening):
    """Of one account. Hints are one until `hear` is called, on the loop this was made in; one that comes while `hear`
    works, or later, is another one. Nothing is held back."""

    __slots__ = ("_hear", "_loop", "_pending", "_switchboard", "budget", "closed", "started", "watch")

    def __init__(self, hear: Hear, switchboard: Switchboard) -> None:
        self._hear, self._switchboard = hear, switchboard
        self._loop = asyncio.get_running_loop()
        self.started = self._loop.create_future()  # done when nothing is missed any more; its error is why not
        self._pending = self.closed = False
        self.watch: Watch | None = None
        self.budget: Budget | None = None

    async def close(self) -> None:
        """See `Listening.close`; returns when the connection is closed."""
        self.closed = True
        done = self._loop.create_future()
        if self.watch is not None and self._switchboard.post(lambda: self._hang_up(done)):
            await done

    def forsake(self) -> None:
        """Close without waiting for it."""
        self.closed = True
        if self.watch is not None:
            self._switchboard.post(self.watch.close)

    def began(self) -> None:
        """See `Ear`."""
        self._call(self._begin)

    def hint(self) -> None:
        """See `Ear`."""
        if not self._pending:
            self._pending = True
            self._call(self._tell)

    def ended(self, error: ProviderError | None) -> None:
        """See `Ear`."""
        if isinstance(error, RateLimited) and self.budget is not None:
            self.budget.learn()
        if error is not None:
            self._call(self._lose, error)

    def _hang_up(self, done: "asyncio.Future[None]") -> None:
        if self.watch is not None:
            self.watch.close()
        self._call(_finish, done)

    def _call(self, job: Callable[..., object], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(job, *arguments)
        except RuntimeError:  # the loop was closed: nobody listens any more
            pass

    def _begin(self) -> None:
        _finish(self.started)

    def _tell(self) -> None:
        self._pending = False
        if self.started.done() and not self.closed:
            self._hear(Notice())

    def _lose(self, error: ProviderError) -> None:
        if self.closed:
            return
        self.closed = True
        if self.started.done():
            self._hear(Notice(error=error))
        else:
            self.started.set_exception(error)


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
