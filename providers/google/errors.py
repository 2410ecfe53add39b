"""Google's error answers -> the errors of the provider contract, in one table.

https://developers.google.com/workspace/gmail/api/guides/handle-errors and the same page of the other APIs.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from providers.base.errors import (
    Conflict,
    CursorExpired,
    Denied,
    Exists,
    Invalid,
    NotFound,
    ProviderError,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
    Uncertain,
)

_QUOTA = frozenset(("ratelimitexceeded", "userratelimitexceeded", "quotaexceeded", "resource_exhausted"))
_DAILY = frozenset(("dailylimitexceeded", "calendarusagelimitsexceeded"))
_DAY_RETRY = 3600.0  # seconds; when a daily limit ends is not said
_KINDS: Mapping[int, type[ProviderError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Denied,
    404: NotFound,
    409: Exists,
    410: CursorExpired,
    412: Conflict,
    413: TooLarge,
}


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, reads: bool) -> ProviderError:
    """The error for an answer that is no success; `reads`: the request changed nothing, however it ended."""
    original = _json(body)
    message, reasons = _message(original) or f"Google answered {status}", set(_reasons(original))
    if status == 429 or (status == 403 and reasons & _QUOTA):
        return RateLimited(message, retry_after=retry_after(headers), original=original)
    if status == 403 and reasons & _DAILY:
        return RateLimited(message, retry_after=_DAY_RETRY, original=original)
    if status >= 500:
        if reads:
            return Unavailable(message, retry_after=retry_after(headers), original=original)
        return Uncertain(message, original=original)
    if status == 401 and any("webhook" in reason for reason in reasons):  # it says nothing of the token
        return Invalid(message, original=original)
    if status == 400:
        return _invalid(message, reasons, original)
    return _KINDS.get(status, Unavailable)(message, original=original)


def _invalid(message: str, reasons: set[str], original: Any) -> ProviderError:
    if "failedprecondition" in reasons or "failed_precondition" in reasons:  # a stale etag at People
        return Conflict(message, original=original)
    if reasons & {"expired_sync_token", "fullsyncrequired"}:
        return CursorExpired(message, original=original)
    if "invalid id value" in message.lower():
        return NotFound(message, original=original)
    path = "pageToken" if "pagetoken" in message.lower().replace(" ", "") else None
    return Invalid(message, path=path, original=original)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of Retry-After (RFC 9110 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()) if value else None
    except (TypeError, ValueError):
        return None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body[:500].decode("utf-8", "replace") or None


def _message(original: Any) -> str | None:
    error = original.get("error") if isinstance(original, dict) else None
    text = error.get("message") if isinstance(error, dict) else None
    return str(text) if text else None


def _reasons(original: Any) -> Iterator[str]:
    """Everything by which the APIs name an error, in lower case."""
    error = original.get("error") if isinstance(original, dict) else None
    if not isinstance(error, dict):
        return
    for entry in (error, *error.get("errors", ()), *error.get("details", ())):
        for name in ("status", "reason"):
            if isinstance(entry, dict) and entry.get(name):
                yield str(entry[name]).lower()
