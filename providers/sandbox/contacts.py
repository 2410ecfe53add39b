"""The Contacts port."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import ClassVar
from uuid import uuid4

from providers.base.collection import Change, Delta, Page, PageRequest, Ref
from providers.base.errors import NotFound
from providers.base.lane import blocking
from providers.base.ports import Contacts, ContactView
from providers.formats import contentlines
from providers.formats.vcard import read, write
from providers.sandbox import entry_changes
from providers.sandbox.cabinet import Cabinet, Entry, Kind
from providers.sandbox.port import KeptPort, after
from providers.sandbox.texts import component_of
from schemas.contacts import Contact


class SandboxContacts(KeptPort, Contacts):
    """One address book; cards are vCard 3.0."""

    kind: ClassVar[Kind] = Kind.CONTACTS
    changes_at_once = 2000  # contacts in one delta

    @blocking
    def find(self, parent: str | None, query: None, page: PageRequest) -> Page[Contact]:
        with self.looking() as cabinet:
            people = (entry for entry in cabinet.entries(None, after(page)) if _is_person(entry))
            entries = list(islice(people, page.limit + 1))
        shown = entries[: page.limit]
        cursor = str(shown[-1].number) if len(entries) > page.limit else None
        return Page([_contact(entry, ContactView()) for entry in shown], cursor)

    @blocking
    def get(self, ref: Ref, view: ContactView = ContactView()) -> Contact:
        with self.looking() as cabinet:
            return _contact(_person(cabinet, ref), view)

    @blocking
    def get_many(self, parent: str | None, ids: Sequence[str], view: ContactView = ContactView()) -> list[Contact]:
        with self.looking() as cabinet:
            found = cabinet.by_ids(ids)
        return [_contact(found[item], view) for item in ids if item in found and _is_person(found[item])]

    @blocking
    def create(self, parent: str | None, draft: Contact) -> Contact:
        uid = str(uuid4())
        card = write.create(draft, uid, datetime.now(UTC))
        with self.changing() as cabinet:
            return _contact(cabinet.add(cabinet.standard().id, uid, contentlines.write(card)), ContactView())

    @blocking
    def update(self, ref: Ref, patch: Contact, etag: str | None = None) -> Contact:
        with self.changing() as cabinet:
            entry = _person(cabinet, ref)
            entry.check(etag)
            card = component_of(entry)
            write.update(card, patch, datetime.now(UTC))
            return _contact(cabinet.put(entry, contentlines.write(card)), ContactView())

    @blocking
    def delete(self, ref: Ref, etag: str | None = None) -> None:
        with self.changing() as cabinet:
            entry = _person(cabinet, ref)
            entry.check(etag)
            cabinet.remove(entry)

    @blocking
    def changes(self, parent: str | None, cursor: str | None, query: None) -> Delta:
        with self.looking() as cabinet:
            return entry_changes.delta(cabinet, None, cursor, self.changes_at_once, _told)


def _person(cabinet: Cabinet, ref: Ref) -> Entry:
    entry = cabinet.entry(ref.id)
    if not _is_person(entry):
        raise NotFound(f"{ref.id!r} is a group, no contact")
    return entry


def _is_person(entry: Entry) -> bool:
    return not read.is_group(component_of(entry))


def _contact(entry: Entry, view: ContactView) -> Contact:
    shown = read.read(component_of(entry), with_photo=view.with_photo, native_properties=view.native_properties)
    return shown.model_copy(update={"id": entry.id, "etag": entry.etag})


def _told(item: str, version: str, text: bytes) -> Sequence[Change]:
    """Every card but those of groups."""
    return () if read.is_group(contentlines.parse(text)[0]) else (Change(item, version),)
