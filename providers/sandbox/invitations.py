"""What attendees and organizers are told: mail with a text/calendar part (RFC 6047), by the sandbox's own post."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime, formataddr, make_msgid

from providers.base.errors import Invalid
from providers.formats import itip, values
from providers.formats.contentlines import Component
from providers.formats.ical import people
from providers.formats.ical.resource import Resource
from providers.formats.itip import Invitation
from providers.sandbox import delivery
from schemas.mail import EmailAddress

_WORDS = {"REQUEST": "Invitation", "CANCEL": "Canceled", "REPLY": "Answer"}


def guests(own: EmailAddress, resource: Resource) -> list[EmailAddress]:
    """Whom the account has invited to anything of an event; none where somebody else organizes it."""
    return list(itip.request(resource, datetime.now(UTC)).recipients) if _organizes(own, resource.main) else []


def invite(
    db: sqlite3.Connection,
    own: EmailAddress,
    resource: Resource,
    changed: Component,
    before: Sequence[EmailAddress] = (),
) -> None:
    """Tell attendees of what is new, and who is invited no more that it is called off; organizers only do."""
    now, events = datetime.now(UTC), None if changed is resource.main else [changed]
    if _organizes(own, changed):
        _post(db, own, changed, itip.request(resource, now, events))
    left = {guest.address for guest in guests(own, resource)}
    if gone := [guest for guest in before if guest.address not in left]:
        _post(db, own, changed, itip.cancel(resource, now, events, gone))


def call_off(db: sqlite3.Connection, own: EmailAddress, resource: Resource, event: Component | None) -> None:
    """Tell attendees that the event, or one occurrence of it, does not take place; organizers only do."""
    about = event or resource.main
    if _organizes(own, about):
        _post(db, own, about, itip.cancel(resource, datetime.now(UTC), [event] if event else None))


def answer(db: sqlite3.Connection, own: EmailAddress, resource: Resource, said: Component, comment: str | None) -> None:
    """Tell the organizer of the account's answer."""
    _post(db, own, said, itip.reply(resource, said, [own.address or ""], datetime.now(UTC), comment))


def _organizes(own: EmailAddress, event: Component) -> bool:
    chair = people.organizer(event)
    address = chair.email_address.address if chair and chair.email_address else None
    return address is not None and address.lower() == (own.address or "").lower()


def _post(db: sqlite3.Connection, own: EmailAddress, event: Component, invitation: Invitation) -> None:
    """An address that takes no mail does not keep the event from being written."""
    to = [guest for guest in invitation.recipients if guest.address]
    if not to:
        return
    now, subject = datetime.now(UTC), " ".join(values.text(event.value("SUMMARY") or "").split())
    message = EmailMessage(policy=SMTPUTF8)
    message["From"] = _mailbox(own)
    message["To"] = ", ".join(map(_mailbox, to))
    message["Subject"] = f"{_WORDS[invitation.method]}: {subject}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain="sandbox.example")
    message.set_content(subject)
    message.add_alternative(
        invitation.text, maintype="text", subtype="calendar", params={"method": invitation.method, "charset": "UTF-8"}
    )
    try:
        delivery.post(db, [guest.address or "" for guest in to], message.as_bytes(), now)
    except Invalid:
        return


def _mailbox(person: EmailAddress) -> str:
    return formataddr((" ".join((person.name or "").split()), person.address or ""))
