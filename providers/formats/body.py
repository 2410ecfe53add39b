"""Which parts of a message are its body and which its attachments. Pure: works on any `Part` tree.

The choice follows RFC 8621 section 4.1.4 (textBody, htmlBody, attachments), with the last suitable part of an
alternative taken (RFC 2046 5.1.4).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from providers.formats.inline import is_inline, referenced
from providers.formats.meeting_method import meeting_method
from providers.formats.part import Part
from providers.formats.text import html_to_text, text_to_html
from providers.formats.text import strip_quoted as without_quotes
from providers.formats.transfer import estimated_size
from schemas.mail import BodyType, EmailAttachment, MeetingMessageMethod

MAX_DEPTH = 50  # deeper parts are left out

_BODY_TYPES = frozenset(("text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown"))
_NAMES = {
    "message/rfc822": "message.eml",
    "message/delivery-status": "delivery-status.txt",
    "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat",
    "application/pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-signature": "smime.p7s",
    "application/pgp-signature": "signature.asc",
    "text/calendar": "invite.ics",
}
_CALENDARS = frozenset(("text/calendar", "application/ics"))


@dataclass(frozen=True, slots=True)
class Plan:
    """`html` and `text` are the parts that each rendering is made of, in order: where a message has a stretch in one
    type only, that part is in both. `related` has the sections that belong to an HTML part (RFC 2387)."""

    html: tuple[Part, ...]
    text: tuple[Part, ...]
    attachments: tuple[Part, ...]
    method: MeetingMessageMethod | None = None
    related: frozenset[str] = frozenset()

    def needed(self, body_type: BodyType) -> tuple[Part, ...]:
        """The parts whose text `render` wants for that type."""
        return self.html if body_type is BodyType.HTML else self.text

    @property
    def has_attachments(self) -> bool:
        """Whether anything is attached that is not merely shown within the HTML, as far as the structure tells."""
        return any(not is_inline(part, self.related, None) for part in self.attachments)


class _Choice(NamedTuple):
    html: tuple[Part, ...] = ()
    text: tuple[Part, ...] = ()
    attachments: tuple[Part, ...] = ()
    related: tuple[str, ...] = ()

    @property
    def has_html(self) -> bool:
        return any(part.mime_type == "text/html" for part in self.html)


def plan(root: Part) -> Plan:
    """Sort the parts of a message."""
    choice = _choose(root, root.disposition != "attachment", MAX_DEPTH)
    calendars = [part for part in _everything(root, MAX_DEPTH) if part.mime_type in _CALENDARS]
    methods = [method for part in calendars if (method := meeting_method(part.method))]
    attachments = choice.attachments
    if calendars and not any(part.mime_type in _CALENDARS for part in attachments):
        attachments += (calendars[-1],)  # the invitation is one of the alternatives only: it is not lost
    return Plan(choice.html, choice.text, attachments, methods[0] if methods else None, frozenset(choice.related))


def _everything(part: Part, depth: int) -> Iterator[Part]:
    yield part
    for child in part.children if depth else ():
        yield from _everything(child, depth - 1)


def _choose(part: Part, may_be_body: bool, depth: int) -> _Choice:
    if not part.mime_type.startswith("multipart/") or not part.children:
        return _leaf(part, may_be_body)
    if depth == 0:
        return _Choice()
    kind = part.mime_type.removeprefix("multipart/")
    if kind == "alternative":
        return _alternative([_choose(child, _is_shown(child), depth - 1) for child in part.children], part)
    first_only = kind in ("related", "signed", "report")
    choices = [
        _choose(child, _is_shown(child) and (not index or (not first_only and not child.name)), depth - 1)
        for index, child in enumerate(part.children)
    ]
    related = tuple(child.section for child in part.children[1:]) if kind == "related" else ()
    return _concatenated(choices, related)


def _is_shown(part: Part) -> bool:
    return part.disposition != "attachment"


def _leaf(part: Part, may_be_body: bool) -> _Choice:
    if may_be_body and part.mime_type in _BODY_TYPES:
        return _Choice((part,), (part,))
    return _Choice(attachments=(part,))


def _concatenated(choices: list[_Choice], related: tuple[str, ...] = ()) -> _Choice:
    return _Choice(
        tuple([part for choice in choices for part in choice.html]),
        tuple([part for choice in choices for part in choice.text]),
        tuple([part for choice in choices for part in choice.attachments]),
        related + tuple([section for choice in choices for section in choice.related]),
    )


def _alternative(choices: list[_Choice], part: Part) -> _Choice:
    html = next((choice.html for choice in reversed(choices) if choice.has_html), ())
    text = next((choice.text for choice in reversed(choices) if choice.text and not choice.has_html), ())
    everything = _concatenated(choices)
    versions = {
        child.section for child in part.children if child.mime_type.startswith("text/") and _is_shown(child)
    }  # other renderings of the same, such as text/calendar and text/x-amp-html, are no attachments
    attached = tuple(item for item in everything.attachments if item.section not in versions)
    return _Choice(html or text, text or html, attached, everything.related)


def render(plan: Plan, texts: Mapping[str, str], body_type: BodyType, *, strip_quoted: bool = False) -> str:
    """The body in that type from the decoded texts of `plan.needed(body_type)`, keyed by section; a missing one is
    left out. A stretch that comes in the other type only is converted."""
    pieces = [
        _converted(texts[part.section], part.mime_type, body_type)
        for part in plan.needed(body_type)
        if part.section in texts
    ]
    body = _joined_html(pieces) if body_type is BodyType.HTML else "\n".join(pieces)
    return without_quotes(body, body_type) if strip_quoted else body


def _converted(text: str, mime_type: str, body_type: BodyType) -> str:
    if body_type is BodyType.TEXT:
        return html_to_text(text) if mime_type == "text/html" else text.replace("\r\n", "\n")
    return text if mime_type == "text/html" else text_to_html(text)


def _joined_html(pieces: list[str]) -> str:
    """One document: what follows the first goes in front of its closing tag."""
    body = pieces[0] if pieces else ""
    for piece in pieces[1:]:
        end = body.lower().rfind("</body>")
        body = body + "\n" + piece if end < 0 else body[:end] + piece + body[end:]
    return body


def attachments(plan: Plan, html: str | None) -> list[EmailAttachment]:
    """What is attached, without content. Inline is what `html` shows by its Content-ID (RFC 2392), whatever the
    sender says of it; with None for `html` the structure decides."""
    shown = referenced(html) if html is not None else None
    return [
        EmailAttachment(
            id=part.section,
            name=part.name or _NAMES.get(part.mime_type),
            mime_type=part.mime_type,
            size=estimated_size(part.size, part.encoding) if part.decoded_size is None else part.decoded_size,
            inline=is_inline(part, plan.related, shown),
            content_id=part.content_id,
            content_location=part.location,
        )
        for part in plan.attachments
    ]
