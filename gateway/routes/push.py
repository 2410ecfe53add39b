"""Where providers call when something changed (contract: tag ProviderPush): a row for each door of each provider."""

from collections.abc import Callable, Coroutine
from typing import Any

from gateway.http.route import PROVIDER, Route
from gateway.raw import Raw
from gateway.services.pushes import Pushes
from providers.base.push import Door
from providers.registry import PROVIDERS


def _receiving(provider: str, door: Door) -> Callable[..., Coroutine[Any, Any, None]]:
    async def run(raw: Raw, pushes: Pushes) -> None:
        await pushes.receive(provider, door, raw)

    run.__doc__ = f"Be told by the provider of changes of {door.port}; nothing but the provider calls here."
    return run


def _row(provider: str, door: Door) -> Route:
    path, operation = f"/push/{provider}/{door.name}", f"{provider}{door.name.capitalize()}Push"
    return Route("POST", path, operation, PROVIDER, _receiving(provider, door), tag="ProviderPush", takes=door.body)


ROUTES = tuple(_row(provider.name, door) for provider in PROVIDERS for door in provider.doors)
