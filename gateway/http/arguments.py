"""A request -> the arguments of a route function, one reader for each source of parameters.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from gateway.browsers import Browser
from gateway.http.parameters import PORTS, Parameter, Source
from gateway.http.problems import invalid
from gateway.identity import Account, Application, Caller, Standing, User
from gateway.raw import Raw
from providers.base.collection import PageRequest
from providers.base.errors import Invalid, Unsupported
from providers.base.provider import Session

Query = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class Incoming:
    """The parts of one request that arguments are read from."""

    path: Mapping[str, Any]
    query: Query
    headers: Mapping[str, str]
    body: bytes  # let go of once it is parsed: it may be most of the memory of a request
    page: PageRequest
    caller: Caller | None
    standing: Standing
    services: Mapping[type, object]
    browser: Browser = field(default_factory=Browser)
    session: Session | None = None
    raw: Raw | None = None


def arguments(parameters: Sequence[Parameter], incoming: Incoming) -> dict[str, Any]:
    """Every argument, checked. Raises `Invalid` with the path of a bad one, `Unsupported` for a lacking port."""
    return {parameter.name: _READERS[parameter.source](parameter, incoming) for parameter in parameters}


def _path(parameter: Parameter, incoming: Incoming) -> Any:
    return _checked(parameter, incoming.path[parameter.wire])


def _query(parameter: Parameter, incoming: Incoming) -> Any:
    values = incoming.query.get(parameter.wire)
    if not values or values == [""]:
        if parameter.required:
            raise Invalid("is required", path=parameter.wire)
        return parameter.default
    if parameter.many:  # repeated and comma-separated lists are both in use (behaviour.md, section 3)
        return _checked(parameter, [piece for value in values for piece in value.split(",") if piece])
    return _checked(parameter, values[-1])


def _header(parameter: Parameter, incoming: Incoming) -> Any:
    value = incoming.headers.get(parameter.wire.lower())
    return parameter.default if value is None else _checked(parameter, value)


def _body(parameter: Parameter, incoming: Incoming) -> Any:
    if not incoming.body or incoming.body.isspace():
        if parameter.required:
            raise Invalid("a JSON body is required", path="body")
        return parameter.default
    assert parameter.adapter is not None
    value = _json(incoming)
    try:
        return parameter.adapter.validate_python(value)
    except ValidationError as error:
        raise invalid(error) from None


def _json(incoming: Incoming) -> Any:
    """The parsed body, which is let go of at once: `validate_json` would hold a large string three times."""
    try:
        return from_json(incoming.body, allow_inf_nan=False)
    except ValueError as error:
        raise Invalid(f"body: is not JSON: {error}", path="body") from None
    finally:
        incoming.body = b""


def _checked(parameter: Parameter, value: str | list[str]) -> Any:
    assert parameter.adapter is not None
    check = parameter.adapter.validate_strings if isinstance(value, str) else parameter.adapter.validate_python
    try:
        return check(value)
    except ValidationError as error:
        raise invalid(error, parameter.wire) from None


def _caller(parameter: Parameter, incoming: Incoming) -> Any:
    caller = incoming.caller
    assert caller is not None
    given = {
        Caller: caller,
        Application: caller.application,
        Account: caller.account,
        User: caller.user,
        Standing: incoming.standing,
    }
    return given[parameter.annotation]


def _port(parameter: Parameter, incoming: Incoming) -> Any:
    if parameter.annotation is Session:
        return incoming.session
    port = getattr(incoming.session, PORTS[parameter.annotation])
    if port is None:
        raise Unsupported(f"This account's provider has no {parameter.annotation.__name__.lower()}")
    return port


_READERS: Mapping[Source, Callable[[Parameter, Incoming], Any]] = {
    Source.PATH: _path,
    Source.QUERY: _query,
    Source.HEADER: _header,
    Source.BODY: _body,
    Source.PAGE: lambda _, incoming: incoming.page,
    Source.CALLER: _caller,
    Source.BROWSER: lambda _, incoming: incoming.browser,
    Source.RAW: lambda _, incoming: incoming.raw,
    Source.PORT: _port,
    Source.SERVICE: lambda parameter, incoming: incoming.services[parameter.annotation],
}
