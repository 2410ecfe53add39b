"""Folders and labels (contract: tag EmailFolders)."""

from dataclasses import replace

from gateway.http.route import Route
from gateway.identity import Account
from gateway.routes.scopes import READ_MAIL, WRITE_MAIL
from gateway.services.marks import Marks
from providers.base.collection import Page, PageRequest, Ref
from providers.base.ports import Folders
from schemas.mail import EmailFolderInfo, EmailFolderInfoPage, WellKnownFoldersOut
from schemas.outgoing import EmailFolderCreate, WellKnownFoldersIn

#: Older clients read one page only (behaviour.md, section 5), so a page holds what mailboxes usually have.
FOLDERS_PER_PAGE = 1000


async def find(folders: Folders, page: PageRequest) -> Page[EmailFolderInfo]:
    """List folders and labels."""
    return await folders.find(None, None, replace(page, limit=FOLDERS_PER_PAGE))


async def create(body: EmailFolderCreate, folders: Folders) -> EmailFolderInfo:
    """Create a folder, below `parentId` where given."""
    return await folders.create(body.parent_id, body)


async def get(folder_id: str, folders: Folders) -> EmailFolderInfo:
    """Read a folder."""
    return await folders.get(Ref(folder_id))


async def well_known(folders: Folders) -> WellKnownFoldersOut:
    """The folders that archived and sent mail goes to: marked, or known from the server."""
    return await folders.well_known()


async def mark(body: WellKnownFoldersIn, account: Account, folders: Folders, marks: Marks) -> WellKnownFoldersOut:
    """Mark the folders that archived and sent mail goes to; null clears a mark."""
    given = {name: getattr(body, name) for name in body.model_fields_set}
    return await marks.change(account, folders, given)


_LIST, _KNOWN, _TAG = "/v1/email/folders", "/v1/email/folders/wellKnown", "EmailFolders"
ROUTES = (
    Route("GET", _LIST, "folders", READ_MAIL, find, EmailFolderInfoPage, tag=_TAG),
    Route("POST", _LIST, "createFolder", WRITE_MAIL, create, EmailFolderInfo, 201, tag=_TAG, once=True),
    Route("GET", _KNOWN, "wellKnownFolders", READ_MAIL, well_known, WellKnownFoldersOut, tag=_TAG),
    Route("PATCH", _KNOWN, "updateWellKnownFolders", WRITE_MAIL, mark, WellKnownFoldersOut, tag=_TAG),
    Route("GET", "/v1/email/folders/{folderId}", "folder", READ_MAIL, get, EmailFolderInfo, tag=_TAG),
)
