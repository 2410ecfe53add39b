"""Contacts (contract: tags Contacts, ContactSync)."""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.base import Base64, Instant, Model, Text

_READ_ONLY = {"readOnly": True}
_BIRTHDAY = re.compile(r"(\d{4}|-)-(\d{2})-(\d{2})(?:T.*)?", re.ASCII)
_LEAP_YEAR = 2000  # the days of a year that nobody named


def _birthday(value: str) -> str:
    """`YYYY-MM-DD`, or `--MM-DD` where the year is not known; the year 0 that some providers use means that too."""
    match = _BIRTHDAY.fullmatch(value)
    try:
        if match is None:
            raise ValueError
        year = 0 if match[1] == "-" else int(match[1])
        day = date(year or _LEAP_YEAR, int(match[2]), int(match[3]))
    except ValueError:
        raise ValueError("must be a date as YYYY-MM-DD, or --MM-DD without a year") from None
    return day.isoformat() if year else f"--{day:%m-%d}"


class RelationType(StrEnum):
    """What somebody is to the contact."""

    MANAGER = "manager"
    ASSISTANT = "assistant"
    SPOUSE = "spouse"


class PhoneType(StrEnum):
    """Kind of phone number."""

    WORK = "work"
    HOME = "home"
    OTHER = "other"
    MOBILE = "mobile"
    WORK_MOBILE = "workMobile"
    MAIN = "main"
    COMPANY_MAIN = "companyMain"
    ASSISTANT = "assistant"
    WORK_FAX = "workFax"
    HOME_FAX = "homeFax"
    OTHER_FAX = "otherFax"
    CALLBACK = "callback"
    PAGER = "pager"
    WORK_PAGER = "workPager"
    RADIO = "radio"
    TELEX = "telex"
    TTY = "tty"


class PostalType(StrEnum):
    """Kind of postal address."""

    WORK = "work"
    HOME = "home"
    OTHER = "other"


class UrlType(StrEnum):
    """Kind of web address."""

    WORK = "work"
    HOME = "home"
    OTHER = "other"
    BLOG = "blog"
    PROFILE = "profile"
    HOME_PAGE = "homePage"
    FTP = "ftp"
    RESERVATIONS = "reservations"


class ContactName(Model):
    """Name parts."""

    display_name: Text | None = None
    prefix: Text | None = None
    given_name: Text | None = None
    middle_name: Text | None = None
    family_name: Text | None = None
    suffix: Text | None = None
    yomi_given_name: Text | None = None
    yomi_family_name: Text | None = None


class ContactCompany(Model):
    """Employer."""

    name: Text | None = None
    office_location: Text | None = None
    department: Text | None = None
    job_title: Text | None = None
    yomi_company_name: Text | None = None


class ContactRelation(Model):
    """Related person."""

    name: Text | None = None
    type: RelationType | None = None


class ContactEmailAddress(Model):
    """Mail address."""

    address: Text | None = None
    name: Text | None = None
    type: Text | None = None


class ContactPhoneNumber(Model):
    """Phone number."""

    number: Text | None = None
    type: PhoneType | None = None
    canonical_form: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None


class ContactPostalAddress(Model):
    """Postal address."""

    street: Text | None = None
    street_line2: Text | None = None
    po_box: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None
    type: PostalType | None = None


class ContactUrl(Model):
    """Web address."""

    href: Text | None = None
    type: UrlType | None = None


class ContactPhoto(Model):
    """Picture."""

    id: str | None = None
    name: Text | None = None
    mime_type: Text | None = None
    content: Annotated[Base64 | None, Field(description="Base64")] = None


class RecordMeta(Model):
    """Service data of a record."""

    update_token: Annotated[str | None, Field(description="value to send in If-Match")] = None


class Contact(Model):
    """Contact. As a body: what is absent stays as it is, null clears; lists are replaced whole."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    etag: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    created_time: Annotated[Instant | None, Field(json_schema_extra=_READ_ONLY)] = None
    last_modified_time: Annotated[Instant | None, Field(json_schema_extra=_READ_ONLY)] = None
    name: ContactName | None = None
    nick_name: Text | None = None
    file_as: Text | None = None
    company: ContactCompany | None = None
    relations: list[ContactRelation] | None = None
    birthday: Annotated[
        Annotated[str, AfterValidator(_birthday)] | None, Field(description="YYYY-MM-DD, or --MM-DD without a year")
    ] = None
    keywords: list[Text] | None = None
    notes: Text | None = None
    email_addresses: list[ContactEmailAddress] | None = None
    phone_numbers: list[ContactPhoneNumber] | None = None
    addresses: list[ContactPostalAddress] | None = None
    urls: list[ContactUrl] | None = None
    native_properties: dict[str, str] | None = None
    has_photo: Annotated[bool | None, Field(json_schema_extra=_READ_ONLY)] = None
    photo: ContactPhoto | None = None
    company_id: str | None = None
    meta: Annotated[RecordMeta | None, Field(alias="__meta")] = None


class ContactOrId(Model):
    """Result of a contact write."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    etag: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    record: Contact | None = None


class ContactsPage(Model):
    """Delta page of contacts; `nextDeltaToken` stands on the last page of a round only."""

    next_page_token: str | None = None
    next_delta_token: str | None = None
    length: int
    records: list[Contact]


class ContactsPageNext(Model):
    """Token page of contacts."""

    next_page_token: str | None = None
    length: int
    records: list[Contact]
