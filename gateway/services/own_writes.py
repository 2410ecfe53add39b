"""What the gateway writes itself: who follows is told soon, also where a provider can only be asked now and then."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from providers.base.errors import Uncertain

P = TypeVar("P")
_WRITES = frozenset({"create", "update", "delete", "respond"})


def telling(port: P, wrote: Callable[[], None]) -> P:
    """The same port, or none; `wrote` is called after each write that happened, or may have."""
    return port if port is None else cast(P, _Telling(port, wrote))


class _Telling:
    __slots__ = ("_port", "_wrote")

    def __init__(self, port: Any, wrote: Callable[[], None]) -> None:
        self._port, self._wrote = port, wrote

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._port, name)
        return self._then_telling(verb) if name in _WRITES else verb

    def _then_telling(self, verb: Any) -> Any:
        @wraps(verb)
        async def run(*given: Any, **named: Any) -> Any:
            try:
                done = await verb(*given, **named)
            except Uncertain:
                self._wrote()
                raise
            self._wrote()
            return done

        return run
