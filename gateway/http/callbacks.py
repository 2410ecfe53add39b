"""The requests that the gateway itself sends to receivers, as OpenAPI's `webhooks` (behaviour.md, section 13)."""

from typing import Any

_SIGNED = [
    {
        "name": "X-Aurinko-Request-Timestamp",
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": "Unix seconds",
    },
    {
        "name": "X-Aurinko-Signature",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "description": "hex HMAC-SHA256 of v0, timestamp and raw body joined by colons",
    },
]
_TOKEN = {"name": "validationToken", "in": "query", "required": True, "schema": {"type": "string"}}
_TEXT = {"schema": {"type": "string"}}

#: OpenAPI 3.1 `webhooks`; the notification's schema is among the document's components.
CALLBACKS: dict[str, Any] = {
    "urlValidation": {
        "post": {
            "operationId": "webhookUrlValidation",
            "tags": ["Webhooks"],
            "summary": "Sent to the notification URL while subscribing",
            "security": [],
            "parameters": [_TOKEN, *_SIGNED],
            "requestBody": {
                "required": False,
                "description": "empty body",
                "content": {"text/plain; charset=utf-8": _TEXT},
            },
            "responses": {"200": {"description": "the token, as plain text", "content": {"text/plain": _TEXT}}},
        }
    },
    "notification": {
        "post": {
            "operationId": "webhookNotification",
            "tags": ["Webhooks"],
            "summary": "Sent to the notification URL on changes",
            "security": [],
            "parameters": _SIGNED,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/WebhookNotification"}}},
            },
            "responses": {
                "200": {"description": "accepted"},
                "422": {"description": "receiver asks to drop the subscription"},
                "default": {"description": "will be retried"},
            },
        }
    },
}
