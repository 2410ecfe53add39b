"""The Folders port."""

from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Invalid
from providers.base.lane import blocking
from providers.base.ports import Folders
from providers.sandbox import convert
from providers.sandbox.box import Role
from providers.sandbox.port import Port
from schemas.mail import EmailFolderInfo, WellKnownFoldersOut
from schemas.outgoing import EmailFolderCreate


class SandboxFolders(Port, Folders):
    """Parents come before their children; the cursor of a page is the id of its last folder."""

    @blocking
    def find(self, parent: str | None, query: None, page: PageRequest) -> Page[EmailFolderInfo]:
        with self.reading() as box:
            folders = [folder for folder in box.folders().values() if parent in (None, folder.parent)]
            if parent is not None:
                box.folder(parent)
        ids = [folder.id for folder in folders]
        if page.cursor is not None and page.cursor not in ids:
            raise Invalid("the page token is invalid: it names no folder", path="pageToken")
        start = ids.index(page.cursor) + 1 if page.cursor else 0
        shown, more = folders[start : start + page.limit], len(folders) > start + page.limit
        return Page([convert.folder_info(folder) for folder in shown], shown[-1].id if more else None)

    @blocking
    def get(self, ref: Ref) -> EmailFolderInfo:
        with self.reading() as box:
            return convert.folder_info(box.folder(ref.id))

    @blocking
    def create(self, parent: str | None, draft: EmailFolderCreate) -> EmailFolderInfo:
        name, parent = draft.name.strip(), parent or draft.parent_id
        if not name or "/" in name or (name.lower() == "inbox" and parent is None and draft.name != "Inbox"):
            raise Invalid("a folder's name has at least one character and no /, and there is one Inbox", path="name")
        with self.writing() as box:
            if parent is not None:
                box.folder(parent)
            return convert.folder_info(box.folder(box.add_folder(name, parent)))

    @blocking
    def well_known(self) -> WellKnownFoldersOut:
        with self.reading() as box:
            return WellKnownFoldersOut(archive=box.folder_for(Role.ARCHIVE), sent=box.folder_for(Role.SENT))
