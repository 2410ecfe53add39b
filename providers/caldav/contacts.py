"""The contacts of an account, of all its address books. Groups are cards too, and no people: they are left out."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from providers.base.collection import Change, Delta, Page, PageRequest, Ref
from providers.base.errors import Conflict, CursorExpired, Denied, Invalid, NotFound, TooLarge, Unsupported
from providers.base.ports import Contacts, ContactView
from providers.caldav import cursor, elements, finding, pages, paths
from providers.caldav.account import Account, item_path
from providers.caldav.changes import Follower, Window
from providers.caldav.elements import CARD, DAV
from providers.caldav.files import File, Files, opaque
from providers.caldav.homes import Folder
from providers.caldav.names import file_name, new_uid
from providers.formats import contentlines, values
from providers.formats.contentlines import Component
from providers.formats.vcard import read, write
from schemas.contacts import Contact

log = logging.getLogger(__name__)
_TRIES = 3
_PORTION = 500  # changes and removals of one delta, about
_USUAL = ("contacts", "card", "default", "addressbook", "personal")


def card_of(file: File) -> Component:
    """The person of a resource. Raises `NotFound` for a group and for what is no card, `TooLarge`."""
    found = next(iter(read.cards(file.data)), None)
    if found is None or read.is_group(found):
        raise NotFound("there is no contact in this resource")
    return found


class ContactItems:
    """What the change log has to know about contacts; see `changes.Contents`."""

    def items(self, file: File, window: Window) -> dict[str, str | None]:
        """The person."""
        card = _card(file)
        return {} if card is None else {"": values.text(card.value("UID") or "") or None}

    def item(self, path: str, key: str) -> str:
        """The id of a contact."""
        return paths.item_id(path)

    async def within(self, folder: str, window: Window) -> list[str] | None:
        """Never asked: the window is open."""
        return None


class CaldavContacts(Contacts):
    """vCards."""

    def __init__(self, account: Account, files: Files) -> None:
        self._account, self._files = account, files
        self._follower = Follower(files, ContactItems())

    async def find(self, parent: str | None, query: None, page: PageRequest) -> Page[Contact]:
        """Book by book, in the order of their paths."""
        after = pages.decode(page.cursor)
        books = sorted(one.path for one in await self._account.books())
        records: list[Contact] = []
        last = None
        for book in books:
            if after is not None and book < paths.parent(after[0]):
                continue
            names = sorted(path for path in await self._files.etags(book) if after is None or path > after[0])
            while names:
                if len(records) >= page.limit:
                    return Page(records, pages.encode((last or "", "")))
                some, names = names[: page.limit - len(records)], names[page.limit - len(records) :]
                files = (await self._files.many(book, some)).files
                cards = ((files[path], _card(files[path])) for path in some if path in files)
                records += [_record(file, card, ContactView()) for file, card in cards if card is not None]
                last = some[-1]
        return Page(records)

    async def get(self, ref: Ref, view: ContactView = ContactView()) -> Contact:
        """See `Contacts.get`."""
        file = await self._files.get(item_path(ref.id, None, "contact"))
        return _record(file, card_of(file), view)

    async def get_many(
        self, parent: str | None, ids: Sequence[str], view: ContactView = ContactView()
    ) -> list[Contact]:
        """The contacts that still exist among `ids`, in that order."""
        wanted = [path for item in ids if (path := _path(item))]
        files = await finding.files_of(self._files, wanted)
        pairs = ((files[path], _card(files[path])) for path in wanted if path in files)
        return [_record(file, card, view) for file, card in pairs if card is not None]

    async def create(self, parent: str | None, draft: Contact) -> Contact:
        """In the address book of a usual name, else the first one; vCard 4 where it takes that, else 3."""
        book, uid = await self._book(), new_uid()
        card = write.create(draft, uid, datetime.now(UTC), "4.0" if book.takes_vcard4 else "3.0")
        file = await self._files.create(book.path + file_name(uid, ".vcf"), contentlines.write(card))
        return _record(file, card_of(file), ContactView(with_photo=True))

    async def _book(self) -> Folder:
        there = await self._account.books()
        books = [one for one in there or [await self._first_book()] if one.writable]
        usual = {one.path.rstrip("/").rpartition("/")[2].lower(): one for one in reversed(books) if one.mine}
        named = (usual[name] for name in _USUAL if name in usual)
        found = next(named, next(iter([one for one in books if one.mine] or books), None))
        if found is None:
            raise Denied("this account has no address book that it may write to")
        return found

    async def _first_book(self) -> Folder:
        """Of an account that has none yet: some servers (Radicale) make none by themselves, and the contract has no
        call for it. By extended MKCOL (RFC 5689); a book that came into being meanwhile is as good."""
        home = self._account.grant.contacts
        assert home is not None
        path = paths.folder(paths.canonical(home.sets[0])) + "contacts/"
        kind = elements.element(DAV + "resourcetype", DAV + "collection", CARD + "addressbook")
        values = [kind, elements.element(DAV + "displayname", text="Contacts")]
        try:
            await self._account.dav.done("MKCOL", self._files.url(path), elements.setting(DAV + "mkcol", values))
        except (Conflict, Unsupported, Invalid) as error:
            log.info("no address book could be made: %s", error.message)
        found = next(iter(await self._account.books()), None)
        if found is None:
            raise Denied("this account has no address book, and its server makes none")
        return found

    async def update(self, ref: Ref, patch: Contact, etag: str | None = None) -> Contact:
        """See `Collection.update`."""
        path = item_path(ref.id, None, "contact")
        for attempt in range(_TRIES):
            file = await self._current(path, etag)
            card = card_of(file)
            write.update(card, patch, datetime.now(UTC))
            try:
                stored = await self._files.replace(file, contentlines.write(card))
            except Conflict:
                if etag is not None or attempt == _TRIES - 1:
                    raise
                continue
            return _record(stored, card_of(stored), ContactView(with_photo=True))
        raise AssertionError("not reached")

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        """See `Collection.delete`."""
        path = item_path(ref.id, None, "contact")
        for attempt in range(_TRIES):
            file = await self._current(path, etag)
            card_of(file)
            try:
                await self._files.delete(file)
            except Conflict:
                if etag is not None or attempt == _TRIES - 1:
                    raise
                continue
            return

    async def changes(self, parent: str | None, cursor_: str | None, query: None) -> Delta:
        """See `Collection.changes`. Raises `CursorExpired` also when an address book is gone: which contacts went with
        it only a comparison tells."""
        books = {one.path: one for one in await self._account.books()}
        known = cursor.read(cursor_) if cursor_ is not None else {}
        if not known.keys() <= books.keys():
            raise CursorExpired("an address book is gone")
        changed: list[Change] = []
        removed: list[str] = []
        more = False
        for path, book in books.items():
            position = known.get(path)
            if position is not None and not position.todo and position.token and position.token == book.token:
                continue
            step = await self._follower.step(path, position, Window())
            known[path] = step.position
            changed += step.changed
            removed += step.removed
            more = more or step.more
            if len(changed) + len(removed) >= _PORTION:
                more = more or path != list(books)[-1]
                break
        return Delta(changed, removed, cursor.write(known), more)

    async def _current(self, path: str, etag: str | None) -> File:
        file = await self._files.get(path)
        if etag is not None and opaque(etag) != file.version:
            raise Conflict("the contact was changed in the meantime")
        return file


def _record(file: File, card: Component, view: ContactView) -> Contact:
    found = read.read(card, with_photo=view.with_photo, native_properties=view.native_properties)
    return found.model_copy(update={"id": paths.item_id(file.path), "etag": file.version or None})


def _card(file: File) -> Component | None:
    try:
        return card_of(file)
    except (NotFound, TooLarge):
        return None


def _path(item: str) -> str | None:
    try:
        return item_path(item, None, "contact")
    except NotFound:
        return None
