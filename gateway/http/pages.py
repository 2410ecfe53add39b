"""What answers beside the API, without credentials: health, metrics, the OpenAPI document and its viewer."""

import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import mkdocs_swagger_ui_tag  # ships the viewer's files, so that /docs needs nothing from outside
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client import REGISTRY as PROCESS
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from providers.base.errors import Unavailable

Ready = Callable[[], Awaitable[str | None]]
Figures = Callable[[], Awaitable[bytes]]
_VIEWER = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Postroom API</title><meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/docs/assets/stylesheets/swagger-ui.css"></head>
<body><div id="viewer"></div>
<script src="/docs/assets/javascripts/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script></body>
</html>
"""
_START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#viewer", deepLinking: true});'
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)


def pages(ready: Ready, figures: Figures, openapi: dict[str, Any], multiprocess: bool) -> list[BaseRoute]:
    """The routes. `ready` gives None, or what is missing until requests can be served; `figures` what the database
    knows, in Prometheus' text format."""
    document = json.dumps(openapi, ensure_ascii=False).encode()

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readiness(_: Request) -> Response:
        missing = await ready()
        return JSONResponse({"status": missing or "ok"}, 503 if missing else 200)

    async def metrics(_: Request) -> Response:
        measured = generate_latest(_registry(multiprocess))
        try:
            measured += await figures()
        except Unavailable:  # a database that is down must not hide what the process knows
            pass
        return Response(measured, media_type=CONTENT_TYPE_LATEST)

    async def api(_: Request) -> Response:
        return Response(document, media_type="application/json")

    async def viewer(_: Request) -> Response:
        return HTMLResponse(_VIEWER, headers={"content-security-policy": _POLICY})

    async def start(_: Request) -> Response:
        return Response(_START, media_type="text/javascript")

    assets = StaticFiles(directory=str(files(mkdocs_swagger_ui_tag) / "swagger-ui"))
    return [
        Route("/health/live", live),
        Route("/health/ready", readiness),
        Route("/metrics", metrics),
        Route("/openapi.json", api),
        Route("/docs", viewer),
        Route("/docs/start.js", start),
        Mount("/docs/assets", assets),
    ]


def _registry(multiprocess: bool) -> CollectorRegistry:
    if not multiprocess:
        return PROCESS
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
