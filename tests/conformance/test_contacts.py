"""Contacts: what is written is read, what is not named stays, and what is told of changes."""

import base64

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Conflict, CursorExpired, Invalid, NotFound
from providers.base.ports import ContactView
from schemas.contacts import (
    Contact,
    ContactCompany,
    ContactEmailAddress,
    ContactName,
    ContactPhoneNumber,
    ContactPhoto,
    ContactPostalAddress,
    ContactUrl,
    PhoneType,
    PostalType,
    UrlType,
)
from tests.conformance.agenda import vcard
from tests.conformance.backends import Subject
from tests.conformance.following import Follower

pytestmark = pytest.mark.anyio
PORT = "contacts"

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()
JANE = Contact(
    name=ContactName(display_name="Jané Dœ 🎻", given_name="Jané", family_name="Dœ", prefix="Dr."),
    nick_name="J; D, x",
    company=ContactCompany(name="Acme, Inc.", department="R&D", job_title="Head; of"),
    birthday="1980-02-29",
    notes="Two\nlines",
    keywords=["friends", "a,b"],
    email_addresses=[
        ContactEmailAddress(address="jane@example.org", type="work"),
        ContactEmailAddress(address="jane@home.example", type="home"),
    ],
    phone_numbers=[ContactPhoneNumber(number="+49 40 555 0101", type=PhoneType.MOBILE)],
    addresses=[ContactPostalAddress(street="Weg 1", city="Ulm", postal_code="89073", type=PostalType.HOME)],
    urls=[ContactUrl(href="https://example.org/?a=1,2", type=UrlType.WORK)],
)


def known(box: Subject) -> Contact:
    """Jane, as far as the provider keeps her."""
    fields = {name: getattr(JANE, name) for name in JANE.model_fields_set}
    if box.lacks("contact keywords"):
        del fields["keywords"]
    if box.lacks("display names"):  # it makes them of the parts
        fields["name"] = JANE.name.model_copy(update={"display_name": "Dr. Jané Dœ"})
    return Contact(**fields)


async def listed(box: Subject, limit: int = 50) -> list[Contact]:
    assert box.session.contacts
    found: list[Contact] = []
    cursor = None
    while True:
        page = await box.session.contacts.find(None, None, PageRequest(cursor, limit))
        assert len(page.records) <= limit
        found.extend(page.records)
        cursor = page.cursor
        if cursor is None:
            return found


async def test_what_is_written_is_read(box: Subject) -> None:
    assert box.session.contacts
    jane = known(box)
    made = await box.session.contacts.create(None, jane)
    record = await box.session.contacts.get(Ref(made.id or ""))
    for name in jane.model_fields_set:
        assert getattr(record, name) == getattr(jane, name), name
    assert record.etag == made.etag and record.last_modified_time
    assert await listed(box) == [record] == await box.session.contacts.get_many(None, [made.id or "", "nothing"])


async def test_a_contact_of_almost_nothing(box: Subject) -> None:
    assert box.session.contacts
    mail = [ContactEmailAddress(address="only@example.org")]
    made = await box.session.contacts.create(None, Contact(email_addresses=mail))
    assert made.id and made.email_addresses and made.email_addresses[0].address == "only@example.org"


async def test_a_patch_changes_what_it_names(box: Subject) -> None:
    assert box.session.contacts
    jane = known(box)
    made = await box.session.contacts.create(None, jane)
    ref = Ref(made.id or "")
    changed = await box.session.contacts.update(ref, Contact(nick_name=None, notes="New"), made.etag)
    assert (changed.id, changed.nick_name, changed.notes) == (made.id, None, "New") and changed.etag != made.etag
    record = await box.session.contacts.get(ref)
    for name in jane.model_fields_set - {"nick_name", "notes"}:
        assert getattr(record, name) == getattr(jane, name), name
    emails = [ContactEmailAddress(address="new@example.org", type="work")]
    changed = await box.session.contacts.update(ref, Contact(email_addresses=emails))
    assert changed.email_addresses == emails, "lists are replaced whole"
    with pytest.raises(Conflict):
        await box.session.contacts.update(ref, Contact(notes="Old"), made.etag)
    with pytest.raises(Conflict):
        await box.session.contacts.delete(ref, made.etag)
    await box.session.contacts.delete(ref, changed.etag)
    assert await listed(box) == []
    for call in (
        box.session.contacts.get(ref),
        box.session.contacts.update(ref, Contact(notes="x")),
        box.session.contacts.delete(ref),
    ):
        with pytest.raises(NotFound):
            await call


async def test_photos(box: Subject) -> None:
    assert box.session.contacts
    photo = ContactPhoto(mime_type="image/png", content=PIXEL)
    made = await box.session.contacts.create(None, Contact(name=ContactName(display_name="P"), photo=photo))
    ref = Ref(made.id or "")
    plain, full = await box.session.contacts.get(ref), await box.session.contacts.get(ref, ContactView(with_photo=True))
    assert plain.has_photo and plain.photo is None and full.photo
    assert (full.photo.mime_type, full.photo.content) == ("image/png", PIXEL)
    await box.session.contacts.update(ref, Contact(notes="the picture stays"))
    assert (await box.session.contacts.get(ref)).has_photo
    await box.session.contacts.update(ref, Contact(photo=None))
    assert not (await box.session.contacts.get(ref)).has_photo


async def test_properties_that_nobody_here_knows_survive(box: Subject) -> None:
    assert box.session.contacts
    if box.lacks("foreign properties"):
        pytest.skip("the provider keeps contacts in a shape of its own")
    card = vcard(
        "keep@suite", "Keep", "X-SUITE;X-P=1:precious", "IMPP:xmpp:a@example.org", "item1.TEL:1", "item1.X-ABLABEL:Boat"
    )
    await box.put_text("contacts", None, "keep@suite", card)
    [record] = await listed(box)
    await box.session.contacts.update(Ref(record.id or ""), Contact(notes="Changed"))
    text = await box.text("contacts", None, "keep@suite")
    assert all(line in text for line in ("X-SUITE;X-P=1:precious", "IMPP:xmpp:a@example.org", "NOTE:Changed"))
    view = ContactView(native_properties=("X-SUITE",))
    assert (await box.session.contacts.get(Ref(record.id or ""), view)).native_properties == {"X-SUITE": "precious"}


async def test_pages(box: Subject) -> None:
    assert box.session.contacts
    for number in range(5):
        await box.session.contacts.create(None, Contact(name=ContactName(display_name=f"n{number}")))
    for limit in (1, 2, 5, 50):
        names = [record.name.display_name for record in await listed(box, limit) if record.name]
        assert sorted(filter(None, names)) == [f"n{number}" for number in range(5)]
    with pytest.raises(Invalid):
        await box.session.contacts.find(None, None, PageRequest("x"))


@pytest.mark.parametrize("item", ["nothing", "", "a/b", "../x", "é", "x" * 600])
async def test_ids_that_name_nothing(box: Subject, item: str) -> None:
    assert box.session.contacts
    with pytest.raises(NotFound):
        await box.session.contacts.get(Ref(item))


async def test_changes(box: Subject) -> None:
    assert box.session.contacts
    box.needs("contacts.changes")
    follower = Follower(box.session.contacts, None, None)
    assert await follower.follow() == (set(), set())
    one = await box.session.contacts.create(None, Contact(nick_name="one"))
    two = await box.session.contacts.create(None, Contact(nick_name="two"))
    assert await follower.follow() == ({one.id, two.id}, set())
    assert await follower.follow() == (set(), set())
    await box.session.contacts.update(Ref(one.id or ""), Contact(nick_name="uno"))
    await box.session.contacts.delete(Ref(two.id or ""))
    await box.put_text("contacts", None, "c@suite", vcard("c@suite", "Card"))
    changed, gone = await follower.follow()
    assert one.id in changed and len(changed) == 2 and gone == {two.id} and await follower.agrees()
    await box.put_text("contacts", None, "c@suite", vcard("c@suite", "Card", "NOTE:x"))
    [third] = changed - {one.id}
    assert await follower.follow() == ({third}, set())
    await box.remove_text("contacts", None, "c@suite")
    assert await follower.follow() == (set(), {third})
    assert all(change.kin is None for change in follower.known.values())
    for garbage in ("x", "", "c1.999999.0", "é", "A" * 5000):
        with pytest.raises(CursorExpired):
            await box.session.contacts.changes(None, garbage, None)


async def test_groups_are_no_people(box: Subject) -> None:
    assert box.session.contacts
    await box.put_text("contacts", None, "g@suite", vcard("g@suite", "Friends", "X-ADDRESSBOOKSERVER-KIND:group"))
    await box.put_text("contacts", None, "c@suite", vcard("c@suite", "Card"))
    assert [record.name.display_name for record in await listed(box) if record.name] == ["Card"]
    box.needs("contacts.changes")
    follower = Follower(box.session.contacts, None, None)
    assert len((await follower.follow())[0]) == 1
