"""What went wrong, as a status and a body: the only place where an error meets a status code."""

import logging
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from providers.base import errors
from schemas.common import ApiRequestFailed

log = logging.getLogger("postroom.http")

#: error class -> (status, code); the first that fits, so the special ones stand above the general ones
TABLE: tuple[tuple[type[BaseException], HTTPStatus, str], ...] = (
    (errors.NotFound, HTTPStatus.NOT_FOUND, "not_found"),
    (errors.Conflict, HTTPStatus.PRECONDITION_FAILED, "preconditionFailed"),
    (errors.Exists, HTTPStatus.CONFLICT, "alreadyExists"),
    (errors.Taken, HTTPStatus.CONFLICT, "alreadyScheduled"),
    (errors.TooLate, HTTPStatus.CONFLICT, "tooLate"),
    (errors.Unauthorized, HTTPStatus.UNAUTHORIZED, "unauthorized"),
    (errors.Denied, HTTPStatus.FORBIDDEN, "forbidden"),
    (errors.TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "tooLarge"),
    (errors.Invalid, HTTPStatus.BAD_REQUEST, "badRequest"),
    (errors.RateLimited, HTTPStatus.TOO_MANY_REQUESTS, "tooManyRequests"),
    (errors.Pending, HTTPStatus.REQUEST_TIMEOUT, "pending"),
    (errors.Timeout, HTTPStatus.REQUEST_TIMEOUT, "provider.timeout"),
    (errors.Unavailable, HTTPStatus.SERVICE_UNAVAILABLE, "mailbox.unavailable"),
    (errors.CursorExpired, HTTPStatus.GONE, "syncToken.expired"),
    (errors.Uncertain, HTTPStatus.BAD_GATEWAY, "uncertain"),
    (errors.Unsupported, HTTPStatus.NOT_IMPLEMENTED, "notSupported"),
    (TimeoutError, HTTPStatus.REQUEST_TIMEOUT, "timeout"),
    (ClientDisconnect, HTTPStatus.BAD_REQUEST, "disconnected"),
)


class Problem(Exception):
    """A refusal of the HTTP layer itself, before or around the work."""

    def __init__(self, status: HTTPStatus, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


def token_problem(message: str) -> Problem:
    """A page or delta token that is not one of ours for this call (behaviour.md, section 6)."""
    return Problem(HTTPStatus.BAD_REQUEST, "token.notValid", f"Page token is invalid: {message}")


def invalid(error: ValidationError, prefix: str = "") -> errors.Invalid:
    """The first few findings of pydantic as one sentence, each with the field's path."""
    findings = error.errors(include_url=False, include_input=False, include_context=False)
    paths = [".".join(str(step) for step in (*filter(None, [prefix]), *finding["loc"])) for finding in findings]
    texts = [finding["msg"].removeprefix("Value error, ") for finding in findings]
    sentence = "; ".join(f"{path or 'body'}: {text}" for path, text in list(zip(paths, texts, strict=True))[:5])
    return errors.Invalid(sentence, path=paths[0] or "body")


def problem_response(error: BaseException, request_id: str) -> Response:
    """The answer to a request that ended in `error`."""
    status, code, message, headers = _classify(error)
    original: Any = getattr(error, "original", None)
    body = ApiRequestFailed(code=code, message=message, request_id=request_id, original_error=original)
    return Response(body.to_json(), status, {**headers, "content-type": "application/json"})


def _classify(error: BaseException) -> tuple[int, str, str, dict[str, str]]:
    if isinstance(error, Problem):
        return error.status, error.code, error.message, error.headers
    for kind, status, code in TABLE:
        if isinstance(error, kind):
            return status, _code(error, code), _message(error, status), _headers(error, status)
    log.error("unexpected failure", exc_info=error)
    return (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "The gateway failed; the log has more under this request id",
        {},
    )


def _code(error: BaseException, code: str) -> str:
    if isinstance(error, errors.Unauthorized) and error.final:
        return "token.dead"
    return getattr(error, "code", None) or code


def _message(error: BaseException, status: HTTPStatus) -> str:
    message = getattr(error, "message", None) or str(error) or status.phrase
    path = getattr(error, "path", None)
    return message if not path or message.startswith(path) else f"{path}: {message}"


def _headers(error: BaseException, status: HTTPStatus) -> dict[str, str]:
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return {"retry-after": str(max(1, round(getattr(error, "retry_after", None) or 1)))}
    return {}
