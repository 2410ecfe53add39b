"""The discovery documents inside google-api-python-client as an oracle: routes, parameters, bodies.

A request or an answer that a document does not know is a fault, whichever side made it.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from googleapiclient.discovery_cache import get_static_doc
from jsonschema import Draft202012Validator

_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"
_FORMATS = {
    "int64": r"^-?\d+$",
    "uint64": r"^\d+$",
    "date-time": _MOMENT,
    "google-datetime": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$",
    "date": r"^\d{4}-\d\d-\d\d$",
    "byte": r"^[A-Za-z0-9_\-+/]*={0,2}$",
}
APIS = (("gmail", "v1"), ("calendar", "v3"), ("people", "v1"), ("tasks", "v1"))

Json = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """A method of an API and the values in its path; `upload`: through the media path."""

    api: str
    id: str
    spec: Json
    path: dict[str, str]
    upload: bool


@dataclass(frozen=True)
class _Route:
    verb: str
    pattern: re.Pattern[str]
    api: str
    spec: Json
    upload: bool


class Discovery:
    """All four documents."""

    def __init__(self) -> None:
        self.docs: dict[str, Json] = {}
        self._routes: list[_Route] = []
        for name, version in APIS:
            doc = json.loads(get_static_doc(name, version))
            self.docs[name] = doc
            self._walk(name, doc, doc)
        self._routes.sort(key=lambda route: -len(re.sub(r"\(\?P<.*?\)", "", route.pattern.pattern)))
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}

    def match(self, verb: str, path: str) -> Operation | None:
        """The operation that a decoded path means."""
        for route in self._routes:
            if route.verb == verb and (hit := route.pattern.match(path)):
                return Operation(route.api, route.spec["id"], route.spec, hit.groupdict(), route.upload)
        return None

    def request_faults(self, operation: Operation, query: dict[str, list[str]], body: Any) -> list[str]:
        """What the document does not allow of a request."""
        known = {**self.docs[operation.api]["parameters"], **operation.spec.get("parameters", {}), "uploadType": {}}
        faults = [f"unknown query parameter {name}" for name in query if name not in known]
        for name, spec in known.items():
            faults += [fault for value in query.get(name, []) for fault in _parameter_faults(name, spec, value)]
            if spec.get("required") and spec.get("location") == "query" and name not in query:
                faults.append(f"missing query parameter {name}")
        reference = operation.spec.get("request", {}).get("$ref")
        if body is not None and reference:
            return faults + self._faults(operation.api, reference, body)
        return faults + (["a body where the method takes none"] if body is not None else [])

    def answer_faults(self, operation: Operation, body: Any) -> list[str]:
        """What the document does not know of a successful answer."""
        reference = operation.spec.get("response", {}).get("$ref")
        if reference:
            return self._faults(operation.api, reference, body)
        return ["a body where the method returns none"] if body else []

    def _walk(self, api: str, doc: Json, node: Json) -> None:
        for spec in node.get("methods", {}).values():
            self._route(api, spec, doc["servicePath"] + spec["path"])
            for protocol in spec.get("mediaUpload", {}).get("protocols", {}).values():
                self._route(api, spec, protocol["path"], upload=True)
        for inner in node.get("resources", {}).values():
            self._walk(api, doc, inner)

    def _route(self, api: str, spec: Json, path: str, upload: bool = False) -> None:
        patterns = {
            name: value.get("pattern", "[^?:]+").strip("^$") for name, value in spec.get("parameters", {}).items()
        }
        pattern = re.escape("/" + path.lstrip("/"))
        pattern = re.sub(r"\\\{\\\+(\w+)\\\}", lambda found: f"(?P<{found[1]}>{patterns[found[1]]})", pattern)
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
        self._routes.append(_Route(spec["httpMethod"], re.compile(f"{pattern}\\Z"), api, spec, upload))

    def _faults(self, api: str, reference: str, value: Any) -> list[str]:
        validator = self._validators.get((api, reference))
        if validator is None:
            schema = {"$ref": f"#/$defs/{reference}", "$defs": _definitions(api, self)}
            validator = self._validators[(api, reference)] = Draft202012Validator(schema)
        return [
            f"{reference} {'/'.join(map(str, error.absolute_path)) or '.'}: {error.message[:160]}"
            for error in validator.iter_errors(value)
        ]


@cache
def _definitions(api: str, discovery: Discovery) -> Json:
    return {name: _schema(schema) for name, schema in discovery.docs[api]["schemas"].items()}


def _schema(spec: Json) -> Json:
    """Draft 3 as the documents write it -> draft 2020-12; properties that are not named are refused."""
    if "$ref" in spec:
        return {"$ref": f"#/$defs/{spec['$ref']}"}
    kind = spec.get("type")
    if kind == "any" or (kind is None and not spec.get("properties")):
        return {}
    out: Json = {"type": kind or "object"}
    if kind == "string" and spec.get("format") in _FORMATS:
        out["pattern"] = _FORMATS[spec["format"]]
    if "enum" in spec:
        out["enum"] = spec["enum"]
    if kind == "array":
        out["items"] = _schema(spec.get("items", {}))
    if out["type"] == "object":
        out["properties"] = {name: _nullable(_schema(value)) for name, value in spec.get("properties", {}).items()}
        more = spec.get("additionalProperties")
        if more is not None:
            out["additionalProperties"] = _schema(more)
        elif spec.get("properties"):
            out["additionalProperties"] = False
    return out


def _nullable(schema: Json) -> Json:
    """A patch clears a field with null."""
    return {"anyOf": [schema, {"type": "null"}]} if schema else schema


def _parameter_faults(name: str, spec: Json, value: str) -> list[str]:
    faults = []
    if "enum" in spec and value not in spec["enum"]:
        faults.append(f"{name}={value} is not one of {spec['enum']}")
    if spec.get("type") == "integer" and not re.fullmatch(r"-?\d+", value):
        faults.append(f"{name}={value} is not an integer")
    if spec.get("type") == "boolean" and value.lower() not in ("true", "false"):
        faults.append(f"{name}={value} is not a boolean")
    if spec.get("format") in ("date-time", "google-datetime") and not re.match(_MOMENT, value):
        faults.append(f"{name}={value} is not RFC 3339")
    return faults
