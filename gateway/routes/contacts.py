"""Contacts (contract: tag Contacts)."""

from typing import Annotated

from pydantic import Field

from gateway.http.route import Route
from gateway.routes.items import IfMatch, NativeProperties, etag
from gateway.routes.scopes import READ_CONTACTS, WRITE_CONTACTS
from providers.base.collection import Page, PageRequest, Ref
from providers.base.ports import Contacts, ContactView
from schemas.contacts import Contact, ContactOrId, ContactsPageNext, RecordMeta
from schemas.mail import BodyType

WithPhoto = Annotated[bool, Field(description="the picture too")]
IncludeUpdateToken = Annotated[bool, Field(description="answer the value for If-Match in __meta.updateToken")]
Rendering = Annotated[BodyType, Field(description="rendering of notes")]


async def find(contacts: Contacts, page: PageRequest) -> Page[Contact]:
    """List contacts, without their pictures."""
    return await contacts.find(None, None, page)


async def create(body: Contact, contacts: Contacts) -> ContactOrId:
    """Create a contact."""
    return _result(await contacts.create(None, body))


async def get(
    cont_id: str,
    contacts: Contacts,
    body_type: Rendering = BodyType.TEXT,
    native_properties: NativeProperties = (),
    with_photo: WithPhoto = False,
    include_update_token: IncludeUpdateToken = False,
) -> Contact:
    """Read a contact."""
    found = await contacts.get(Ref(cont_id), ContactView(body_type, native_properties, with_photo))
    return found.model_copy(update={"meta": RecordMeta(update_token=found.etag)}) if include_update_token else found


async def update(cont_id: str, body: Contact, contacts: Contacts, if_match: IfMatch = None) -> ContactOrId:
    """Change what the body names of a contact; null clears, lists are replaced whole."""
    return _result(await contacts.update(Ref(cont_id), body, etag(if_match)))


async def delete(cont_id: str, contacts: Contacts) -> None:
    """Delete a contact."""
    await contacts.delete(Ref(cont_id))


def _result(contact: Contact) -> ContactOrId:
    return ContactOrId(id=contact.id, etag=contact.etag, record=contact)


_LIST, _ONE, _TAG = "/v1/contacts", "/v1/contacts/{contId}", "Contacts"
ROUTES = (
    Route("GET", _LIST, "listContacts", READ_CONTACTS, find, ContactsPageNext, tag=_TAG),
    Route("POST", _LIST, "createContact", WRITE_CONTACTS, create, ContactOrId, 201, tag=_TAG, once=True),
    Route("GET", _ONE, "contact", READ_CONTACTS, get, Contact, tag=_TAG),
    Route("PATCH", _ONE, "updateContact", WRITE_CONTACTS, update, ContactOrId, tag=_TAG, guarded=True),
    Route("DELETE", _ONE, "deleteContact", WRITE_CONTACTS, delete, tag=_TAG, found=True),
)
