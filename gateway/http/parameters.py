"""What a route function asks for, read off its signature once at start.

| annotation | comes from |
|---|---|
| a name that stands in the path | the path |
| `Caller`, `Application`, `Account`, `User`, `Standing` | the credentials |
| `Browser` | the cookies |
| `Raw` | the whole request, body included, as it came |
| a port (`Messages`, `Drafts`, ...) or `Session` | the caller's opened account |
| `PageRequest` | the query's `pageToken` and `limit` |
| a `schemas` model | the JSON body (`Model | None`: may be absent) |
| `Annotated[..., Header("Name")]` | a header |
| a class the application was built with | that object |
| anything else | a query parameter, in camelCase or as `Named("name")` says; `Also("Name")` names further spellings |
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import Field, TypeAdapter
from pydantic.alias_generators import to_camel

from gateway.browsers import Browser
from gateway.identity import Account, Application, Caller, Standing, User
from gateway.raw import Raw
from providers.base.collection import PageRequest
from providers.base.provider import Session
from schemas.base import Model

#: Row ids: PostgreSQL bigint.
Id = Annotated[int, Field(ge=0, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Header:
    """Marks a parameter that comes from a header."""

    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """Says how a query parameter is spelled, where that is not in camelCase."""

    name: str


@dataclass(frozen=True, slots=True, init=False)
class Also:
    """Names further spellings of a query parameter that are in use."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


class Source(Enum):
    """Where a parameter's value comes from."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    BODY = "body"
    PAGE = "page"
    CALLER = "caller"
    BROWSER = "browser"
    RAW = "raw"
    PORT = "port"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a route function; `wire` is its name in the request, `adapter` checks its value."""

    name: str
    wire: str
    source: Source
    annotation: Any
    required: bool
    default: Any = None
    adapter: TypeAdapter[Any] | None = None
    many: bool = False
    also: tuple[str, ...] = ()


PORTS: Mapping[type, str] = {
    get_args(hint)[0]: name for name, hint in get_type_hints(Session).items() if get_args(hint)
}
_CALLERS = (Caller, Application, Account, Standing, User)


def parameters(function: Callable[..., Any], path: str) -> tuple[Parameter, ...]:
    """The parameters of a route function in order."""
    hints = get_type_hints(function, include_extras=True)
    in_path = set(re.findall(r"{(\w+)}", path))
    return tuple(
        _parameter(name, hints[name], given.default, in_path)
        for name, given in inspect.signature(function).parameters.items()
    )


def _parameter(name: str, hint: Any, default: Any, in_path: set[str]) -> Parameter:
    required = default is inspect.Parameter.empty
    value = None if required else default
    kind = plain(hint)
    if to_camel(name) in in_path:
        return Parameter(name, to_camel(name), Source.PATH, hint, True, adapter=TypeAdapter(hint))
    if header := next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Header)), None):
        return Parameter(name, header.name, Source.HEADER, hint, required, value, TypeAdapter(hint))
    if inspect.isclass(kind) and (source := _source(kind)):
        adapter = TypeAdapter(kind) if source is Source.BODY else None
        return Parameter(name, name, source, kind, required, value, adapter)
    also = next((mark.names for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Also)), ())
    wire = next((mark.name for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Named)), to_camel(name))
    adapter = TypeAdapter(hint)
    return Parameter(name, wire, Source.QUERY, hint, required, value, adapter, _is_list(kind), also)


def _source(kind: type) -> Source | None:
    if kind in _CALLERS:
        return Source.CALLER
    if kind is Browser:
        return Source.BROWSER
    if kind is Raw:
        return Source.RAW
    if kind in PORTS or kind is Session:
        return Source.PORT
    if kind is PageRequest:
        return Source.PAGE
    if issubclass(kind, Model):
        return Source.BODY
    builtin = kind.__module__ in ("builtins", "datetime", "pydantic.types") or issubclass(kind, Enum)
    return None if builtin else Source.SERVICE


def plain(hint: Any) -> Any:
    """The type without `Annotated` and without `| None`."""
    if get_origin(hint) is Annotated:
        return plain(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        rest = [kind for kind in get_args(hint) if kind is not NoneType]
        return plain(rest[0]) if len(rest) == 1 else hint
    return hint


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (list, tuple)
