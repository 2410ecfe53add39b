"""The post: from a sender's box into the inboxes of every sandbox account of an address.

An address without an account takes everything too, as a real server's "accepted" says nothing about its reader. Letters
wait a while for accounts that were linked but not opened yet. Recipients called `bounce@...` are refused.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime

from providers.base.errors import Invalid
from providers.base.lane import call_back
from providers.base.ports import Leaving
from providers.formats.headers import Headers
from providers.sandbox.box import Box, Letter, Role, milliseconds, moment

_KEPT_FOR = timedelta(days=30)
_REFUSAL = "550 5.1.1 no such mailbox: bounce@ is the sandbox's address for trying a refusal"


def post(
    db: sqlite3.Connection, recipients: Sequence[str], source: bytes, now: datetime, leaving: Leaving | None = None
) -> Mapping[str, str]:
    """Deliver to every recipient; the refused ones with the reason. Raises `Invalid` when nobody takes it."""
    addresses = {address.lower(): address for address in recipients}
    refused = {shown: _REFUSAL for address, shown in addresses.items() if address.startswith("bounce@")}
    if len(refused) == len(addresses):
        reason = "every recipient was refused" if refused else "there is no recipient"
        raise Invalid(f"nothing was sent: {reason}", path="to", original=refused or None)
    if leaving is not None:
        call_back(leaving)
    letter = Letter(source, now)
    for address, shown in addresses.items():
        if shown not in refused:
            _drop(db, address, letter)
    db.execute("DELETE FROM letter WHERE received < ?", (milliseconds(now - _KEPT_FOR),))
    return refused


def collect(box: Box, email: str, since: datetime) -> None:
    """Fetch what came for a new box after its account was linked."""
    rows = box.db.execute(
        "SELECT received, source FROM letter WHERE email = ? AND received >= ?", (email, milliseconds(since))
    )
    for row in rows.fetchall():
        box.add(box.folder_for(Role.INBOX), Letter(row["source"], moment(row["received"])))


def _drop(db: sqlite3.Connection, address: str, letter: Letter) -> None:
    for row in db.execute("SELECT id FROM account WHERE email = ?", (address,)).fetchall():
        box = Box(db, row["id"], {})
        box.add(box.folder_for(Role.INBOX), letter)
    db.execute("INSERT INTO letter VALUES (?, ?, ?)", (address, milliseconds(letter.received), letter.source))


def ready_to_send(source: bytes, message_id: str, now: datetime) -> bytes:
    """A draft's source with today's date, and with `message_id` if it had none."""
    source = _without(source, b"Date")
    date = f"Date: {format_datetime(now)}\r\n".encode()
    given = b"" if Headers.parse(source).message_id else f"Message-ID: {message_id}\r\n".encode()
    return date + given + source


def without_bcc(source: bytes) -> bytes:
    """A source as its recipients may see it."""
    return _without(source, b"Bcc")


def _without(source: bytes, field: bytes) -> bytes:
    blank_line = re.search(rb"\n\r?\n", source)
    end = blank_line.start() + 1 if blank_line else len(source)
    lines_of_field = rb"(?im)^" + field + rb"[ \t]*:.*\n(?:[ \t].*\n)*"
    return re.sub(lines_of_field, b"", source[:end]) + source[end:]
