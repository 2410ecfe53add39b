"""What an answer takes over from the message it answers (RFC 5322 3.6.4)."""

import re

from schemas.mail import EmailAddress, EmailMessage
from schemas.outgoing import OutgoingEmail, OutgoingEmailReply

# "Re:" as mail programs of many languages write it, counted or not, with either colon: Re[2]:, AW:, SV:, 回复：
_PREFIX = re.compile(
    r"\s*(?:re|aw|antw|antwort|sv|vs|odp|ref|rif|res|r|ynt|bls|atb|vá|回复|回覆|答复|返信|回信|답장|отв|ответ|απ)"
    r"\s?(?:\[\d+\]|\(\d+\)|\^\d+)?\s?[:\uff1a]\s*",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(r"<[^<>\s]+>")


def reply_to(parent: EmailMessage, reply: OutgoingEmailReply, own: str) -> OutgoingEmail:
    """The reply as a complete message: recipients, subject and threading headers that were left out are filled in.

    `own` is the account's address: an answer to one's own sent message goes to the people it was sent to.
    """
    given = {name: getattr(reply, name) for name in reply.model_fields_set}
    if not reply.recipients:
        given["to"] = _recipients(parent, own)
    if reply.subject is None:
        given["subject"] = reply_subject(parent.subject or "")
    return OutgoingEmail.model_construct(**given, in_reply_to=parent.internet_message_id, references=references(parent))


def reply_subject(subject: str) -> str:
    """One `Re:` in front, whatever reply prefixes stood there before."""
    rest = subject.strip()
    while match := _PREFIX.match(rest):
        rest = rest[match.end() :]
    return f"Re: {rest}".rstrip()


def references(parent: EmailMessage) -> str | None:
    """The parent's References (else its In-Reply-To, where that is a single id), then its Message-ID."""
    answered = _MESSAGE_ID.findall(parent.in_reply_to or "")
    earlier = _MESSAGE_ID.findall(parent.references or "") or (answered if len(answered) == 1 else [])
    own = _MESSAGE_ID.findall(parent.internet_message_id or "")[:1]
    return " ".join([item for item in dict.fromkeys(earlier) if item not in own] + own) or None


def _recipients(parent: EmailMessage, own: str) -> list[EmailAddress]:
    author = parent.from_.address if parent.from_ else None
    if author and author.lower() == own.lower() and parent.to and not parent.reply_to:
        return list(parent.to)
    if parent.reply_to:
        return list(parent.reply_to)
    return [parent.from_] if parent.from_ and parent.from_.address else []
