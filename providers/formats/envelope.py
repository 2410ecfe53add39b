"""What the headers alone say of a message, as the contract wants it."""

from typing import Any

from providers.formats.headers import Headers
from schemas.mail import EmailHeader, Sensitivity

#: The fields that `envelope` and `is_important` read: fetch these for a list.
FIELDS = (
    "Date", "Subject", "From", "To", "Cc", "Bcc", "Reply-To", "Message-ID", "In-Reply-To", "References",
    "Thread-Index", "Sensitivity", "Importance", "X-Priority", "Priority",
)  # fmt: skip

_SENSITIVITY = {
    "normal": Sensitivity.NORMAL,
    "personal": Sensitivity.PERSONAL,
    "private": Sensitivity.PRIVATE,
    "company-confidential": Sensitivity.CONFIDENTIAL,
    "confidential": Sensitivity.CONFIDENTIAL,
}  # RFC 2156 5.3.4


def envelope(headers: Headers) -> dict[str, Any]:
    """Keyword arguments for `EmailMessage`. A field that the message lacks is None, a list of addresses empty."""
    senders = headers.addresses("from")
    answered, references = headers.in_reply_to, headers.raw("references")
    thread_index = headers.raw("thread-index")
    return {
        "subject": headers.text("subject"),
        "from_": senders[0] if senders else None,
        "to": headers.addresses("to"),
        "cc": headers.addresses("cc"),
        "bcc": headers.addresses("bcc"),
        "reply_to": headers.addresses("reply-to"),
        "sent_at": headers.date("date"),
        "internet_message_id": headers.message_id,
        "in_reply_to": answered[0] if answered else None,
        "references": " ".join(references.split()) if references else None,
        "thread_index": "".join(thread_index.split()) if thread_index else None,
        "sensitivity": _SENSITIVITY.get((headers.raw("sensitivity") or "").strip().lower()),
    }


def is_important(headers: Headers) -> bool:
    """Whether the sender marked it so: Importance and Priority (RFC 2156 5.3), X-Priority of older programs."""
    return (
        _word(headers, "importance") == "high"
        or _word(headers, "priority") == "urgent"
        or _word(headers, "x-priority")[:1] in ("1", "2")
    )


def internet_headers(headers: Headers) -> list[EmailHeader]:
    """Every field, decoded, in its order."""
    return [EmailHeader(name=name, value=value) for name, value in headers.items()]


def _word(headers: Headers, name: str) -> str:
    return (headers.raw(name) or "").strip().lower()
