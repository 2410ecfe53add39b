"""Google's persons <-> the contract's contacts, as pure functions.

Lost on the way: a display name beside name parts (Google makes it of them), keywords (contact groups at Google are
shared things with ids), and what of a person stands in further organizations, which stay untouched. Fields that a patch
names replace the person's whole; the rest is not sent.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from providers.base.errors import Invalid
from providers.base.ports import ContactView
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
    RelationType,
    UrlType,
)

Json = Mapping[str, Any]
K = TypeVar("K", bound=StrEnum)

READ_FIELDS = (
    "names,nicknames,fileAses,organizations,relations,birthdays,biographies,emailAddresses,phoneNumbers,addresses,urls,"
    "photos,userDefined,metadata"
)
_NAME = {
    "givenName": "given_name", "middleName": "middle_name", "familyName": "family_name", "honorificPrefix": "prefix",
    "honorificSuffix": "suffix", "phoneticGivenName": "yomi_given_name", "phoneticFamilyName": "yomi_family_name",
}  # fmt: skip
_COMPANY = {
    "name": "name", "department": "department", "title": "job_title", "location": "office_location",
    "phoneticName": "yomi_company_name",
}  # fmt: skip
_ADDRESS = {
    "streetAddress": "street", "extendedAddress": "street_line2", "poBox": "po_box", "city": "city", "region": "state",
    "postalCode": "postal_code", "country": "country",
}  # fmt: skip


def contact(raw: Json, view: ContactView) -> Contact:
    """A contact without its picture."""
    names, company = _first(raw, "names"), _first(raw, "organizations")
    return Contact(
        id=item_id(raw),
        etag=etag(raw),
        last_modified_time=_updated(raw),
        name=ContactName(display_name=names.get("displayName"), **_renamed(names, _NAME)) if names else None,
        nick_name=_first(raw, "nicknames").get("value"),
        file_as=_first(raw, "fileAses").get("value"),
        company=ContactCompany(**_renamed(company, _COMPANY)) if company else None,
        relations=[_relation(one) for one in raw.get("relations", ()) if _kind(RelationType, one)] or None,
        birthday=_birthday(_first(raw, "birthdays").get("date")),
        notes=_first(raw, "biographies").get("value"),
        email_addresses=[
            ContactEmailAddress(address=one.get("value"), name=one.get("displayName"), type=one.get("type"))
            for one in raw.get("emailAddresses", ())
        ]
        or None,
        phone_numbers=[
            ContactPhoneNumber(
                number=one.get("value"), type=_kind(PhoneType, one), canonical_form=one.get("canonicalForm")
            )
            for one in raw.get("phoneNumbers", ())
        ]
        or None,
        addresses=[
            ContactPostalAddress(type=_kind(PostalType, one), **_renamed(one, _ADDRESS))
            for one in raw.get("addresses", ())
        ]
        or None,
        urls=[ContactUrl(href=one.get("value"), type=_kind(UrlType, one)) for one in raw.get("urls", ())] or None,
        native_properties=_native(raw, view),
        has_photo=photo_url(raw) is not None,
    )


def item_id(raw: Json) -> str:
    """The id within `people/`."""
    return str(raw["resourceName"]).removeprefix("people/")


def source(raw: Json) -> Json:
    """The part of the person that is the account's own contact."""
    found = (one for one in (raw.get("metadata") or {}).get("sources", ()) if one.get("type") == "CONTACT")
    return next(found, {})


def etag(raw: Json) -> str | None:
    """The version of the contact, which guards writes."""
    return source(raw).get("etag") or raw.get("etag")


def photo_url(raw: Json) -> str | None:
    """Where the picture is; None where it is only a letter on a colour."""
    return next((str(one["url"]) for one in raw.get("photos", ()) if one.get("url") and not one.get("default")), None)


def body(patch: Contact, raw: Json) -> dict[str, Any]:
    """The fields of the person that a contact names, `raw` as it is now. Raises `Invalid`."""
    names = patch.model_fields_set
    if patch.keywords:
        raise Invalid("Google keeps no keywords with a contact", path="keywords")
    return {field: write(patch, raw) for name, (field, write) in _WRITERS.items() if name in names}


def _first(raw: Json, field: str) -> Json:
    found = raw.get(field) or ()
    return next((one for one in found if (one.get("metadata") or {}).get("primary")), found[0] if found else {})


def _renamed(raw: Json, names: Mapping[str, str]) -> dict[str, Any]:
    return {ours: raw[theirs] for theirs, ours in names.items() if raw.get(theirs)}


def _back(value: Any, names: Mapping[str, str]) -> dict[str, Any]:
    return {theirs: getattr(value, ours) for theirs, ours in names.items() if getattr(value, ours)}


def _kind(kinds: type[K], raw: Json) -> K | None:
    """Google's own kinds have the contract's names; people make others."""
    value = raw.get("type")
    return kinds(value) if value in list(kinds) else None


def _relation(raw: Json) -> ContactRelation:
    return ContactRelation(name=raw.get("person"), type=_kind(RelationType, raw))


def _updated(raw: Json) -> datetime | None:
    value = source(raw).get("updateTime")
    return datetime.fromisoformat(value) if value else None


def _birthday(day: Json | None) -> str | None:
    if not day or not day.get("month") or not day.get("day"):
        return None
    year = f"{day['year']:04}" if day.get("year") else "-"
    return f"{year}-{day['month']:02}-{day['day']:02}"


def _native(raw: Json, view: ContactView) -> dict[str, str] | None:
    known = {one.get("key"): one.get("value") for one in raw.get("userDefined", ())}
    return {name: known[name] for name in view.native_properties if known.get(name)} or None


def _names(patch: Contact, _: Json) -> list[Any]:
    if patch.name is None:
        return []
    parts = _back(patch.name, _NAME)
    return [parts or {"unstructuredName": patch.name.display_name or ""}]


def _value(text: str | None) -> list[Any]:
    return [{"value": text}] if text else []


def _company(patch: Contact, raw: Json) -> list[Any]:
    others = list(raw.get("organizations") or ())[1:]
    return [*([_back(patch.company, _COMPANY)] if patch.company else []), *map(_bare, others)]


def _relations(patch: Contact, raw: Json) -> list[Any]:
    others = [_bare(one) for one in raw.get("relations") or () if _kind(RelationType, one) is None]
    return [*({"person": one.name, "type": one.type} for one in patch.relations or ()), *others]


def _bare(raw: Json) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name not in ("metadata", "formattedType")}


def _day(patch: Contact, _: Json) -> list[Any]:
    if patch.birthday is None:
        return []
    year, month, day = patch.birthday.replace("--", "0-", 1).split("-")
    date = {"month": int(month), "day": int(day)} | ({"year": int(year)} if int(year) else {})
    return [{"date": date}]


def _dense(entries: Sequence[dict[str, Any]]) -> list[Any]:
    return [{name: value for name, value in entry.items() if value} for entry in entries]


def _emails(patch: Contact, _: Json) -> list[Any]:
    return _dense(
        [{"value": one.address, "displayName": one.name, "type": one.type} for one in patch.email_addresses or ()]
    )


def _phones(patch: Contact, _: Json) -> list[Any]:
    return _dense([{"value": one.number, "type": one.type} for one in patch.phone_numbers or ()])


def _addresses(patch: Contact, _: Json) -> list[Any]:
    return _dense([{"type": one.type, **_back(one, _ADDRESS)} for one in patch.addresses or ()])


def _urls(patch: Contact, _: Json) -> list[Any]:
    return _dense([{"value": one.href, "type": one.type} for one in patch.urls or ()])


def _user_defined(patch: Contact, _: Json) -> list[Any]:
    return [{"key": name, "value": value} for name, value in (patch.native_properties or {}).items()]


_WRITERS: Mapping[str, tuple[str, Callable[[Contact, Json], list[Any]]]] = {
    "name": ("names", _names),
    "nick_name": ("nicknames", lambda patch, _: _value(patch.nick_name)),
    "file_as": ("fileAses", lambda patch, _: _value(patch.file_as)),
    "company": ("organizations", _company),
    "relations": ("relations", _relations),
    "birthday": ("birthdays", _day),
    "notes": ("biographies", lambda patch, _: _value(patch.notes)),
    "email_addresses": ("emailAddresses", _emails),
    "phone_numbers": ("phoneNumbers", _phones),
    "addresses": ("addresses", _addresses),
    "urls": ("urls", _urls),
    "native_properties": ("userDefined", _user_defined),
}
