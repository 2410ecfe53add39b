"""Gmail's messages -> the contract's shapes, as pure functions.

Lost on the way: superstars and chat labels. `snippet` is not used (it is HTML-escaped and cut by Gmail at another
place). Lists leave out attachments and internet headers, and bodies unless asked for, and say so in `omitted`.
`important` is Gmail's own guess.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from providers.base.ports import MessageView
from providers.formats import body
from providers.formats.envelope import envelope, internet_headers
from providers.formats.text import snippet
from providers.google.labels import Labels, classifications, sys_labels
from providers.google.payload import Payload
from schemas.mail import BodyType, EmailAttachment, EmailMessage, Omitted

Texts = Mapping[str, str]  # by section
_LEFT_OUT = (Omitted.ATTACHMENTS, Omitted.INTERNET_HEADERS)  # of what lists show


def listed(
    raw: Mapping[str, Any], payload: Payload, labels: Labels, email: str, view: MessageView, texts: Texts
) -> EmailMessage:
    """A message as lists and conversations show it."""
    if view.body_type is None:
        return _message(raw, payload, labels, email, view, omitted=[Omitted.BODY, *_LEFT_OUT])
    shown = body.render(payload.plan, texts, view.body_type, strip_quoted=view.strip_quoted)
    text = _snippet(payload, texts)
    return _message(raw, payload, labels, email, view, body=shown, body_snippet=text, omitted=list(_LEFT_OUT))


def whole(
    raw: Mapping[str, Any],
    payload: Payload,
    labels: Labels,
    email: str,
    view: MessageView,
    texts: Texts,
    inlines: Mapping[str, bytes],
) -> EmailMessage:
    """A message with everything; `inlines` has the content of attachments that the text shows."""
    return _message(
        raw,
        payload,
        labels,
        email,
        view,
        body=body.render(payload.plan, texts, view.body_type or BodyType.HTML, strip_quoted=view.strip_quoted),
        body_snippet=_snippet(payload, texts),
        attachments=[_filled(item, inlines) for item in attachments(payload, texts)],
        internet_headers=internet_headers(payload.headers),
    )


def attachments(payload: Payload, texts: Texts) -> list[EmailAttachment]:
    """What is attached, without content."""
    html = "".join(texts[part.section] for part in payload.plan.html if part.mime_type == "text/html")
    return body.attachments(payload.plan, html)


def received(raw: Mapping[str, Any]) -> datetime:
    """When a message came, by Gmail's clock."""
    return datetime.fromtimestamp(int(raw.get("internalDate") or 0) / 1000, UTC)


def _message(
    raw: Mapping[str, Any], payload: Payload, labels: Labels, email: str, view: MessageView, **more: Any
) -> EmailMessage:
    ids, came = raw.get("labelIds", ()), received(raw)
    native = {name: payload.headers.text(name) for name in view.native_properties}
    return EmailMessage(
        **envelope(payload.headers),
        **more,
        id=raw["id"],
        thread_id=raw["threadId"],
        created_time=came,
        received_at=came,
        sys_labels=sys_labels(ids),
        keywords=labels.keywords(ids),
        sys_classifications=classifications(ids),
        meeting_message_method=payload.plan.method,
        has_attachments=payload.plan.has_attachments,
        folder_id=labels.folder(ids),
        native_properties={name: value for name, value in native.items() if value is not None} or None,
        web_link=f"https://mail.google.com/mail/?authuser={quote(email)}#all/{raw['id']}",
    )


def _snippet(payload: Payload, texts: Texts) -> str:
    return snippet(body.render(payload.plan, texts, BodyType.TEXT))


def _filled(item: EmailAttachment, inlines: Mapping[str, bytes]) -> EmailAttachment:
    content = inlines.get(item.id)
    return item if content is None else item.model_copy(update={"content": base64.b64encode(content).decode()})
