"""Names of new resources: the UID where it can stand in a URL, which finds it again on servers that do not search."""

import hashlib
import re
import uuid

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")


def file_name(uid: str, ending: str = ".ics") -> str:
    """The name for a UID; the same each time."""
    stem = uid if _PLAIN.fullmatch(uid) else hashlib.sha256(uid.encode("utf-8", "replace")).hexdigest()[:40]
    return stem + ending


def new_uid() -> str:
    """A UID that nothing has yet (RFC 7986 5.3)."""
    return str(uuid.uuid4())
