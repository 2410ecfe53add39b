"""Which function answers which operation of the discovery documents."""

from collections.abc import Callable
from typing import Any

from tests.servers.google.world import Call, World

Handler = Callable[[World, Call], Any]
HANDLERS: dict[str, Handler] = {}


def handles(operation: str) -> Callable[[Handler], Handler]:
    """Register what answers an operation of a discovery document."""

    def register(handler: Handler) -> Handler:
        HANDLERS[operation] = handler
        return handler

    return register
