"""`Idempotency-Key`: a POST that creates or sends is carried out once, its answer is given again for 24 hours.

The key counts per caller and operation; with another body it is refused (draft-ietf-httpapi-idempotency-key-header).
"""

import hashlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Generic, Protocol, TypeVar

from starlette.responses import Response

from gateway.http.problems import Problem, problem_response
from gateway.identity import Caller
from providers.base.errors import Invalid, Uncertain

MAX_KEY = 255
Run = Callable[[], Awaitable[Response]]


class Claim(Protocol):
    """What is known of a key: `new` (ours to carry out), `running`, `done` with its answer, or `mismatch`."""

    @property
    def state(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


C = TypeVar("C", bound=Claim)


class Ledger(Protocol[C]):
    """Keeps keys and answers."""

    async def claim(
        self, application_id: int, account_id: int | None, route: str, key: str, request_hash: bytes
    ) -> C: ...
    async def finish(self, claim: C, status: int, body: bytes) -> None: ...
    async def abandon(self, claim: C) -> None: ...


class Repeats(Generic[C]):
    """Answers a request at most once per key."""

    def __init__(self, ledger: Ledger[C]) -> None:
        self._ledger = ledger

    async def answer(self, caller: Caller, request_id: str, use: str, key: str, body: bytes, run: Run) -> Response:
        """The response of `run`, or the one that was given before under this key for the same use."""
        if not key or len(key) > MAX_KEY or not key.isprintable():
            raise Invalid(f"must have 1 to {MAX_KEY} printable characters", path="Idempotency-Key")
        account = caller.account.id if caller.account else None
        claim = await self._ledger.claim(caller.application.id, account, use, key, hashlib.sha256(body).digest())
        return await self._first(claim, request_id, run) if claim.state == "new" else _again(claim)

    async def _first(self, claim: C, request_id: str, run: Run) -> Response:
        try:
            response = await run()
        except Uncertain as error:  # it may have happened: the key must not start it again
            response = problem_response(error, request_id)
            await self._ledger.finish(claim, response.status_code, bytes(response.body))
            raise
        except BaseException:
            await self._ledger.abandon(claim)
            raise
        await self._ledger.finish(claim, response.status_code, bytes(response.body))
        return response


def _again(claim: Claim) -> Response:
    if claim.state == "done":
        headers = {"content-type": "application/json", "idempotent-replayed": "true"}
        return Response(claim.body, claim.status, headers)
    if claim.state == "running":
        message = "Idempotency-Key: a request with this key is still being carried out"
        raise Problem(HTTPStatus.CONFLICT, "idempotency.running", message, {"retry-after": "1"})
    message = "Idempotency-Key: was used with another body before"
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency.mismatch", message)
