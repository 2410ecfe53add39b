"""vCard -> contact. Of several notes, titles and organizations the first is shown; instant messengers, keys, geo
positions and members of groups are not. Groups are no people: `is_group`."""

from collections.abc import Iterable

from providers.formats import contentlines, values
from providers.formats.contentlines import Component, Line
from providers.formats.ical.read import native
from providers.formats.vcard import birthdays, kinds
from providers.formats.vcard.labels import kinds as kinds_of
from providers.formats.vcard.labels import label_of
from providers.formats.vcard.photos import has_photo, photo
from schemas.contacts import (
    Contact,
    ContactCompany,
    ContactEmailAddress,
    ContactName,
    ContactPhoneNumber,
    ContactPostalAddress,
    ContactRelation,
    ContactUrl,
)

#: What programs call a related person, beside RELATED of 4.0.
_RELATED = (
    "RELATED",
    "X-ABRELATEDNAMES",
    "X-SPOUSE",
    "X-MANAGER",
    "X-ASSISTANT",
    "X-EVOLUTION-SPOUSE",
    "X-EVOLUTION-MANAGER",
    "X-EVOLUTION-ASSISTANT",
)
FILE_AS = ("X-EVOLUTION-FILE-AS", "SORT-STRING")
OFFICE = "X-POSTROOM-OFFICE"


def cards(data: bytes) -> list[Component]:
    """The cards of a text. Raises `TooLarge`."""
    return [component for component in contentlines.parse(data) if component.name == "VCARD"]


def is_group(card: Component) -> bool:
    """Whether a card lists members instead of describing a person (Apple's property, KIND of 4.0)."""
    return any((card.value(name) or "").strip().lower() == "group" for name in ("KIND", "X-ADDRESSBOOKSERVER-KIND"))


def read(card: Component, *, with_photo: bool = False, native_properties: Iterable[str] = ()) -> Contact:
    """The person of a card; id and etag are for the provider to say."""
    revised = values.moment(card.value("REV") or "")
    return Contact(
        last_modified_time=revised if getattr(revised, "tzinfo", None) else None,
        name=_name(card),
        nick_name=_first(card, "NICKNAME"),
        file_as=next((text for name in FILE_AS if (text := _first(card, name))), None),
        company=_company(card),
        relations=_relations(card) or None,
        birthday=_birthday(card),
        keywords=[text for line in card.all("CATEGORIES") for text in values.texts(line.value) if text] or None,
        notes=_first(card, "NOTE"),
        email_addresses=[email(card, line) for line in card.all("EMAIL") if line.value.strip()] or None,
        phone_numbers=[phone(card, line) for line in card.all("TEL") if line.value.strip()] or None,
        addresses=[address(card, line) for line in card.all("ADR") if line.value.strip("; ")] or None,
        urls=[url(card, line) for line in card.all("URL") if line.value.strip()] or None,
        native_properties=native(card, native_properties),
        has_photo=has_photo(card),
        photo=photo(card) if with_photo else None,
    )


def _first(card: Component, name: str) -> str | None:
    return next((values.text(line.value) for line in card.all(name) if line.value.strip()), None)


def parts(line: Line | None, count: int) -> list[str | None]:
    """The components of a structured value, as many as asked for; an empty one is None."""
    found = [values.text(piece) or None for piece in values.split(line.value, ";")] if line is not None else []
    return [*found, *[None] * count][:count]


def _name(card: Component) -> ContactName | None:
    family, given, middle, prefix, suffix = parts(card.get("N"), 5)
    found = ContactName(
        display_name=_first(card, "FN"),
        prefix=prefix,
        given_name=given,
        middle_name=middle,
        family_name=family,
        suffix=suffix,
        yomi_given_name=_first(card, "X-PHONETIC-FIRST-NAME"),
        yomi_family_name=_first(card, "X-PHONETIC-LAST-NAME"),
    )
    return found if any(found.model_dump().values()) else None


def _company(card: Component) -> ContactCompany | None:
    name, department = parts(card.get("ORG"), 2)
    found = ContactCompany(
        name=name,
        department=department,
        job_title=_first(card, "TITLE"),
        office_location=_first(card, OFFICE),
        yomi_company_name=_first(card, "X-PHONETIC-ORG"),
    )
    return found if any(found.model_dump().values()) else None


def _birthday(card: Component) -> str | None:
    try:
        return Contact(birthday=birthdays.read(card.get("BDAY"))).birthday
    except ValueError:  # 30 February
        return None


def relation_lines(card: Component) -> list[tuple[Line, ContactRelation]]:
    """The related people whom the contract can name, with the properties that say so."""
    found = []
    for line in card.lines:
        if line.name in _RELATED and line.value.strip():
            named = frozenset((line.name.rpartition("-")[2].lower(),)) if line.name.startswith("X-") else frozenset()
            kind = kinds.relation(kinds_of(card, line) | named)
            if kind is not None:
                found.append((line, ContactRelation(name=values.text(line.value), type=kind)))
    return found


def _relations(card: Component) -> list[ContactRelation]:
    return [relation for _, relation in relation_lines(card)]


def email(card: Component, line: Line) -> ContactEmailAddress:
    """The type is home, work, other, or the card's own label."""
    found = kinds_of(card, line)
    kind = next((name for name in ("work", "home") if name in found), None) or label_of(card, line) or "other"
    return ContactEmailAddress(address=values.text(line.value).strip(), type=kind.lower())


def phone(card: Component, line: Line) -> ContactPhoneNumber:
    """A `tel:` URI (4.0) without its scheme."""
    number = values.text(line.value).strip()
    number = number[4:].partition(";")[0] if number.lower().startswith("tel:") else number
    return ContactPhoneNumber(number=number, type=kinds.phone(kinds_of(card, line)))


def address(card: Component, line: Line) -> ContactPostalAddress:
    """The extended address is the second line of the street."""
    box, extended, street, city, state, code, country = parts(line, 7)
    return ContactPostalAddress(
        po_box=box,
        street_line2=extended,
        street=street,
        city=city,
        state=state,
        postal_code=code,
        country=country,
        type=kinds.postal(kinds_of(card, line)),
    )


def url(card: Component, line: Line) -> ContactUrl:
    """A page of the person."""
    return ContactUrl(href=values.text(line.value).strip(), type=kinds.url(kinds_of(card, line)))
