"""Compares an OpenAPI document with the contract: what is missing or different, a sentence each."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")


def operations(document: Document) -> dict[tuple[str, str], Document]:
    return {
        (method, path): item[method] for path, item in document["paths"].items() for method in METHODS if method in item
    }


def differences(contract: Document, served: Document) -> Iterator[str]:
    """Everything in which the served operations fall short of the contract's."""
    wanted, given = operations(contract), operations(served)
    for key in sorted(given):
        if key in wanted:
            yield from _operation(f"{key[0].upper()} {key[1]}", wanted[key], given[key])
        else:
            yield f"{key[0].upper()} {key[1]}: is not in the contract"
    for name, schema in served["components"]["schemas"].items():
        if name in contract["components"]["schemas"]:
            yield from _schema(name, contract["components"]["schemas"][name], schema, contract, served)


def _operation(label: str, wanted: Document, given: Document) -> Iterator[str]:
    if wanted["operationId"] != given["operationId"]:
        yield f"{label}: operationId {given['operationId']} instead of {wanted['operationId']}"
    yield from _parameters(label, wanted, given)
    yield from _body(label, wanted, given)
    yield from _responses(label, wanted, given)


def _parameters(label: str, wanted: Document, given: Document) -> Iterator[str]:
    have = {(item["in"], item["name"]): item for item in given.get("parameters", [])}
    for item in wanted.get("parameters", []):
        own = have.get((item["in"], item["name"]))
        if own is None:
            yield f"{label}: parameter {item['name']} ({item['in']}) is missing"
        elif bool(own.get("required")) != bool(item.get("required")):
            yield f"{label}: parameter {item['name']}: required is {own.get('required')}"
        elif (kind := _kind(item["schema"])) and kind != _kind(own["schema"]):
            yield f"{label}: parameter {item['name']}: {_kind(own['schema'])} instead of {kind}"


def _kind(schema: Document) -> Any:
    if "$ref" in schema:
        return schema["$ref"]
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else [one for one in kind or [] if one != "null"]
    items = _kind(schema["items"]) if "items" in schema and "$ref" in schema["items"] else None
    if items in ("#/components/schemas/NativeProperty", "#/components/schemas/NativeScope"):
        items = None
    return (*kinds, items, schema.get("format") if schema.get("format") == "date-time" else None)


def _body(label: str, wanted: Document, given: Document) -> Iterator[str]:
    if _content(wanted.get("requestBody")) != _content(given.get("requestBody")):
        yield f"{label}: body {_content(given.get('requestBody'))} instead of {_content(wanted.get('requestBody'))}"
    elif "requestBody" in wanted and wanted["requestBody"].get("required") != given["requestBody"].get("required"):
        yield f"{label}: body: required is {given['requestBody'].get('required')}"


def _responses(label: str, wanted: Document, given: Document) -> Iterator[str]:
    for status, response in wanted["responses"].items():
        own = given["responses"].get(status)
        if own is None:
            yield f"{label}: answer {status} is missing"
        elif status.startswith("2") and _success(response) != _success(own):
            yield f"{label}: answer {status} is {_success(own)} instead of {_success(response)}"


def _success(response: Document) -> Any:
    if response.get("$ref", "").endswith("/Ok"):
        return {"application/json": {"$ref": "#/components/schemas/OkResponse"}}
    return _content(response)


def _content(part: Document | None) -> Any:
    return {media: item.get("schema") for media, item in (part or {}).get("content", {}).items()}


def _schema(path: str, wanted: Document, given: Document, contract: Document, served: Document) -> Iterator[str]:
    """Every property the contract has is there with the same type; every enum value too."""
    if "enum" in wanted:
        if missing := set(wanted["enum"]) - set(_resolve(given, served).get("enum", [])):
            yield f"{path}: values {sorted(missing)} are missing"
        if added := set(_resolve(given, served).get("enum", [])) - set(wanted["enum"]):
            yield f"{path}: values {sorted(added)} are added"
        return
    for name, schema in wanted.get("properties", {}).items():
        own = given.get("properties", {}).get(name)
        if own is None:
            yield f"{path}.{name}: is missing"
        else:
            yield from _property(f"{path}.{name}", schema, own, contract, served)


def _property(path: str, wanted: Document, given: Document, contract: Document, served: Document) -> Iterator[str]:
    if "$ref" in wanted and wanted == given:
        return  # compared under its own name
    wanted, given = _resolve(wanted, contract), _resolve(given, served)
    if "enum" in wanted or "enum" in given:
        if "enum" not in wanted:
            yield f"{path}: values are limited"
        else:
            yield from _schema(path, wanted, given, contract, served)
        return
    kinds = {"type": wanted.get("type"), "format": wanted.get("format")}
    kinds["type"] = (
        next((kind for kind in kinds["type"] if kind != "null"), None)
        if isinstance(kinds["type"], list)
        else kinds["type"]
    )
    for aspect, value in kinds.items():
        if value not in (None, "int64", "int32", "uri", "uuid", "email") and given.get(aspect) != value:
            yield f"{path}: {aspect} is {given.get(aspect)} instead of {value}"
    if "items" in wanted:
        yield from _property(f"{path}[]", wanted["items"], given.get("items", {}), contract, served)


def _resolve(schema: Document, document: Document) -> Document:
    if "$ref" in schema:
        return _resolve(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    return {**schema, "enum": [schema["const"]]} if "const" in schema else schema
