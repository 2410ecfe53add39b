"""Service accounts' assertions, judged as Google's token endpoint does (RFC 7523; wording as Google's own).

https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.google.failures import Json, TokenRefused

_LONGEST = 3600  # seconds
_UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes"
    " requested."
)


@dataclass
class Robot:
    """A service account; `scopes` are those that the domain's administrator allows it."""

    email: str
    key: rsa.RSAPrivateKey
    scopes: set[str]

    @classmethod
    def new(cls, email: str, *scopes: str) -> "Robot":
        """One with a key of its own."""
        return cls(email, rsa.generate_private_key(65537, 2048), set(scopes))

    @property
    def file(self) -> Json:
        """The key as Google gives it to its owner."""
        text = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {"type": "service_account", "client_email": self.email, "client_id": "104", "private_key_id": "k1",
                "private_key": text.decode(), "token_uri": "unused"}  # fmt: skip


def checked(assertion: str, robots: Mapping[str, Robot], audience: str, now: float) -> Json:
    """The claims of an assertion that is good. Raises `TokenRefused`."""
    head, body, signature = assertion.split(".")
    claims: Json = _json(body)
    robot = robots.get(claims.get("iss", ""))
    if robot is None:
        raise TokenRefused("invalid_grant", "Invalid grant: account not found")
    try:
        if _json(head).get("alg") != "RS256":
            raise InvalidSignature
        signed = f"{head}.{body}".encode()
        robot.key.public_key().verify(_octets(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise TokenRefused("invalid_grant", "Invalid JWT Signature.") from None
    if claims.get("aud") != audience or not claims["iat"] <= now < claims["exp"] <= claims["iat"] + _LONGEST:
        words = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
        raise TokenRefused("invalid_grant", words)
    if not set(claims.get("scope", "").split()) <= robot.scopes:
        raise TokenRefused("unauthorized_client", _UNAUTHORIZED)
    return claims


def _json(part: str) -> Any:
    return json.loads(_octets(part))


def _octets(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
