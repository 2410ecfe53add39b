"""Changes that people make to a message: read or not, categories, archived or not, deleted."""

from providers.imap import filing
from providers.imap.account import Account
from providers.imap.connection import Connection
from providers.imap.ids import MessageId
from providers.imap.roles import Role
from providers.imap.single import describe
from providers.imap.snapshot import Snapshot
from schemas.mail import UpdateMessageStatusData

_NAMES = {Role.ARCHIVE: "Archive", Role.TRASH: "Trash"}  # of folders that are made when they are missing


def update(account: Account, place: MessageId, patch: UpdateMessageStatusData) -> MessageId | None:
    """Carry out a patch; where the message lies then, None when nobody can tell.

    Raises `NotFound`, `Denied`, `Invalid(keywords.N)`.
    """
    snapshot = account.snapshot()
    with account.pool.borrow(place.folder) as connection:
        _flag(connection, place, patch)
        if patch.archived is not None and connection.can("X-GM-EXT-1"):
            label = [filing.INBOX_LABEL]
            filing.store(connection, place.uid, () if patch.archived else label, label if patch.archived else ())
            return place
        is_archived = snapshot.role_of(place.folder) is Role.ARCHIVE
        if patch.archived is None or patch.archived is is_archived:
            return place
        return _move(account, connection, place, folder_for(snapshot, Role.ARCHIVE if patch.archived else Role.INBOX))


def delete(account: Account, place: MessageId) -> None:
    """Move a message to the trash, or remove one that lies there. Raises `NotFound`, `Denied`."""
    snapshot = account.snapshot()
    with account.pool.borrow(place.folder) as connection:
        filing.open_message(connection, place)
        if snapshot.role_of(place.folder) is Role.TRASH:
            filing.remove(connection, place.uid)
        else:
            _move(account, connection, place, folder_for(snapshot, Role.TRASH))


def folder_for(snapshot: Snapshot, role: Role) -> str:
    """The folder of a use, or the name to make it by: at the top of the account's own folders."""
    folder = snapshot.folder(role)
    return folder.name if folder is not None else snapshot.namespace.prefix + _NAMES.get(role, "INBOX")


def _flag(connection: Connection, place: MessageId, patch: UpdateMessageStatusData) -> None:
    selected, flags = filing.open_message(connection, place)
    add, remove = set[str](), set[str]()
    if patch.keywords is not None:
        add, remove = filing.keyword_changes(patch.keywords, flags, selected)
    if patch.unread is not None:
        (remove if patch.unread else add).add("\\Seen")
    filing.store(connection, place.uid, add, remove)


def _move(account: Account, connection: Connection, place: MessageId, target: str) -> MessageId | None:
    known = describe(account, connection, place)
    if target not in account.index.snapshot.folders:
        connection.pipeline([(b"CREATE ", connection.mailbox(target))])  # refused where somebody was faster
    moved = filing.move(connection, place, target, message_id=known.base.internet_message_id)
    if moved is not None:
        account.reader.remember(moved.folder, moved.uidvalidity, moved.uid, known)
    return moved
