"""Contact -> vCard. What the body does not name stays; null clears; of a list that comes, entries that did not change
keep their properties as they are. N and FN are always there (3.0 wants both)."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from providers.formats import values
from providers.formats.contentlines import Component, Line
from providers.formats.ical.resource import PRODID
from providers.formats.vcard import birthdays, labels, read
from providers.formats.vcard.kinds import phone_types, url_label
from providers.formats.vcard.photos import put_photo
from schemas.contacts import (
    Contact,
    ContactCompany,
    ContactEmailAddress,
    ContactName,
    ContactPhoneNumber,
    ContactPostalAddress,
    ContactRelation,
    ContactUrl,
    PhoneType,
    PostalType,
)

_Entry = TypeVar("_Entry")
_Written = tuple[str, tuple[str, ...], str | None]  # value, TYPE, label
_TEXTS = {"nick_name": "NICKNAME", "notes": "NOTE"}


def create(contact: Contact, uid: str, now: datetime, version: str = "3.0") -> Component:
    """A new card."""
    card = Component("VCARD", [Line("VERSION", version), Line("PRODID", PRODID), Line("UID", values.escaped(uid))])
    update(card, contact, now)
    return card


def update(card: Component, patch: Contact, now: datetime) -> None:
    """Change what the body names. A card of version 2.1 becomes one of 3.0: nothing older is allowed on a server (RFC
    6352 5.1), and its texts were decoded when it was read."""
    _modernise(card)
    names, version = patch.model_fields_set, (card.value("VERSION") or "3.0").strip()
    for field, name in _TEXTS.items():
        if field in names:
            _put_text(card, name, getattr(patch, field))
    if "file_as" in names:
        known = next((name for name in read.FILE_AS if card.get(name) is not None), read.FILE_AS[0])
        _put_text(card, known, patch.file_as)
    if "company" in names:
        _put_company(card, patch.company or ContactCompany())
    if "birthday" in names:
        card.put("BDAY", [birthdays.write(patch.birthday, version)] if patch.birthday else [])
    if "keywords" in names:
        words = ",".join(map(values.escaped, patch.keywords or ()))
        card.put("CATEGORIES", [Line("CATEGORIES", words)] if words else [])
    if "photo" in names:
        put_photo(card, patch.photo, version)
    _put_lists(card, patch)
    _put_name(card, patch)
    stamp = values.written(now.astimezone(UTC))
    card.put("REV", [Line("REV", stamp)])


def _modernise(card: Component) -> None:
    if (card.value("VERSION") or "").strip() != "2.1":
        return
    card.put("VERSION", [Line("VERSION", "3.0")])
    card.lines = [
        Line(line.name, line.value, {**line.parameters, "ENCODING": ("b",)}, line.group)
        if (line.parameter("ENCODING") or "").upper() == "BASE64"
        else line
        for line in card.lines
    ]


def _put_text(card: Component, name: str, text: str | None) -> None:
    card.put(name, [Line(name, values.escaped(text))] if text else [])


def _put_lists(card: Component, patch: Contact) -> None:
    names = patch.model_fields_set
    if "email_addresses" in names:
        _put_list(card, "EMAIL", patch.email_addresses or (), read.email, _email)
    if "phone_numbers" in names:
        _put_list(card, "TEL", patch.phone_numbers or (), read.phone, _phone)
    if "addresses" in names:
        _put_list(card, "ADR", patch.addresses or (), read.address, _address)
    if "urls" in names:
        _put_list(card, "URL", patch.urls or (), read.url, _url)
    if "relations" in names:
        _put_relations(card, patch.relations or ())


def _put_list(
    card: Component,
    name: str,
    wanted: Sequence[_Entry],
    shown: Callable[[Component, Line], _Entry],
    written: Callable[[_Entry], _Written],
) -> None:
    """`shown` is how a property reads; who reads as wanted stays, who only has the value gets a new type."""
    known = card.all(name)
    lines = []
    for entry in wanted:
        value, types, label = written(entry)
        same = next((line for line in known if written(shown(card, line)) == (value, types, label)), None)
        line = same or next((line for line in known if written(shown(card, line))[0] == value), None)
        if line is not None:
            known.remove(line)
        lines.append((line, None) if line is not None and same else (_line(name, value, types, line), label))
    labels.put(card, name, lines)


def _line(name: str, value: str, types: tuple[str, ...], known: Line | None) -> Line:
    """A new property, or a known one with other types; a preference stays."""
    kept = {key: found for key, found in known.parameters.items() if key not in ("TYPE", "VALUE")} if known else {}
    preferred = known is not None and "pref" in {kind.lower() for kind in known.parameters.get("TYPE", ())}
    every = (*types, "PREF") if preferred else types
    return Line(name, value, {**({"TYPE": every} if every else {}), **kept})


def _email(entry: ContactEmailAddress) -> _Written:
    kind = (entry.type or "other").lower()
    types = ("INTERNET", kind.upper()) if kind in ("home", "work") else ("INTERNET",)
    return values.escaped(entry.address or ""), types, None if kind in ("home", "work", "other") else kind


def _phone(entry: ContactPhoneNumber) -> _Written:
    types, label = phone_types(entry.type or PhoneType.OTHER)
    return values.escaped(entry.number or ""), types, label


def _address(entry: ContactPostalAddress) -> _Written:
    pieces = (
        entry.po_box, entry.street_line2, entry.street, entry.city, entry.state, entry.postal_code, entry.country,
    )  # fmt: skip
    types = () if entry.type in (None, PostalType.OTHER) else (entry.type.value.upper(),)
    return ";".join(values.escaped(piece or "") for piece in pieces), types, None


def _url(entry: ContactUrl) -> _Written:
    types, label = url_label(entry.type)
    return values.escaped(entry.href or ""), types, label


def _put_relations(card: Component, wanted: Sequence[ContactRelation]) -> None:
    """Apple's related names, which most programs read; relatives that the contract cannot name stay."""
    known = read.relation_lines(card)
    kept = [line for line, relation in known if relation in wanted]
    gone = {id(line) for line, _ in known} - {id(line) for line in kept}
    groups = {line.group.lower() for line, _ in known if id(line) in gone and line.group}
    card.lines = [
        line
        for line in card.lines
        if id(line) not in gone and not (line.name == labels.LABEL and line.group.lower() in groups)
    ]
    there = [relation for line, relation in known if id(line) not in gone]
    for line in (line for relation in wanted if relation not in there for line in _related(card, relation)):
        card.lines.append(line)


def _related(card: Component, relation: ContactRelation) -> Iterator[Line]:
    group = labels.free_group(card)
    label = f"_$!<{(relation.type.value if relation.type else 'other').capitalize()}>!$_"
    yield Line("X-ABRELATEDNAMES", values.escaped(relation.name or ""), {}, group)
    yield Line(labels.LABEL, label, {}, group)


def _put_company(card: Component, company: ContactCompany) -> None:
    """Further units of an organization stay."""
    known = card.get("ORG")
    units = values.split(known.value, ";")[2:] if known is not None else []
    pieces = [values.escaped(company.name or ""), values.escaped(company.department or ""), *units]
    while pieces and not pieces[-1]:
        pieces.pop()
    card.put("ORG", [Line("ORG", ";".join(pieces))] if pieces else [])
    _put_text(card, "TITLE", company.job_title)
    _put_text(card, read.OFFICE, company.office_location)
    _put_text(card, "X-PHONETIC-ORG", company.yomi_company_name)


def _put_name(card: Component, patch: Contact) -> None:
    if "name" in patch.model_fields_set:
        name = patch.name or ContactName()
        pieces = (name.family_name, name.given_name, name.middle_name, name.prefix, name.suffix)
        card.put("N", [Line("N", ";".join(values.escaped(piece or "") for piece in pieces))])
        _put_text(card, "X-PHONETIC-FIRST-NAME", name.yomi_given_name)
        _put_text(card, "X-PHONETIC-LAST-NAME", name.yomi_family_name)
        card.put("FN", [Line("FN", values.escaped(name.display_name))] if name.display_name else [])
    if card.get("N") is None:
        card.put("N", [Line("N", ";;;;")])
    if card.get("FN") is None:
        card.put("FN", [Line("FN", values.escaped(_display_name(card)))])


def _display_name(card: Component) -> str:
    """What stands for a name that nobody gave: its parts, the company, the first address."""
    shown = read.read(card)
    name, company = shown.name or ContactName(), shown.company or ContactCompany()
    parts = (name.prefix, name.given_name, name.middle_name, name.family_name, name.suffix)
    first = shown.email_addresses[0].address if shown.email_addresses else None
    return " ".join(part for part in parts if part) or shown.nick_name or company.name or first or ""
