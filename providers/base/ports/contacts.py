"""Contacts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from providers.base.collection import Collection, Ref, optional, unsupported
from providers.base.errors import NotFound
from schemas.contacts import Contact
from schemas.mail import BodyType


@dataclass(frozen=True, slots=True)
class ContactView:
    """How much of a contact to load; lists and syncs go without photos."""

    body_type: BodyType = BodyType.TEXT
    native_properties: tuple[str, ...] = ()
    with_photo: bool = False


class Contacts(Collection[Contact, Contact, Contact, None]):
    """The people of an account, of all its address books; groups are none. Without a parent."""

    @optional
    async def get(self, ref: Ref, view: ContactView = ContactView()) -> Contact:
        """One contact. Raises `NotFound`."""
        raise unsupported(self, "get")

    async def get_many(
        self, parent: str | None, ids: Sequence[str], view: ContactView = ContactView()
    ) -> list[Contact]:
        """The contacts that still exist among `ids`, in that order."""
        found = await asyncio.gather(*(self._get_or_none(Ref(item, parent), view) for item in ids))
        return [item for item in found if item is not None]

    async def _get_or_none(self, ref: Ref, view: ContactView = ContactView()) -> Contact | None:
        try:
            return await self.get(ref, view)
        except NotFound:
            return None
