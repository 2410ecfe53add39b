"""Secrets that are only ever compared: kept as SHA-256, which is enough for 256 random bits (no dictionary fits)."""

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """256 random bits as URL-safe text: an access token, a client secret, a signing secret."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> bytes:
    """The 32 bytes that are stored in place of `secret`."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def matches(secret: str, stored: bytes) -> bool:
    """Whether `stored` is the fingerprint of `secret`; takes the same time either way."""
    return hmac.compare_digest(fingerprint(secret), stored)
