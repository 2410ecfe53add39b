"""What tells a message from others wherever it lies: the server's own id of it, else what it was received as.

RFC 8474 EMAILID and Gmail's X-GM-MSGID stay when a message moves, and are shared by its copies. Without them it is a
digest of Message-ID, INTERNALDATE and RFC822.SIZE, which a move leaves as they are on every server known to us.
"""

from binascii import b2a_base64
from hashlib import blake2b

from providers.imap.fetch import Items


def items(capabilities: frozenset[str]) -> bytes:
    """What to FETCH for `kin`."""
    if "X-GM-EXT-1" in capabilities:
        return b"X-GM-MSGID"
    return b"EMAILID" if "OBJECTID" in capabilities else b"RFC822.SIZE"


def kin(found: Items, message_id: str, received: int | None) -> str | None:
    """Equal for the same message at another place; None where nothing tells. `received` in seconds of 1970."""
    match found:
        case {b"X-GM-MSGID": bytes(gmail)}:
            return "g" + gmail.decode("ascii", "replace")
        case {b"EMAILID": [bytes(objectid), *_]}:
            return "e" + objectid.decode("ascii", "replace")
        case {b"RFC822.SIZE": bytes(size)} if received is not None:
            text = b"%b\0%d\0%b" % (message_id.encode("utf-8", "replace"), received, size)
            return b2a_base64(blake2b(text, digest_size=9).digest(), newline=False).decode()
    return None
