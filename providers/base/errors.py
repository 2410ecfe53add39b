"""Errors of the provider contract. Each class says what the caller does next, not what went wrong inside.

Every adapter maps the errors of its library to these in one table (`errors.py` of its folder); the gateway maps these
to HTTP statuses in one table (`gateway/http/problems.py`).
"""

from typing import Any


class ProviderError(Exception):
    """Base of all; `message` is for people and free of secrets, `original` is the provider's own answer, any JSON."""

    def __init__(self, message: str, *, original: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.original = original


class NotFound(ProviderError):
    """The item, its parent or the page does not exist (any more)."""


class Conflict(ProviderError):
    """The version given is not the current one: reload, then decide again."""


class Exists(ProviderError):
    """What should be created is there already."""


class Taken(ProviderError):
    """Somebody else has the time; `original` has times that are free: {"items": [...]}."""


class TooLate(ProviderError):
    """It is under way or done: it cannot be changed any more."""


class Denied(ProviderError):
    """The account may not do this; asking again does not help."""


class Unauthorized(Denied):
    """The provider refused the credentials; `final` when only a new sign-in can help."""

    def __init__(self, message: str, *, final: bool = False, original: Any = None) -> None:
        super().__init__(message, original=original)
        self.final = final


class Invalid(ProviderError):
    """The input cannot be carried out; `path` names the field as it stands on the wire, e.g. `to.0.address`, `code`
    the kind of fault where clients know one."""

    def __init__(self, message: str, *, path: str | None = None, code: str | None = None, original: Any = None) -> None:
        super().__init__(message, original=original)
        self.path, self.code = path, code


class TooLarge(Invalid):
    """The provider does not take anything of this size."""


class Retryable(ProviderError):
    """The same request may succeed later, after `retry_after` seconds where known."""

    def __init__(self, message: str, *, retry_after: float | None = None, original: Any = None) -> None:
        super().__init__(message, original=original)
        self.retry_after = retry_after


class RateLimited(Retryable):
    """A quota of the provider or of the gateway is used up."""


class Unavailable(Retryable):
    """The provider cannot be reached or is out of order; nothing was changed."""


class Timeout(Unavailable):
    """The provider did not answer in time; a read may be repeated."""


class Pending(Retryable):
    """The answer is being worked out: ask again."""


class CursorExpired(ProviderError):
    """The provider forgot the cursor: list everything and compare."""


class Uncertain(ProviderError):
    """A write may or may not have happened (the answer was lost): look before doing it again."""


class Unsupported(ProviderError):
    """The provider lacks this verb or this option of it."""
