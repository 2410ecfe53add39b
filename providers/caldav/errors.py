"""The one table: what a DAV server answers -> what the caller does next."""

import re
from collections.abc import Callable, Mapping

from providers.base import errors
from providers.caldav.elements import CAL, CARD, DAV
from providers.caldav.multistatus import preconditions

Make = Callable[..., errors.ProviderError]

_BUSY = 60.0  # seconds

STATUSES: Mapping[int, tuple[Make, str]] = {
    400: (errors.Invalid, "the server does not take this"),
    401: (errors.Unauthorized, "the server refused the sign-in"),
    403: (errors.Denied, "the server does not allow this"),
    404: (errors.NotFound, "there is no such thing on the server"),
    405: (errors.Unsupported, "the server does not do this here"),
    408: (errors.Timeout, "the server waited too long"),
    409: (errors.Conflict, "the server says that this does not fit what is there"),
    410: (errors.NotFound, "this is gone from the server"),
    412: (errors.Conflict, "this was changed in the meantime"),
    413: (errors.TooLarge, "the server does not take anything of this size"),
    415: (errors.Invalid, "the server does not take this kind of data"),
    422: (errors.Invalid, "the server does not take this"),
    423: (errors.Denied, "this is locked on the server"),
    424: (errors.Denied, "the server did not carry this out"),
    429: (errors.RateLimited, "the server is asked too often"),
    501: (errors.Unsupported, "the server does not do this"),
    503: (errors.Unavailable, "the server is out of order"),
    504: (errors.Timeout, "the server got no answer in time"),
    507: (errors.Denied, "there is no room left on the server"),
}

#: Preconditions say more than the status that they come with (RFC 4791 5.3.2.1, 6352 6.3.2.1, 6578 3.2).
PRECONDITIONS: Mapping[str, tuple[Make, str]] = {
    DAV + "valid-sync-token": (errors.CursorExpired, "the server forgot the sync token"),
    DAV + "need-privileges": (errors.Denied, "the account may not do this"),
    DAV + "quota-not-exceeded": (errors.Denied, "there is no room left on the server"),
    CAL + "no-uid-conflict": (errors.Exists, "there is an event with this UID already"),
    CARD + "no-uid-conflict": (errors.Exists, "there is a contact with this UID already"),
    CAL + "max-resource-size": (errors.TooLarge, "the server does not take anything of this size"),
    CARD + "max-resource-size": (errors.TooLarge, "the server does not take anything of this size"),
    CAL + "valid-calendar-data": (errors.Invalid, "the server does not take this calendar data"),
    CAL + "valid-calendar-object-resource": (errors.Invalid, "the server does not take this calendar data"),
    CAL + "supported-calendar-component": (errors.Invalid, "this collection does not take this kind of item"),
    CAL + "max-instances": (errors.Invalid, "the server does not take a series of so many occurrences"),
    CAL + "max-attendees-per-instance": (errors.Invalid, "the server does not take so many attendees"),
    CAL + "min-date-time": (errors.Invalid, "the server does not take a date that is so early"),
    CAL + "max-date-time": (errors.Invalid, "the server does not take a date that is so late"),
    CARD + "valid-address-data": (errors.Invalid, "the server does not take this contact"),
    CAL + "allowed-attendee-scheduling-object-change": (errors.Denied, "only the organizer may change this"),
    CAL + "allowed-organizer-scheduling-object-change": (errors.Denied, "the server does not allow this change"),
}

_TAGS = re.compile(rb"<[^>]*>")


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> errors.ProviderError:
    """The error of an answer that is no success."""
    named = sorted(preconditions(body) & PRECONDITIONS.keys())
    make, text = PRECONDITIONS[named[0]] if named else _by_status(status)
    said = _shown(body)
    original = {"status": status, "body": said} if said else {"status": status}
    message = f"{text} ({status})"
    wait = _wait(headers)
    if issubclass(make, errors.Retryable):  # type: ignore[arg-type]
        return make(message, retry_after=wait, original=original)
    return make(message, original=original)


def _by_status(status: int) -> tuple[Make, str]:
    if status in STATUSES:
        return STATUSES[status]
    if 300 <= status < 400:
        return errors.Unavailable, "the server points elsewhere without end"
    return (errors.Unavailable, "the server failed") if status >= 500 else (errors.Invalid, "the server refused")


def _wait(headers: Mapping[str, str]) -> float | None:
    said = headers.get("retry-after", "").strip()
    return min(float(said), 3600.0) if said.isascii() and said.isdigit() else None


def _shown(body: bytes) -> str:
    """The beginning of the words in an answer, for people."""
    return " ".join(_TAGS.sub(b" ", body[:4000]).decode("utf-8", "replace").split())[:500]
