"""Contacts from cards of Apple, Google, Outlook and the RFCs, and back, with everything unknown kept."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from providers.formats import contentlines
from providers.formats.contentlines import Component
from providers.formats.vcard.read import cards, is_group, read
from providers.formats.vcard.write import create, update
from schemas.contacts import Contact, ContactPhoto, PhoneType, PostalType, RelationType, UrlType

_NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)

_APPLE = b"""BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//iPhone OS 17.0//EN
N:Example;Ann;M.;Dr.;Jr.
FN:Dr. Ann M. Example Jr.
NICKNAME:Annie
X-PHONETIC-FIRST-NAME:An
ORG:Example\\, Inc.;Research;Room team
TITLE:Head
EMAIL;type=INTERNET;type=HOME;type=pref:ann@home.example
item1.EMAIL;type=INTERNET:ann@lake.example
item1.X-ABLabel:Lake House
TEL;type=CELL;type=VOICE;type=pref:+1 555 0100
TEL;type=WORK;type=FAX:+1 555 0101
item2.TEL:+1 555 0102
item2.X-ABLabel:_$!<Assistant>!$_
item3.ADR;type=WORK:;Floor 2;1 Main St;Springfield;IL;62701;USA
item3.X-ABADR:us
item4.URL;type=pref:https\\://example.com
item4.X-ABLabel:_$!<HomePage>!$_
item5.X-ABRELATEDNAMES:Bob
item5.X-ABLabel:_$!<Spouse>!$_
item6.X-ABRELATEDNAMES:Zoe
item6.X-ABLabel:_$!<Sister>!$_
BDAY;X-APPLE-OMIT-YEAR=1604;VALUE=date:1604-02-29
NOTE:Two\\nlines
PHOTO;ENCODING=b;TYPE=JPEG:/9j/
  4AAQ
X-OWN;P="a,b":kept;as,it\\;is
UID:1
REV:2026-01-01T00:00:00Z
END:VCARD
"""
_FOUR = b"""BEGIN:VCARD
VERSION:4.0
FN:Bob
KIND:individual
TEL;VALUE=uri;TYPE="voice,home":tel:+1-555-0199
BDAY:--0204
PHOTO:data:image/png;base64,iVBORw==
RELATED;TYPE=spouse;VALUE=text:Ann
ADR;TYPE=home:;;2 Oak Rd;Here;;1;There
END:VCARD
"""


def _card(data: bytes = _APPLE) -> Component:
    return cards(data)[0]


def _again(card: Component) -> Contact:
    return read(cards(contentlines.write(card))[0], with_photo=True)


def _body(**fields: Any) -> Contact:
    return Contact.model_validate(fields)


def test_apples_card() -> None:
    found = read(_card(), with_photo=True, native_properties=["X-OWN"])
    assert found.name is not None and found.company is not None
    assert (found.name.given_name, found.name.middle_name, found.name.suffix, found.name.yomi_given_name) == (
        "Ann", "M.", "Jr.", "An",
    )  # fmt: skip
    assert (found.company.name, found.company.department, found.company.job_title) == (
        "Example, Inc.",
        "Research",
        "Head",
    )
    assert [(one.address, one.type) for one in found.email_addresses or ()] == [
        ("ann@home.example", "home"), ("ann@lake.example", "lake house"),
    ]  # fmt: skip
    assert [one.type for one in found.phone_numbers or ()] == [
        PhoneType.MOBILE, PhoneType.WORK_FAX, PhoneType.ASSISTANT,
    ]  # fmt: skip
    assert [(one.street_line2, one.city, one.type) for one in found.addresses or ()] == [
        ("Floor 2", "Springfield", PostalType.WORK)
    ]
    assert [(one.href, one.type) for one in found.urls or ()] == [("https://example.com", UrlType.HOME_PAGE)]
    assert [(one.name, one.type) for one in found.relations or ()] == [("Bob", RelationType.SPOUSE)]
    assert (found.birthday, found.notes) == ("--02-29", "Two\nlines")
    assert found.photo == ContactPhoto(mime_type="image/jpeg", content="/9j/4AAQ")
    assert found.native_properties == {"X-OWN": "kept;as,it\\;is"}
    assert read(_card()).photo is None and read(_card()).has_photo


def test_a_card_of_version_4() -> None:
    found = read(_card(_FOUR), with_photo=True)
    assert [(one.number, one.type) for one in found.phone_numbers or ()] == [("+1-555-0199", PhoneType.HOME)]
    assert found.birthday == "--02-04"
    assert found.photo == ContactPhoto(mime_type="image/png", content="iVBORw==")
    assert [(one.name, one.type) for one in found.relations or ()] == [("Ann", RelationType.SPOUSE)]


@pytest.mark.parametrize("line", ["KIND:group", "X-ADDRESSBOOKSERVER-KIND:group", "kind:GROUP"])
def test_groups_are_no_people(line: str) -> None:
    assert is_group(_card(f"BEGIN:VCARD\nVERSION:4.0\n{line}\nFN:All\nEND:VCARD".encode()))
    assert not is_group(_card(_FOUR))


@pytest.mark.parametrize("data", [_APPLE, _FOUR])
def test_sending_back_what_was_read_changes_the_stamp_only(data: bytes) -> None:
    card = _card(data)
    before = set(map(contentlines.write_line, card.lines))
    sent = read(card, with_photo=True).model_dump(by_alias=True, exclude_none=True, mode="json")
    update(card, _body(**sent), _NOW)
    after = set(map(contentlines.write_line, card.lines))
    lost = {line for line in before - after if not line.startswith(("REV", "N:", "BDAY", "PHOTO"))}
    assert lost == set()
    assert _again(card).model_dump(exclude={"last_modified_time"}) == read(_card(data), with_photo=True).model_dump(
        exclude={"last_modified_time"}
    )


def test_a_change_of_one_list_leaves_the_others() -> None:
    card = _card()
    update(
        card, _body(phoneNumbers=[{"number": "+1 555 0100", "type": "home"}, {"number": "7", "type": "radio"}]), _NOW
    )
    found = _again(card)
    assert [(one.number, one.type) for one in found.phone_numbers or ()] == [
        ("+1 555 0100", PhoneType.HOME), ("7", PhoneType.RADIO),
    ]  # fmt: skip
    assert not [line for line in card.lines if "Assistant" in line.value]  # the label went with its number
    assert found.email_addresses == read(_card()).email_addresses
    assert found.relations == read(_card()).relations
    assert card.value("X-OWN") == "kept;as,it\\;is"
    assert "PREF" in card.all("TEL")[0].parameters["TYPE"]


def test_relatives_that_have_no_name_in_the_contract_stay() -> None:
    card = _card()
    update(card, _body(relations=[{"name": "Cid", "type": "manager"}]), _NOW)
    assert [(one.name, one.type) for one in _again(card).relations or ()] == [("Cid", RelationType.MANAGER)]
    assert "Zoe" in {line.value for line in card.all("X-ABRELATEDNAMES")}
    assert "Bob" not in {line.value for line in card.all("X-ABRELATEDNAMES")}


def test_null_clears() -> None:
    card = _card()
    update(card, _body(notes=None, photo=None, birthday=None, company=None, urls=None), _NOW)
    found = _again(card)
    assert (found.notes, found.has_photo, found.birthday, found.urls) == (None, False, None, None)
    assert card.value("ORG") == ";;Room team"  # what the contract does not know stays


@pytest.mark.parametrize("version", ["3.0", "4.0"])
@pytest.mark.parametrize("birthday", ["1980-05-04", "--05-04", "--02-29"])
def test_birthdays(version: str, birthday: str) -> None:
    assert _again(create(_body(birthday=birthday), "u", _NOW, version)).birthday == birthday


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_a_card_always_has_both_names(version: str) -> None:
    card = create(_body(emailAddresses=[{"address": "a@b.example"}]), "u", _NOW, version)
    assert (card.value("FN"), card.value("N")) == ("a@b.example", ";;;;")


_texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=20)
_contacts = st.fixed_dictionaries(
    {},
    optional={
        "name": st.fixed_dictionaries({"displayName": _texts}, optional={"givenName": _texts, "suffix": _texts}),
        "nickName": _texts,
        "fileAs": _texts,
        "notes": _texts,
        "keywords": st.lists(_texts, min_size=1, max_size=3),
        "company": st.fixed_dictionaries({"name": _texts}, optional={"jobTitle": _texts, "officeLocation": _texts}),
        "phoneNumbers": st.lists(
            st.fixed_dictionaries({"number": _texts, "type": st.sampled_from([one.value for one in PhoneType])}),
            min_size=1, max_size=4,
        ),
        "urls": st.lists(
            st.fixed_dictionaries({"href": _texts, "type": st.sampled_from([one.value for one in UrlType])}),
            min_size=1, max_size=3,
        ),
        "addresses": st.lists(
            st.fixed_dictionaries(
                {"street": _texts, "type": st.sampled_from([one.value for one in PostalType])},
                optional={"poBox": _texts, "streetLine2": _texts, "country": _texts},
            ),
            min_size=1, max_size=2,
        ),
        "relations": st.lists(
            st.fixed_dictionaries({"name": _texts, "type": st.sampled_from([one.value for one in RelationType])}),
            min_size=1, max_size=3,
        ),
        "emailAddresses": st.lists(
            st.fixed_dictionaries({"address": _texts, "type": st.sampled_from(["home", "work", "other", "boat"])}),
            min_size=1, max_size=3,
        ),
    },
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(_contacts, st.sampled_from(["3.0", "4.0"]))
@example({"company": {"name": ";"}}, "3.0")
def test_any_contact_survives(body: dict[str, Any], version: str) -> None:
    wanted = _body(**body)
    found = _again(create(wanted, "u", _NOW, version))
    names = wanted.model_fields_set
    assert found.model_dump(include=names) == wanted.model_dump(include=names)


_OLD = b"""BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg;;;
TEL;CELL;PREF:+49 1
EMAIL;INTERNET;HOME:a@b.example
NOTE;ENCODING=QUOTED-PRINTABLE:line1=0D=0A=
line2 =3D x
ORG;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:F=FCr;Dept
PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ
 SkZJRgAB

X-KEPT;HOME:yes
END:VCARD
"""


def test_a_card_of_version_2() -> None:
    """Texts in quoted-printable, types without TYPE=; once changed it is a card that servers may hold (3.0)."""
    [card] = cards(_OLD.replace(b"\n", b"\r\n"))
    shown = read(card, with_photo=True)
    assert shown.name and (shown.name.given_name, shown.name.family_name) == ("J\u00f6rg", "M\u00fcller")
    assert (shown.notes, shown.company and shown.company.name) == ("line1\nline2 = x", "F\u00fcr")
    assert shown.phone_numbers and shown.phone_numbers[0].type is PhoneType.MOBILE
    assert shown.photo and (shown.photo.mime_type, shown.photo.content) == ("image/jpeg", "/9j/4AAQSkZJRgAB")
    update(card, Contact.model_validate({"nickName": "J"}), _NOW)
    text = contentlines.write(card).decode().replace("\r\n ", "")
    for line in ("VERSION:3.0", "N:M\u00fcller;J\u00f6rg;;;", "NOTE:line1\\nline2 = x", "FN:J\u00f6rg M\u00fcller"):
        assert f"{line}\r\n" in text
    assert "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgAB" in text and "X-KEPT;TYPE=HOME:yes" in text
    [again] = cards(contentlines.write(card))
    assert read(again, with_photo=True) == read(card, with_photo=True)
