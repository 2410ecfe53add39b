"""The OpenAPI document of the API, derived from the rows and the schemas; nothing in it is written twice."""

from collections.abc import Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from inspect import cleandoc, isclass
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from gateway.http.callbacks import CALLBACKS
from gateway.http.parameters import Parameter, Source, parameters, plain
from gateway.http.route import Audience, Media, Route
from schemas.common import ApiRequestFailed, OkResponse
from schemas.mail import EmailAttachmentContent
from schemas.webhooks import WebhookNotification

_REF = "#/components/schemas/{model}"
_USER: list[dict[str, list[str]]] = [
    {"userSessionCookie": [], "clientIdHeader": []},
    {"userSessionHeader": []},
    {"authTypeHeader": [], "exchangeIdToken": [], "clientIdHeader": []},
]
_NAMED: list[dict[str, list[str]]] = [{**way, "accountIdHeader": []} for way in [{"appAuth": list[str]()}, *_USER]]
_SECURITY: Mapping[Audience, list[dict[str, list[str]]]] = {
    Audience.ANYONE: [],
    Audience.APPLICATION: [{"appAuth": []}],
    Audience.ACCOUNT: [{"accountToken": []}, *_NAMED],
    Audience.EITHER: [{"accountToken": []}, *_NAMED, {"appAuth": []}],
    Audience.USER: _USER,
    Audience.IDENTITY: _USER[2:],
    Audience.PROVIDER: [{}, {"pubSubOidc": []}],
}
_SCHEMES = {
    "appAuth": {"type": "http", "scheme": "basic", "description": "client id and client secret"},
    "accountToken": {"type": "http", "scheme": "bearer", "description": "account access token"},
    "accountIdHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Aurinko-Account-Id",
        "description": "picks the account when the credential stands for an application or a User",
    },
    "userSessionCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "AUR{APPID}",
        "description": "User session; the name is AUR followed by the application's id",
    },
    "userSessionHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Aurinko-Session",
        "description": "User session token",
    },
    "clientIdHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Aurinko-ClientId",
        "description": "application client id",
    },
    "authTypeHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Aurinko-Auth-Type",
        "description": "default or exchangeIdToken",
    },
    "exchangeIdToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "Exchange identity token",
        "description": "only together with the auth type header",
    },
}
_SCHEMES["pubSubOidc"] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "OpenID Connect token of the provider",
    "description": "what Pub/Sub sends; calendar channels are known by their secret instead",
}
_REDIRECT = {
    "Location": {"required": True, "schema": {"type": "string", "format": "uri"}},
    "Set-Cookie": {"schema": {"type": "string"}, "description": "session cookie, cookie mode of the user flow"},
}
_RETRY = {"Retry-After": {"schema": {"type": "string"}, "description": "seconds"}}
_FAILURES = {
    "BadRequest": ("malformed request or page token", {}),
    "Unauthorized": ("credential missing, unknown or no longer usable at the provider", {}),
    "NotFound": ("no such record", {}),
    "PreconditionFailed": ("If-Match does not name the current version", {}),
    "RequestTimeout": ("not available yet, try again", _RETRY),
    "SyncTokenExpired": ("delta token of a sync that no longer exists, start a new one", {}),
    "TooManyRequests": ("provider or gateway rate limit", _RETRY),
    "Failed": ("any other failure", {}),
}


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these rows."""
    shown = [route for route in routes if route.documented]
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Postroom", "version": version, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "paths": paths,
        "webhooks": CALLBACKS,
        "components": {
            "securitySchemes": _SCHEMES,
            "responses": {name: _failure(text, headers) for name, (text, headers) in _FAILURES.items()},
            "schemas": _schemas(shown),
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    summary, _, description = cleandoc(route.run.__doc__ or route.operation).partition("\n")
    operation = {
        "operationId": route.operation,
        "tags": [route.tag],
        "summary": summary.strip(),
        "description": description.strip(),
        "security": _SECURITY[route.access.audience],
        "x-scopes": sorted(route.access.scopes),
        "parameters": _parameters(route),
        "requestBody": _body(route),
        "responses": _responses(route),
    }
    return {name: value for name, value in operation.items() if value not in ("", [], None) or name == "security"}


def _parameters(route: Route) -> list[dict[str, Any]]:
    given = parameters(route.run, route.path)
    shown = [_parameter(item) for item in given if item.source in (Source.PATH, Source.QUERY, Source.HEADER)]
    if any(item.source is Source.PAGE for item in given):
        limit = {"type": "integer", "minimum": 1, "default": 20}
        shown.append({"name": "pageToken", "in": "query", "required": False, "schema": {"type": "string"}})
        shown.append({"name": "limit", "in": "query", "required": False, "schema": limit})
    if route.once:
        key = {"type": "string", "maxLength": 255}
        shown.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": key})
    return shown


def _parameter(item: Parameter) -> dict[str, Any]:
    assert item.adapter is not None
    schema = _plain(item.adapter.json_schema(ref_template=_REF))
    if _is_enum(kind := plain(item.annotation)):
        schema = _ref(kind)
    schema.pop("$defs", None)
    description = schema.pop("description", None)
    shown = {"name": item.wire, "in": item.source.value, "required": item.required, "schema": schema}
    return shown if description is None else {**shown, "description": description}


def _body(route: Route) -> dict[str, Any] | None:
    if route.takes is not None:
        return _taken(route.takes)
    body = next((item for item in parameters(route.run, route.path) if item.source is Source.BODY), None)
    if body is None:
        return None
    return {"required": body.required, "content": {"application/json": {"schema": _ref(body.annotation)}}}


def _taken(kind: Any) -> dict[str, Any]:
    """The body of a request that comes raw."""
    if kind is Media.ANY:
        return {"required": False, "content": {Media.ANY.value: {"schema": {}}}}
    return {"required": True, "content": {"application/json": {"schema": _ref(kind)}}}


def _responses(route: Route) -> dict[str, Any]:
    failed = {
        "400": "BadRequest",
        "401": "Unauthorized",
        **({"404": "NotFound"} if route.found else {}),
        **({"408": "RequestTimeout"} if route.slow else {}),
        **({"410": "SyncTokenExpired"} if route.expires else {}),
        **({"412": "PreconditionFailed"} if route.guarded else {}),
        "429": "TooManyRequests",
        "default": "Failed",
    }
    refs = {status: {"$ref": f"#/components/responses/{name}"} for status, name in failed.items()}
    return {str(int(route.status)): _success(route), **refs}


def _success(route: Route) -> dict[str, Any]:
    if route.answer is None:
        return {"description": "done, no body"}
    if route.answer is Media.REDIRECT:
        return {"description": "redirect", "headers": _REDIRECT}
    if route.answer is Media.ANY:
        return {"description": "the provider's answer", "content": {Media.ANY.value: {"schema": {}}}}
    if route.answer is Media.TEXT:
        return {"description": "source", "content": {"text/plain": {"schema": {"type": "string"}}}}
    model = _model(route.answer)
    text = cleandoc(model.__doc__ or "").partition("\n")[0] or HTTPStatus(route.status).phrase
    content: dict[str, Any] = {"application/json": {"schema": _ref(model)}}
    if route.stream is not None:
        content[Media.EVENTS.value] = {"schema": {"type": "string"}}
    return {"description": text, "content": content}


def _model(answer: Any) -> type[BaseModel]:
    return EmailAttachmentContent if answer is Media.BASE64_JSON else answer


def _failure(text: str, headers: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref(ApiRequestFailed)}}
    return {"description": text, "content": content, **({"headers": headers} if headers else {})}


def _ref(model: type) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    models: dict[type[BaseModel], None] = {ApiRequestFailed: None, OkResponse: None, WebhookNotification: None}
    enums: dict[str, Any] = {}
    for route in routes:
        if route.answer not in (None, Media.TEXT, Media.REDIRECT, Media.ANY):
            models[_model(route.answer)] = None
        if route.takes not in (None, Media.ANY):
            models[route.takes] = None
        for item in parameters(route.run, route.path):
            if item.source is Source.BODY:
                models[item.annotation] = None
            elif item.adapter is not None:
                enums |= _enums(item)
    _, top = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    return dict(sorted(_plain({**enums, **top["$defs"]}).items()))


def _enums(item: Parameter) -> dict[str, Any]:
    """The enums that a parameter refers to."""
    schema = TypeAdapter(item.annotation).json_schema(ref_template=_REF)
    kind = plain(item.annotation)
    return {kind.__name__: TypeAdapter(kind).json_schema()} if _is_enum(kind) else schema.get("$defs", {})


def _is_enum(kind: Any) -> bool:
    return isclass(kind) and issubclass(kind, Enum)


def _plain(schema: Any) -> Any:
    """JSON Schema as people write it: null is never sent, so optional is not a union; titles say nothing new."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _plain(value) for name, value in schema.items() if not _is_noise(name, value)}
    options = [option for option in kept.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        del kept["anyOf"]
        kept = {**options[0], **kept}
    return kept


def _is_noise(name: str, value: Any) -> bool:
    return (name == "title" and isinstance(value, str)) or (name == "default" and value is None)
