"""Contacts on real servers."""

import base64
from collections.abc import AsyncIterator

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Conflict, CursorExpired, Denied, NotFound
from providers.base.ports import Contacts, ContactView
from providers.caldav import elements, paths
from providers.caldav.elements import CARD, DAV
from providers.caldav.provider import CaldavProvider
from schemas.contacts import Contact
from tests.providers.caldav.conftest import Desk, everything, opened
from tests.servers.dav import DavServer
from tests.servers.dav_front import Said

pytestmark = pytest.mark.anyio
PHOTO = base64.b64encode(b"\xff\xd8picture").decode()

FOREIGN = """BEGIN:VCARD
VERSION:3.0
UID:foreign-card
N:Doe;Jane;;;
FN:Jane Doe
item1.EMAIL;type=INTERNET:jane@else.example
item1.X-ABLabel:_$!<Work>!$_
X-KEPT:yes
END:VCARD
"""
GROUP = """BEGIN:VCARD
VERSION:3.0
UID:group-1
N:Friends;;;;
FN:Friends
X-ADDRESSBOOKSERVER-KIND:group
X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:foreign-card
END:VCARD
"""


async def make_book(desk: Desk, name: str) -> str:
    """By extended MKCOL (RFC 5689); Radicale makes none by itself."""
    grant, files = desk.session._account.grant.contacts, desk.session._account.contacts
    assert grant is not None and files is not None
    path = paths.folder(paths.canonical(grant.sets[0])) + name + "/"
    kind = elements.element(DAV + "resourcetype", DAV + "collection", CARD + "addressbook")
    title = elements.element(DAV + "displayname", text=name)
    await desk.session._account.dav.done("MKCOL", files.url(path), elements.setting(DAV + "mkcol", [kind, title]))
    return path


@pytest.fixture
async def desk(dav_provider: CaldavProvider, dav_server: DavServer, anyio_backend: str) -> AsyncIterator[Desk]:
    """An account with an address book called contacts."""
    made = await opened(dav_provider, dav_server)
    if not await made.session._account.books():
        await make_book(made, "contacts")
    yield made


def port(desk: Desk) -> Contacts:
    assert desk.session.contacts is not None
    return desk.session.contacts


async def book(desk: Desk) -> str:
    return (await desk.session._account.books())[0].path


def contact(**fields: object) -> Contact:
    return Contact.model_validate(fields)


async def test_a_contact_lives(desk: Desk) -> None:
    contacts = port(desk)
    draft = contact(
        name={"givenName": "Änne", "familyName": "O;Neil, Jr"},
        emailAddresses=[{"address": "a@else.example", "type": "work"}],
        birthday="--02-29",
        photo={"mimeType": "image/jpeg", "content": PHOTO},
    )
    made = await contacts.create(None, draft)
    assert made.id and made.etag and made.has_photo
    ref = Ref(made.id)
    read = await contacts.get(ref, ContactView(with_photo=True))
    assert read.photo is not None and read.photo.content == PHOTO
    assert read.name is not None and read.name.family_name == "O;Neil, Jr" and read.birthday == "--02-29"
    assert (await contacts.get(ref)).photo is None
    [many] = await contacts.get_many(None, [made.id, "nothing"])
    assert many.photo is None and many.has_photo
    changed = await contacts.update(ref, contact(nickName="Anni", photo=None), made.etag)
    assert (changed.nick_name, changed.has_photo, changed.birthday) == ("Anni", False, "--02-29")
    with pytest.raises(Conflict):
        await contacts.update(ref, contact(nickName="x"), made.etag)
    with pytest.raises(Conflict):
        await contacts.delete(ref, made.etag)
    await contacts.delete(ref, changed.etag)
    for gone in (contacts.get(ref), contacts.delete(ref), contacts.update(ref, contact(nickName="x"))):
        with pytest.raises(NotFound):
            await gone


async def test_what_is_not_known_is_kept(desk: Desk) -> None:
    item = await desk.put("f.vcf", FOREIGN, await book(desk))
    await port(desk).update(Ref(item), contact(nickName="Jay"))
    text = await desk.text(item)
    assert "X-KEPT:yes" in text and "NICKNAME:Jay" in text and "jane@else.example" in text
    read = await port(desk).get(Ref(item), ContactView(native_properties=("X-KEPT",)))
    assert read.native_properties == {"X-KEPT": "yes"}
    assert read.email_addresses is not None and read.email_addresses[0].type == "work"


async def test_groups_are_no_people(desk: Desk) -> None:
    item = await desk.put("f.vcf", FOREIGN, await book(desk))
    group = await desk.put("g.vcf", GROUP, await book(desk))
    found = await everything(lambda page: port(desk).find(None, None, page), 1)
    assert [one.id for one in found] == [item]
    assert [one.id for one in (await port(desk).changes(None, None, None)).changed] == [item]
    assert await port(desk).get_many(None, [group]) == []
    for call in (port(desk).get(Ref(group)), port(desk).delete(Ref(group))):
        with pytest.raises(NotFound):
            await call


async def test_all_address_books(desk: Desk) -> None:
    contacts, first = port(desk), await book(desk)
    second = await make_book(desk, "work")
    made = {
        await desk.put(f"{n}.vcf", FOREIGN.replace("foreign", f"f{n}"), first if n % 2 else second) for n in range(5)
    }
    found = await everything(lambda page: contacts.find(None, None, page), 2)
    assert {one.id for one in found} == made and len(found) == 5
    delta = await contacts.changes(None, None, None)
    assert {one.id for one in delta.changed} == made
    assert {one.identity for one in delta.changed} == {f"f{n}-card" for n in range(5)}
    still = await contacts.changes(None, delta.cursor, None)
    assert (still.changed, still.removed, still.more) == ([], [], False)
    gone = sorted(made)[0]
    await contacts.delete(Ref(gone))
    then = await contacts.changes(None, still.cursor, None)
    assert (then.changed, then.removed) == ([], [gone])
    third = await make_book(desk, "zoo")
    late = await desk.put("z.vcf", FOREIGN.replace("foreign", "zoo"), third)
    then = await contacts.changes(None, then.cursor, None)
    assert [one.id for one in then.changed] == [late]
    files = desk.session._account.contacts
    assert files is not None
    await desk.session._account.dav.done("DELETE", files.url(third))
    with pytest.raises(CursorExpired):
        await contacts.changes(None, then.cursor, None)
    again = await contacts.changes(None, None, None)
    assert {one.id for one in again.changed} == made - {gone}


async def test_new_cards_are_of_the_version_that_the_server_names(desk: Desk) -> None:
    made = await port(desk).create(None, contact(name={"displayName": "X"}))
    [place] = await desk.session._account.books()
    assert f"VERSION:{'4.0' if place.takes_vcard4 else '3.0'}" in await desk.text(made.id)
    assert (await port(desk).find(None, None, PageRequest())).records[0].id == made.id


async def test_a_first_address_book_is_made(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    """Radicale has none until somebody makes one, and the contract has no call for that."""
    made = await opened(dav_provider, dav_server)
    before = {one.path for one in await made.session._account.books()}
    written = await port(made).create(None, contact(name={"displayName": "First"}))
    after = {one.path for one in await made.session._account.books()}
    assert len(after) == 1 and (not before or before == after)
    other = await port(made).create(None, contact(name={"displayName": "Second"}))
    found = await port(made).find(None, None, PageRequest())
    assert {one.id for one in found.records} == {written.id, other.id}


async def test_a_server_that_makes_no_address_book(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    made = await opened(dav_provider, dav_server)
    if await made.session._account.books():
        pytest.skip("it makes one for everybody")
    dav_server.front.rules.append(lambda asked: Said(405) if asked.method == "MKCOL" else None)
    with pytest.raises(Denied, match="no address book"):
        await port(made).create(None, contact(name={"displayName": "First"}))
