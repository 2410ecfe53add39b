"""The folders of an account (port Folders)."""

from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Exists, Invalid, NotFound, ProviderError
from providers.base.lane import blocking
from providers.base.ports import Folders
from providers.imap import ids, names, roles
from providers.imap.account import Account
from providers.imap.listing import Folder
from providers.imap.roles import Role
from providers.imap.snapshot import Snapshot
from providers.imap.wire import Refused
from schemas.mail import EmailFolderInfo, WellKnownFoldersOut
from schemas.outgoing import EmailFolderCreate


class ImapFolders(Folders):
    """All folders of the namespaces that the server shows, subscribed or not."""

    def __init__(self, account: Account) -> None:
        self.account, self.lane = account, account.lane

    @blocking
    def find(self, parent: str | None, query: None, page: PageRequest) -> Page[EmailFolderInfo]:
        """All folders by name, the inbox first; those right below `parent` where it is given."""
        snapshot = self.account.index.refresh()
        above = _existing(snapshot, parent).name if parent is not None else None
        found = [folder for folder in snapshot.folders.values() if above is None or folder.parent == above]
        found.sort(key=_order)
        last = _decoded(page.cursor) if page.cursor is not None else None
        rest = [folder for folder in found if last is None or _order(folder) > last]
        shown = rest[: page.limit]
        more = ids.folder_id(shown[-1].name) if len(rest) > len(shown) and shown else None
        return Page([_info(folder, snapshot) for folder in shown], more)

    @blocking
    def get(self, ref: Ref) -> EmailFolderInfo:
        """See `Collection.get`."""
        snapshot = self.account.index.refresh()
        return _info(_existing(snapshot, ref.id), snapshot)

    @blocking
    def create(self, parent: str | None, draft: EmailFolderCreate) -> EmailFolderInfo:
        """Make a folder below `parentId`. Raises `Exists`, `NotFound(parent)`, `Invalid(name)`."""
        snapshot = self.account.index.refresh()
        above = draft.parent_id or parent
        name = self._full_name(snapshot, _existing(snapshot, above) if above else None, draft.name)
        if name in snapshot.folders or any(name.lower() == "inbox" == known.lower() for known in snapshot.folders):
            raise Exists(f"there is already a folder {names.shown(name)!r}")
        self._create(name)
        return _info(_existing(self.account.index.refresh(), ids.folder_id(name)), self.account.index.snapshot)

    @blocking
    def well_known(self) -> WellKnownFoldersOut:
        """See `Folders.well_known`."""
        snapshot = self.account.index.refresh()
        archive, sent = snapshot.folder(Role.ARCHIVE), snapshot.folder(Role.SENT)
        return WellKnownFoldersOut(
            archive=ids.folder_id(archive.name) if archive else None, sent=ids.folder_id(sent.name) if sent else None
        )

    def _full_name(self, snapshot: Snapshot, above: Folder | None, name: str) -> str:
        separator = above.separator if above is not None else snapshot.namespace.separator
        if not name.strip() or (separator and separator in name) or any(sign < " " or sign == "\x7f" for sign in name):
            raise Invalid(f"a folder name must not be empty nor hold {separator!r} or control characters", path="name")
        if above is None:
            return names.canonical(f"{snapshot.namespace.prefix}{name}")
        if not separator or "noinferiors" in above.attributes:
            raise Invalid(f"the folder {above.own_name!r} cannot hold folders", path="parentId")
        return f"{above.name}{separator}{name}"

    def _create(self, name: str) -> None:
        try:
            with self.account.pool.borrow() as connection:
                connection.run(b"CREATE ", connection.mailbox(name))
                connection.pipeline([(b"SUBSCRIBE ", connection.mailbox(name))])  # for other mail programs
        except ProviderError as error:
            refused = error.__cause__
            if isinstance(refused, Refused) and not refused.code:
                raise Invalid(f"the server does not make this folder: {refused.text}", path="name") from error
            raise


def _existing(snapshot: Snapshot, folder_id: str) -> Folder:
    folder = snapshot.folders.get(ids.folder_name(folder_id))
    if folder is None:
        raise NotFound(f"there is no folder with the id {folder_id[:80]!r}")
    return folder


def _order(folder: Folder) -> tuple[bool, str]:
    return folder.name != "INBOX", folder.name


def _decoded(cursor: str) -> tuple[bool, str]:
    try:
        name = ids.folder_name(cursor)
    except NotFound:
        raise Invalid("is no page token of this list", path="pageToken") from None
    return name != "INBOX", name


def _info(folder: Folder, snapshot: Snapshot) -> EmailFolderInfo:
    parent = folder.parent if folder.parent in snapshot.folders else None
    return EmailFolderInfo(
        id=ids.folder_id(folder.name),
        name=folder.own_name,
        full_name=names.shown(folder.name),
        is_folder=True,
        is_label=False,
        parent_id=ids.folder_id(parent) if parent is not None else None,
        sys_label=roles.LABELS.get(folder.role) if folder.role else None,
    )
