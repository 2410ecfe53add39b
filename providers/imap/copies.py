"""Filing a message of our own: in the sent folder exactly once, or among the drafts."""

import time
from collections.abc import Iterable, Mapping, Sequence

from providers.imap import filing, listing
from providers.imap.connection import Connection
from providers.imap.ids import MessageId
from providers.imap.roles import Role
from providers.imap.wire import Stream, lines

#: Seconds between looks for a copy that the server files by itself.
_LOOKS = (0.0, 0.25, 0.5, 1.0, 1.5)


def existing(connection: Connection, role: Role, marked: Mapping[Role, str]) -> str | None:
    """The folder of that use, or None."""
    answers = [answer.check() for answer in connection.pipeline(listing.list_commands(connection))]
    folders = listing.read_folders(lines(answers), utf8=connection.utf8)
    known = listing.with_roles(folders, connection.namespaces, marked).values()
    return next((folder.name for folder in known if folder.role is role and folder.selectable), None)


def folder(connection: Connection, role: Role, marked: Mapping[Role, str]) -> str:
    """The folder of that use, made where the account has none. Raises `Refused`."""
    found = existing(connection, role, marked)
    if found is None:
        prefix = next((space.prefix for space in connection.namespaces.personal), "")
        found = prefix + role.value.capitalize()
        connection.run(b"CREATE ", connection.mailbox(found))
    return found


def append(
    connection: Connection,
    target: str,
    flags: Sequence[str],
    size: int,
    chunks: Iterable[bytes],
    message_id: str | None,
) -> MessageId | None:
    """Store a message of `size` octets; its place, searched by Message-ID on servers without UIDPLUS.

    Raises `Refused`.
    """
    shown = " ".join(flags).encode()
    command = (b"APPEND ", connection.mailbox(target), b" (" + shown + b") ", Stream(size, chunks))
    answer = connection.pipeline([command])[0].check()
    words = answer.argument.split()
    if answer.code == "APPENDUID" and len(words) == 2 and words[0].isdigit() and words[1].isdigit():
        return MessageId(target, int(words[0]), int(words[1]))
    return filing.locate(connection, target, message_id)


def wait_for(connection: Connection, target: str, message_id: str) -> MessageId | None:
    """The place of a message that the server files by itself, within a few seconds; None when it does not appear."""
    for pause in _LOOKS:
        time.sleep(pause)
        connection.run(b"NOOP")
        if found := filing.locate(connection, target, message_id):
            return found
    return None
