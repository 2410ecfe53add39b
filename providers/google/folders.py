"""The Folders port: labels. There is no folder for archived mail; an owner's mark may name a label for it."""

from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Invalid
from providers.base.ports import Folders
from providers.google.account import Account
from providers.google.keywords import Keywords
from schemas.mail import EmailFolderInfo, WellKnownFoldersOut
from schemas.outgoing import EmailFolderCreate


class GoogleFolders(Folders):
    """The cursor of a page is the id of its last label."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def find(self, parent: str | None, query: None, page: PageRequest) -> Page[EmailFolderInfo]:
        labels = await self._account.labels(fresh=True)
        if parent is not None:
            await self._account.folder(parent)
        folders = [folder for folder in labels.folders() if parent in (None, folder.parent_id)]
        ids = [folder.id for folder in folders]
        if page.cursor is not None and page.cursor not in ids:
            raise Invalid("the page token is invalid: it names no folder", path="pageToken")
        start = ids.index(page.cursor) + 1 if page.cursor else 0
        shown, more = folders[start : start + page.limit], len(folders) > start + page.limit
        return Page(shown, shown[-1].id if more else None)

    async def get(self, ref: Ref) -> EmailFolderInfo:
        return (await self._account.folder(ref.id)).info(ref.id)

    async def create(self, parent: str | None, draft: EmailFolderCreate) -> EmailFolderInfo:
        name, parent = draft.name.strip(), parent or draft.parent_id
        if not name or "/" in name:
            raise Invalid("a folder's name has at least one character and no /", path="name")
        if parent is not None:
            name = f"{(await self._account.folder(parent)).path(parent)}/{name}"
        try:
            return await Keywords(self._account).make(name)
        except Invalid as error:
            raise Invalid(error.message, path="name", original=error.original) from None

    async def well_known(self) -> WellKnownFoldersOut:
        labels = await self._account.labels(fresh=True)
        archive = self._account.mailbox.marks.get("archive")
        return WellKnownFoldersOut(archive=archive if archive in labels else None, sent="SENT")
