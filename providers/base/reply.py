"""What an answer takes over from the message it answers (RFC 5322 3.6.4)."""

import re

from schemas.mail import EmailAddress, EmailMessage
from schemas.outgoing import OutgoingEmail, OutgoingEmailReply

# "Re:" as mail programs of several languages write it, counted ones included: Re[2]:, AW:, SV:, Antw:, RIF:, Odp: ...
_PREFIX = re.compile(
    r"\s*(?:re|aw|sv|vs|antw|antwort|rif|odp|res|ynt|回复|答复|回覆|返信)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*", re.I
)


def reply_to(parent: EmailMessage, reply: OutgoingEmailReply, own: str) -> OutgoingEmail:
    """The reply as a complete message: recipients, subject and threading headers that were left out are filled in.

    `own` is the account's address: an answer to one's own sent message goes to the people it was sent to.
    """
    given = {name: getattr(reply, name) for name in reply.model_fields_set}
    if not reply.recipients:
        given["to"] = _recipients(parent, own)
    if reply.subject is None:
        given["subject"] = reply_subject(parent.subject or "")
    return OutgoingEmail.model_construct(
        **given, in_reply_to=parent.internet_message_id, references=references(parent) or None
    )


def reply_subject(subject: str) -> str:
    """`Re: ` in front, once, whatever language the earlier one was in."""
    while match := _PREFIX.match(subject):
        subject = subject[match.end() :]
    return f"Re: {subject}"


def references(parent: EmailMessage) -> str:
    """The parent's References (else its In-Reply-To, where that is a single id) and its Message-ID."""
    earlier = (parent.references or "").split() or (parent.in_reply_to or "").split()
    if not parent.references and len(earlier) > 1:
        earlier = []
    own = [parent.internet_message_id] if parent.internet_message_id else []
    return " ".join([step for step in earlier if step not in own] + own)


def _recipients(parent: EmailMessage, own: str) -> list[EmailAddress]:
    author = parent.from_.address if parent.from_ else None
    if author and author.lower() == own.lower() and parent.to and not parent.reply_to:
        return list(parent.to)
    if parent.reply_to:
        return list(parent.reply_to)
    return [parent.from_] if parent.from_ and parent.from_.address else []
