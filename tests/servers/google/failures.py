"""Answers with errors, as Google writes them."""

from typing import Any

Json = dict[str, Any]


class Failure(Exception):
    """An error of an API."""

    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(reason)
        self.status = status
        text = message or reason
        self.body: Json = {
            "error": {
                "code": status,
                "message": text,
                "errors": [{"domain": "global", "reason": reason, "message": text}],
                "status": reason.upper(),
                "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}],
            }
        }


class TokenRefused(Failure):
    """An error of the token endpoint (RFC 6749 5.2); `invalid_grant` unless said otherwise."""

    def __init__(self, error: str = "invalid_grant", words: str = "Token has been expired or revoked.") -> None:
        super().__init__(401 if error == "unauthorized_client" else 400, error)
        self.body = {"error": error, "error_description": words}
