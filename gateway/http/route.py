"""A route is a row: where it answers, who may call it, and the function that does the work."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from schemas.accounts import Scope


class Audience(Enum):
    """Whose credentials a row takes (behaviour.md, section 1)."""

    ANYONE = "anyone"
    APPLICATION = "application"
    ACCOUNT = "account"
    USER = "user"
    IDENTITY = "identity"  # whoever has an identity token
    PROVIDER = "provider"  # by an identity token or a channel's secret, which the row itself checks
    EITHER = "either"  # an application, too, that names no account


@dataclass(frozen=True, slots=True)
class Access:
    """An audience and, for accounts, the unified scopes of which one is needed (none: any account)."""

    audience: Audience
    scopes: tuple[Scope, ...] = ()


ANYONE = Access(Audience.ANYONE)
APPLICATION = Access(Audience.APPLICATION)
USER = Access(Audience.USER)
IDENTITY = Access(Audience.IDENTITY)
PROVIDER = Access(Audience.PROVIDER)


def account(*scopes: Scope) -> Access:
    """For callers that stand for an account with one of these scopes."""
    return Access(Audience.ACCOUNT, scopes)


def either(access: Access) -> Access:
    """For those callers, and for applications on all their accounts."""
    return Access(Audience.EITHER, access.scopes)


class Media(Enum):
    """How a streamed answer travels."""

    TEXT = "text/plain"
    BASE64_JSON = "application/json"  # {"content": "<Base64>"}
    ANY = "*/*"  # as the provider gave it, or takes it
    REDIRECT = "text/html"  # a browser is sent elsewhere, or shown why not
    EVENTS = "text/event-stream"  # server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html


@dataclass(frozen=True, slots=True)
class Route:
    """`operation` is the contract's operationId. The function's parameters say what the request brings (binding.py);
    `answer` is the shape of a success: a model, a page model for a `Page`, a `Media` for `Content` or `Batches`, None
    for no body; `takes` describes the body of a request that comes as `Raw`. With `greedy` the last part of the path
    has slashes in it. Those who accept `text/event-stream` are answered by `stream`, where there is one.
    """

    method: str
    path: str
    operation: str
    access: Access
    run: Callable[..., Any]
    answer: Any = None
    status: int = 200
    tag: str = ""
    once: bool = False  # honours Idempotency-Key
    guarded: bool = False  # honours If-Match: may answer 412 (Conflict)
    found: bool = False  # the contract names its 404
    slow: bool = False  # may answer 408 (Pending)
    expires: bool = False  # takes tokens that may answer 410 (CursorExpired)
    takes: Any = None
    greedy: bool = False
    documented: bool = True
    stream: Callable[..., Any] | None = None

    def streamed(self) -> "Route | None":
        """The row as it answers with a stream of events."""
        return self.stream and replace(self, run=self.stream, answer=Media.EVENTS, stream=None)
