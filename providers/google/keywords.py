"""Keywords are names of the user's labels."""

from collections.abc import Sequence

from providers.base.errors import Exists, Invalid
from providers.google.account import Account
from providers.google.requests import ME
from schemas.mail import EmailFolderInfo

_LONGEST = 225  # characters of a label's name


class Keywords:
    """Looks labels up by their names, and makes those that there are not."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def ids(self, keywords: Sequence[str]) -> list[str]:
        """The ids of the labels with these names. Raises `Invalid` (path `keywords.n`) before any is made."""
        for number, keyword in enumerate(keywords):
            if not keyword.strip() or not keyword.isprintable() or len(keyword) > _LONGEST:
                message = f"a keyword has 1 to {_LONGEST} printable characters"
                raise Invalid(message, path=f"keywords.{number}")
        return [await self._id(keyword, number) for number, keyword in enumerate(keywords)]

    async def make(self, path: str) -> EmailFolderInfo:
        """A new label. Raises `Exists`, `Invalid` (a name that Gmail keeps for itself)."""
        await self._account.client.call(
            self._account.apis.labels.create(
                userId=ME,
                body={"name": path, "labelListVisibility": "labelShow", "messageListVisibility": "show"},
            )
        )
        labels = await self._account.labels(fresh=True)
        made = labels.by_path(path)
        assert made is not None, "a label that was made is listed"
        return labels.info(made.id)

    async def _id(self, keyword: str, number: int) -> str:
        if (known := (await self._account.labels()).by_path(keyword)) is not None:
            return known.id
        try:
            return (await self.make(keyword)).id
        except Exists:  # since the labels were read
            found = (await self._account.labels(fresh=True)).by_path(keyword)
            assert found is not None
            return found.id
        except Invalid as error:
            raise Invalid(error.message, path=f"keywords.{number}", original=error.original) from None
