"""The provider's own API behind the account's credentials (contract: tag Direct)."""

from collections.abc import Callable, Coroutine
from typing import Any

from gateway.http.route import Media, Route
from gateway.identity import Account
from gateway.raw import Raw
from gateway.routes.scopes import ANY
from gateway.services.direct import Direct
from providers.base.provider import DirectAnswer

_PATH = "/v1/direct/{providerPath}"


def _passing(method: str) -> Callable[..., Coroutine[Any, Any, DirectAnswer]]:
    async def run(provider_path: str, raw: Raw, account: Account, direct: Direct) -> DirectAnswer:
        return await direct.passed(account, raw)

    run.__doc__ = f"""Pass a {method} through to the provider.

    Method, query and body go on as they are, with the account's credentials; status and body come back as they are.
    """
    return run


def _row(method: str) -> Route:
    takes = None if method in ("GET", "DELETE") else Media.ANY
    operation, run = f"direct{method.capitalize()}", _passing(method)
    return Route(method, _PATH, operation, ANY, run, Media.ANY, tag="Direct", takes=takes, greedy=True)


ROUTES = tuple(_row(method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE"))
