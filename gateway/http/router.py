"""Rows -> the ASGI application that answers them: one Starlette route per path, literal paths first."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import BaseRoute, Router
from starlette.routing import Route as Path
from starlette.types import Receive, Scope, Send

from gateway.http.binding import Binding, Surroundings
from gateway.http.problems import Problem
from gateway.http.route import Media, Route


class Resource:
    """Everything that answers at one path, by method; `streams` to those who accept events."""

    def __init__(self, path: str, bindings: Mapping[str, Binding], streams: Mapping[str, Binding]) -> None:
        self._path, self._bindings, self._streams = path, bindings, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route_path"] = self._path
        binding = self._streams.get(scope["method"]) if _wants_stream(scope) else None
        binding = binding or self._bindings.get(scope["method"])
        if binding is None:
            allowed = ", ".join(sorted(self._bindings))
            message = f"{self._path} takes {allowed}"
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "methodNotAllowed", message, {"allow": allowed})
        response = await binding.answer(Request(scope, receive, send))
        await response(scope, receive, send)


def router(routes: Sequence[Route], around: Surroundings, pages: Sequence[BaseRoute]) -> Router:
    """The router over all rows, and over `pages` that are no part of the API."""
    paths: dict[str, dict[str, Binding]] = {}
    streams: dict[str, dict[str, Binding]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = Binding(route, around)
        if streamed := route.streamed():
            streams.setdefault(route.path, {})[route.method] = Binding(streamed, around)
    ordered = sorted(paths.items(), key=lambda item: [step.startswith("{") for step in item[0].split("/")])
    greedy = {route.path for route in routes if route.greedy}
    resources = [
        Path(f"{path[:-1]}:path}}" if path in greedy else path, Resource(path, bindings, streams.get(path, {})))
        for path, bindings in ordered
    ]
    return Router([*resources, *pages], redirect_slashes=False, default=_nothing_here)


def _wants_stream(scope: Scope) -> bool:
    """Whether text/event-stream is named among what the client accepts (RFC 9110 12.5.1)."""
    accepted = Headers(scope=scope).get("accept", "")
    return Media.EVENTS.value in (media.partition(";")[0].strip().lower() for media in accepted.split(","))


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", "Nothing answers at this path; see /docs for what does")
