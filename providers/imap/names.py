"""Folder names: text on our side, modified UTF-7 (RFC 3501 5.1.3) or UTF-8 (RFC 6855) on the server's.

`decode` and `encode` undo each other for every name a server may send: octets that are no valid encoding are carried
as they are behind a marker character, so that such a folder can still be opened.
"""

from imapclient import imap_utf7

_RAW = "\uf8ff"  # private use: "what follows is not decoded"


def decode(wire: bytes, *, utf8: bool = False) -> str:
    """The name as text; INBOX in capitals, since it alone is case-insensitive."""
    try:
        name: str = wire.decode("utf-8") if utf8 else imap_utf7.decode(wire)
        faithful = encode(name, utf8=utf8) == wire
    except ValueError:
        faithful = False
    return canonical(name) if faithful else _RAW + wire.decode("latin-1")


def encode(name: str, *, utf8: bool = False) -> bytes:
    """The name as the server spells it."""
    if name.startswith(_RAW):
        return name[1:].encode("latin-1")
    encoded: bytes = name.encode("utf-8") if utf8 else imap_utf7.encode(name)
    return encoded


def canonical(name: str) -> str:
    """INBOX whatever its letters, anything else as it is."""
    return "INBOX" if name.upper() == "INBOX" else name


def shown(name: str) -> str:
    """The name for people."""
    return name.removeprefix(_RAW)
