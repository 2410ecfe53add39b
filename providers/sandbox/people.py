"""The contacts and the tasks of a sandbox account."""

import base64
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from providers.sandbox.material import BOB, KENJI, LAYLA, MUM, PRIYA, ZOE, Person
from schemas.contacts import (
    Contact,
    ContactCompany,
    ContactEmailAddress,
    ContactName,
    ContactPhoneNumber,
    ContactPhoto,
    ContactPostalAddress,
    PhoneType,
    PostalType,
)
from schemas.tasks import TaskCreate, TaskImportance, TaskStatus

Placed = tuple[str, TaskCreate]  # name of a list, a task in it


def contacts() -> Iterator[Contact]:
    """The people who write to the account."""
    yield _contact(ZOE, "Zoë", "Müller", "Nordlicht GmbH", "Designer", phone="+49 40 555 0101", photo=True)
    yield _contact(KENJI, "健二", "田中", "Hoshi", "Engineer", phone="+81 3 5555 0102")
    yield _contact(LAYLA, "ليلى", "حداد", "Cedar", "Analyst")
    yield _contact(BOB, "Bob", "Ortiz", "Acme", "Sales", phone="+1 555 0103")
    yield _contact(PRIYA, "Priya", "Nair", "Acme", "Project lead", phone="+1 555 0104", photo=True)
    yield _contact(MUM, "Margaret", None, None, None, birthday="--05-17", street="Dorfstraße 7")


def _contact(
    person: Person,
    given: str,
    family: str | None,
    company: str | None,
    title: str | None,
    *,
    phone: str | None = None,
    photo: bool = False,
    birthday: str | None = None,
    street: str | None = None,
) -> Contact:
    where = "work" if company else "home"
    picture = ContactPhoto(mime_type="image/png", content=_picture(person[1])) if photo else None
    found = {
        "name": ContactName(display_name=person[0], given_name=given, family_name=family),
        "email_addresses": [ContactEmailAddress(address=person[1], type=where)],
        "company": ContactCompany(name=company, job_title=title) if company else None,
        "phone_numbers": [ContactPhoneNumber(number=phone, type=PhoneType.WORK)] if phone else None,
        "addresses": [ContactPostalAddress(street=street, city="Ulm", type=PostalType.HOME)] if street else None,
        "birthday": birthday,
        "photo": picture,
    }
    return Contact.model_validate({name: value for name, value in found.items() if value is not None})


def tasks(linked_at: datetime) -> Iterator[Placed]:
    """What is to be done, parents before their parts; `parentId` is the title of the parent."""

    def due(days: int) -> datetime:
        return (linked_at + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)

    yield "Tasks", TaskCreate(title="Prepare the launch", importance=TaskImportance.HIGH, due=due(9))
    yield "Tasks", TaskCreate(title="Write the release notes", parent_id="Prepare the launch")
    yield (
        "Tasks",
        TaskCreate(
            title="Book the room", parent_id="Prepare the launch", status=TaskStatus.COMPLETED, notes="Room 4 is free."
        ),
    )
    yield "Tasks", TaskCreate(title="Answer the tax office", status=TaskStatus.WAITING_ON_OTHERS, due=due(20))
    yield "Tasks", TaskCreate(title="Renew the certificate", status=TaskStatus.IN_PROGRESS, categories=["work"])
    yield "Household", TaskCreate(title="Repair the bicycle", importance=TaskImportance.LOW)
    yield "Household", TaskCreate(title="Buy a present", due=due(6), notes="Something with flowers")


def _picture(seed: str, side: int = 16) -> str:
    """A PNG of one colour (RFC 2083), Base64."""
    colour = zlib.crc32(seed.encode()).to_bytes(4)[:3]
    rows = (b"\0" + colour * side) * side

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(picture).decode()
