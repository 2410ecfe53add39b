"""The folders that an account's owner marked as archive and as sent folder."""

from collections.abc import Mapping

from gateway.identity import Account
from gateway.services.accounts import Accounts
from gateway.services.sessions import Sessions
from providers.base.collection import Ref
from providers.base.errors import Invalid, NotFound
from providers.base.ports import Folders
from schemas.mail import WellKnownFoldersOut


class Marks:
    """Changes marks; the provider is asked whether a folder exists before it is marked."""

    def __init__(self, accounts: Accounts, sessions: Sessions) -> None:
        self._accounts, self._sessions = accounts, sessions

    async def change(self, account: Account, folders: Folders, given: Mapping[str, str | None]) -> WellKnownFoldersOut:
        """Set the marks in `given` (None clears one) and say what holds now. Raises `Invalid` with the mark's name."""
        for mark, folder in given.items():
            if folder is not None:
                await self._check(folders, mark, folder)
        changed = await self._accounts.set_marks(account, given)
        async with self._sessions.use(changed) as session:
            assert session.folders is not None
            return await session.folders.well_known()

    async def _check(self, folders: Folders, mark: str, folder: str) -> None:
        try:
            await folders.get(Ref(folder))
        except NotFound:
            raise Invalid(f"{mark}: there is no folder with this id", path=mark) from None
