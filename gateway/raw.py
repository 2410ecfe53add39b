"""Requests that are taken as they are: to be passed on, or because a provider wrote them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Raw:
    """A whole request. `rest` is what the end of the path, where it is open, was matched by, and `query` what follows
    the question mark, both percent-encoded as they came; names of headers are in lower case."""

    method: str
    rest: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
