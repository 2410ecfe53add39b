"""Which method of the discovery documents a request is, for requests that others wrote: costs and scopes go by it."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from googleapiclient.discovery_cache import get_static_doc

_PLACE = re.compile(r"\\{(\\\+)?\w+\\}")  # {name} or {+name}, escaped


def gmail_method(verb: str, path: str) -> str | None:
    """Such as `gmail.users.messages.send`; None for what the document does not have. `path` is without a host."""
    return next((name for method, known, name in _gmail() if method == verb and known.fullmatch(path)), None)


@functools.cache
def _gmail() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    return tuple(_methods(json.loads(get_static_doc("gmail", "v1"))))


def _methods(part: Mapping[str, Any]) -> Iterator[tuple[str, re.Pattern[str], str]]:
    for method in part.get("methods", {}).values():
        pattern = _PLACE.sub(lambda place: ".+" if place[1] else "[^/]+", re.escape(method["path"]))
        yield method["httpMethod"], re.compile(pattern), method["id"]
    for resource in part.get("resources", {}).values():
        yield from _methods(resource)
