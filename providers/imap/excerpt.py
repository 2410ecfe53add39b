"""The beginning of a message's text, read without reading the message."""

from collections.abc import Mapping

from providers.formats.body import Plan
from providers.formats.charset import decode_text, decode_transfer
from providers.formats.part import Part
from providers.formats.text import html_to_text, snippet
from providers.imap.fetch import Items
from providers.imap.sets import ranges
from providers.imap.wire import Command
from schemas.mail import BodyType

_TEXT_OCTETS = 2048  # enough for 200 characters in any transfer encoding and script
_HTML_OCTETS = 32768  # HTML mail opens with styles


def part_of(plan: Plan) -> Part | None:
    """The part whose beginning is shown."""
    return next(iter(plan.needed(BodyType.TEXT)), None)


def commands(plans: Mapping[int, Plan]) -> list[Command]:
    """UID FETCH for these messages, together where the section is the same."""
    wanted: dict[bytes, list[int]] = {}
    for uid, plan in plans.items():
        if part := part_of(plan):
            size = _HTML_OCTETS if part.mime_type == "text/html" else _TEXT_OCTETS
            wanted.setdefault(b"BODY.PEEK[%b]<0.%d>" % (part.section.encode(), size), []).append(uid)
    return [(b"UID FETCH " + uids + b" (" + item + b")",) for item in wanted for uids in ranges(wanted[item])]


def text(plan: Plan, items: Items) -> str:
    """The snippet from the answer; empty when there is no text."""
    part = part_of(plan)
    data = items.get(b"BODY[%b]" % part.section.encode()) if part else None
    if part is None or not isinstance(data, bytes):
        return ""
    html = part.mime_type == "text/html"
    decoded = decode_text(decode_transfer(data, part.encoding), part.charset, html=html)
    return snippet(html_to_text(decoded) if html else decoded)
