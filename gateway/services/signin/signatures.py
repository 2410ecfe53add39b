"""The signature by which an application names one of its users in a link (behaviour.md, section 2)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from providers.base.errors import Denied

SKEW = 300  # seconds that a timestamp may be off


def check(secrets: Iterable[str], user_id: str, timestamp: int | None, signature: str | None, now: float) -> None:
    """HMAC-SHA256 over the user id followed directly by the timestamp (seconds), with one of the client secrets as the
    key, in hex, Base64 or Base64url. Raises `Denied`."""
    if timestamp is None or signature is None:
        raise Denied("userId needs a timestamp and a userSignature")
    signed, readings = f"{user_id}{timestamp}".encode(), _readings(signature)
    wanted = [hmac.digest(secret.encode(), signed, hashlib.sha256) for secret in secrets]
    if not any(hmac.compare_digest(one, given) for one in wanted for given in readings):
        raise Denied("the userSignature does not fit userId and timestamp")
    if abs(now - timestamp) > SKEW:
        raise Denied("the timestamp is more than five minutes off")


def _readings(signature: str) -> list[bytes]:
    """What the text may stand for; an alphabet cannot be told from the text."""
    text = signature.strip().rstrip("=").replace("-", "+").replace("_", "/").replace(" ", "+")
    found = []
    try:
        found.append(bytes.fromhex(signature.strip()))
    except ValueError:
        pass
    try:
        found.append(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (ValueError, binascii.Error):
        pass
    return found
