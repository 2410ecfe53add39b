"""What passes between a person's browser and the services: cookies, redirects."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.base import Model


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser of a request: its cookies, the request's id, which people can name when they complain, and the
    address that it comes from, where that is known."""

    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    request_id: str = ""
    address: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set: HttpOnly, for all paths, for `seconds`; None takes it away. `foreign`: pages of other sites may
    send it along with what they fetch (SameSite=None, which browsers accept over https only)."""

    name: str
    value: str | None = field(repr=False)
    seconds: int = 0
    foreign: bool = False
    secure: bool = True


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser elsewhere (303)."""

    location: str = field(repr=False)
    cookies: tuple[Cookie, ...] = ()


@dataclass(frozen=True, slots=True)
class WithCookies:
    """An answer that sets cookies, too."""

    value: Model | None
    cookies: tuple[Cookie, ...]
