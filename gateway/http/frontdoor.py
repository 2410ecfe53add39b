"""The outermost layer: request ids, problems, CORS, one log line and one measurement per request."""

import logging
import time
import uuid
from http import HTTPStatus
from typing import Protocol

from prometheus_client import Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.problems import problem_response

log = logging.getLogger("postroom.access")
REQUESTS = Counter("postroom_http_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("postroom_http_request_seconds", "Seconds until the answer was sent.", ["method", "route"])
_ALLOWED_HEADERS = (
    "Authorization, Content-Type, If-Match, Idempotency-Key, Last-Event-ID, X-Aurinko-ClientId, X-Aurinko-Client-Id, "
    "X-Aurinko-AccountId, X-Aurinko-Account-Id, X-Aurinko-AuthType, X-Aurinko-Auth-Type, X-Aurinko-Session, "
    "X-Aurinko-Mailbox-Info"
)
_METHODS = frozenset(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])


class Origins(Protocol):
    """Which origins browser apps may call from."""

    async def trusted_origin(self, origin: str) -> bool: ...


class FrontDoor:
    """ASGI middleware around the router."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = Visit(scope, send)
        try:
            await self._cors(visit)
            app = visit.preflight() or self._app
            await app(scope, receive, visit.send)
        except Exception as error:
            if visit.status:  # the answer has begun: all that is left is to break it off
                raise
            await problem_response(error, visit.request_id)(scope, receive, visit.send)
        finally:
            visit.record()

    async def _cors(self, visit: "Visit") -> None:
        if visit.origin and await self._origins.trusted_origin(visit.origin):
            visit.headers |= {
                "access-control-allow-origin": visit.origin,
                "access-control-allow-credentials": "true",
                "access-control-expose-headers": "X-Request-Id, Retry-After, ETag",
                "vary": "Origin",
            }


class Visit:
    """One request on its way: what is added to its answer, and what is written down about it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.request_id = scope["request_id"] = str(uuid.uuid4())
        self.headers = {"x-request-id": self.request_id}
        self.status = 0
        self._scope, self._send, self._started = scope, send, time.perf_counter()
        asked = dict(scope["headers"])
        self.origin = asked.get(b"origin", b"").decode("latin-1")
        self._preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in asked

    def preflight(self) -> Response | None:
        """The answer to a CORS preflight; without the allowing headers when the origin is not trusted."""
        if not self._preflight:
            return None
        if "access-control-allow-origin" in self.headers:
            self.headers["access-control-allow-methods"] = "GET, POST, PUT, PATCH, DELETE"
            self.headers["access-control-allow-headers"] = _ALLOWED_HEADERS
            self.headers["access-control-max-age"] = "600"
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def send(self, message: Message) -> None:
        """Pass a message on; the first one gets the headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message).update(self.headers)
        await self._send(message)

    def record(self) -> None:
        """The log line and the measurement. No query string, no address, no body: they may hold secrets."""
        seconds = time.perf_counter() - self._started
        method = self._scope["method"] if self._scope["method"] in _METHODS else "other"
        route = self._scope.get("route_path", "none")
        REQUESTS.labels(method, route, str(self.status)).inc()
        SECONDS.labels(method, route).observe(seconds)
        if not log.isEnabledFor(logging.INFO):
            return
        caller = self._scope.get("caller")
        log.info(
            "request",
            extra={
                "request_id": self.request_id,
                "method": method,
                "route": route,
                "status": self.status,
                "ms": round(seconds * 1000, 1),
                "application": caller and caller.application.id,
                "account": caller and caller.account and caller.account.id,
            },
        )
