"""`Idempotency-Key`: a POST that creates or sends is carried out once, its answer is given again for 24 hours.

The key counts per caller and operation; with another body it is refused (draft-ietf-httpapi-idempotency-key-header).
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Protocol

from starlette.responses import Response

from gateway.claims import Attempt, State
from gateway.http.problems import Problem, problem_response
from gateway.identity import Caller
from providers.base.errors import Invalid, Uncertain

MAX_KEY = 255
Run = Callable[[], Awaitable[Response]]


class Ledger(Protocol):
    """Keeps keys and answers."""

    async def claim(self, caller: Caller, use: str, key: str, body_hash: bytes) -> Attempt: ...
    async def finish(self, attempt: Attempt, status: int, body: bytes) -> None: ...
    async def give_up(self, attempt: Attempt) -> None: ...


class Repeats:
    """Answers a request at most once per key."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def answer(self, caller: Caller, request_id: str, use: str, key: str, digest: bytes, run: Run) -> Response:
        """The response of `run`, or the one that was given before under this key for the same use.

        `digest` tells bodies apart."""
        if not key or len(key) > MAX_KEY or not key.isprintable():
            raise Invalid(f"must have 1 to {MAX_KEY} printable characters", path="Idempotency-Key")
        attempt = await self._ledger.claim(caller, use, key, digest)
        return await self._first(attempt, request_id, run) if attempt.state is State.NEW else _again(attempt)

    async def _first(self, attempt: Attempt, request_id: str, run: Run) -> Response:
        try:
            response = await run()
        except Uncertain as error:  # it may have happened: the key must not start it again
            response = problem_response(error, request_id)
            await self._ledger.finish(attempt, response.status_code, bytes(response.body))
            raise
        except BaseException:
            await self._ledger.give_up(attempt)
            raise
        await self._ledger.finish(attempt, response.status_code, bytes(response.body))
        return response


def _again(attempt: Attempt) -> Response:
    if attempt.state is State.DONE:
        headers = {"content-type": "application/json", "idempotent-replayed": "true"}
        return Response(attempt.body, attempt.status, headers)
    if attempt.state is State.RUNNING:
        message = "Idempotency-Key: a request with this key is still being carried out"
        raise Problem(HTTPStatus.CONFLICT, "idempotency.running", message, {"retry-after": "1"})
    message = "Idempotency-Key: was used with another body before"
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency.mismatch", message)
