"""One message with its body and attachments: the parts that were asked for, and not more, in one FETCH."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from providers.base.ports import MessageView
from providers.formats import body
from providers.formats.body import Plan
from providers.formats.charset import decode_text
from providers.formats.part import Part
from providers.formats.source import Source
from providers.formats.transfer import decode_transfer
from providers.imap.fetch import Items
from schemas.mail import BodyType, EmailAttachment

_TEXT_LIMIT = 16 * 1024 * 1024  # octets of one text part that are read
_INLINE_LIMIT = 16 * 1024 * 1024  # octets of all inline images together

#: What to FETCH where the server does not understand the message's structure.
WHOLE_ITEM = b"BODY.PEEK[]<0.%d>" % (48 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The decoded content of parts, by section."""

    texts: Mapping[str, str]
    contents: Mapping[str, bytes]


def items(plan: Plan, view: MessageView) -> bytes:
    """What to FETCH for the body of that view, and for its inline images; with a leading space, empty for nothing."""
    sections = [part.section for part in _wanted(plan, view)]
    return b"".join(b" BODY.PEEK[%b]<0.%d>" % (section.encode(), _TEXT_LIMIT) for section in sections)


def _wanted(plan: Plan, view: MessageView) -> Iterable[Part]:
    return (*plan.needed(body_type(view)), *(_inline_candidates(plan) if view.load_inlines else ()))


def body_type(view: MessageView) -> BodyType:
    """The rendering of a single message; html unless asked otherwise."""
    return view.body_type or BodyType.HTML


def _inline_candidates(plan: Plan) -> Iterable[Part]:
    left = _INLINE_LIMIT
    for part in plan.attachments:
        if (part.content_id or part.disposition == "inline") and part.size <= left:
            left -= part.size
            yield part


def from_items(plan: Plan, view: MessageView, items: Items) -> Loaded:
    """The parts in the answer."""
    contents = {}
    for part in _wanted(plan, view):
        data = items.get(b"BODY[%b]" % part.section.encode())
        contents[part.section] = decode_transfer(data if isinstance(data, bytes) else b"", part.encoding)
    texts = {part.section: _text(part, contents[part.section]) for part in plan.needed(body_type(view))}
    return Loaded(texts, contents)


def from_source(plan: Plan, view: MessageView, items: Items) -> Loaded:
    """The parts, cut out of the whole message."""
    source = Source(items.get(b"BODY[]") or b"")
    contents = {part.section: source.content(part.section) for part in _wanted(plan, view)}
    return Loaded({part.section: source.text(part) for part in plan.needed(body_type(view))}, contents)


def _text(part: Part, data: bytes) -> str:
    return decode_text(data, part.charset, html=part.mime_type == "text/html")


def attachments(plan: Plan, view: MessageView, loaded: Loaded) -> list[EmailAttachment]:
    """The attachments; inline ones with their content where that was asked for."""
    html = "".join(loaded.texts.get(part.section, "") for part in plan.html) or None
    found = body.attachments(plan, html)
    if not view.load_inlines:
        return found
    return [_with_content(attachment, loaded.contents) for attachment in found]


def _with_content(attachment: EmailAttachment, contents: Mapping[str, bytes]) -> EmailAttachment:
    data = contents.get(attachment.id)
    if not attachment.inline or data is None:
        return attachment
    return attachment.model_copy(update={"content": b64encode(data).decode()})
