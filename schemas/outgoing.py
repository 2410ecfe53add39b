"""Mail that a caller hands in: checked here, so that nothing malformed reaches a provider.

Addresses are RFC 5322 addr-specs with optional internationalised parts (RFC 6531); everything that becomes a header
line is refused when it holds a line break or another control character.
"""

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from schemas.base import Base64, FieldName, HeaderText, Model, Text
from schemas.mail import EmailAddress, EmailHeader

# RFC 5322 3.4.1 addr-spec, without comments and obsolete forms; U+0080 and above by RFC 6531 3.3.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_LOCAL = re.compile(rf'(?:{_ATEXT}(?:\.{_ATEXT})*|"(?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*")\Z')
_LABEL = r"[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\u0080-\U0010ffff-]{0,61}[A-Za-z0-9\u0080-\U0010ffff])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[!-Z^-~]+\])\Z")
_MIME_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}\Z")  # RFC 6838 4.2
_ONE_LINE = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")

#: Header fields that the gateway writes itself; a caller's `xHeaders` may not replace them.
RESERVED_FIELDS = frozenset(
    "from sender to cc bcc reply-to subject date message-id in-reply-to references mime-version return-path received "
    "content-type content-transfer-encoding content-disposition content-id".split()
)


def is_address(value: str) -> bool:
    """Whether `value` is an addr-spec that can be written into a header and an SMTP envelope."""
    local, at, domain = value.rpartition("@")
    return bool(at and len(local) <= 64 and len(value) <= 254 and _LOCAL.match(local) and _DOMAIN.match(domain))


def _check_mailbox(value: EmailAddress) -> EmailAddress:
    if not value.address:
        raise ValueError("address: is missing")
    if not is_address(value.address):
        raise ValueError(f"address: {value.address[:80]!r} is not an e-mail address")
    if value.name and (match := _ONE_LINE.search(value.name)):
        raise ValueError(f"name: control character U+{ord(match[0]):04X} at position {match.start()}")
    return value


def _check_extra_header(value: EmailHeader) -> EmailHeader:
    if value.name.lower() in RESERVED_FIELDS:
        raise ValueError(f"name: {value.name!r} is written by the gateway and cannot be set here")
    return value


def _check_mime_type(value: str) -> str:
    if not _MIME_TYPE.match(value):
        raise ValueError("must be a media type such as text/plain (RFC 6838 4.2)")
    return value


Mailbox = Annotated[EmailAddress, AfterValidator(_check_mailbox)]


class ExtraHeader(EmailHeader):
    """Internet header."""

    name: FieldName
    value: HeaderText


class OutgoingEmailAttachment(Model):
    """Attachment to send; `content` is canonical Base64 once checked."""

    inline: bool | None = None
    name: HeaderText | None = None
    mime_type: Annotated[str, AfterValidator(_check_mime_type)] | None = None
    content_id: HeaderText | None = None
    content: Annotated[Base64, Field(json_schema_extra={"contentEncoding": "base64"})] = ""


class InvitationPart(OutgoingEmailAttachment):
    """An iTIP message (RFC 6047) beside the text of a mail. Of the gateway's own making: no caller can hand one in."""

    method: Literal["REQUEST", "REPLY", "CANCEL"]


class OutEmailTrack(Model):
    """Tracking switches for one outgoing message."""

    thread_replies: Annotated[bool | None, Field(description="watch the thread for replies and bounces")] = None
    opens: Annotated[bool | None, Field(description="insert an open pixel")] = None
    track_opens_after_send_delay: Annotated[
        int, Field(ge=0, description="seconds during which opens right after sending do not count")
    ] = 5
    context: Annotated[Text | None, Field(description="free client text stored with the tracking record")] = None
    links: Annotated[bool | None, Field(description="rewrite links to count clicks")] = None
    custom_domain_alias: Annotated[str | None, Field(description="host used in tracking URLs")] = None


class FollowUpOutgoing(Model):
    """Starts a follow-up rule together with the message."""

    rule_id: int
    action_vars: Annotated[dict[str, str] | None, Field(description="template variables")] = None


class OutgoingEmailReply(Model):
    """Reply; threading headers come from the message replied to."""

    from_: Annotated[Mailbox | None, Field(alias="from")] = None
    subject: HeaderText | None = None
    body: Text | None = None
    to: list[Mailbox] | None = None
    cc: list[Mailbox] | None = None
    bcc: list[Mailbox] | None = None
    reply_to: list[Mailbox] | None = None
    x_headers: Annotated[
        list[Annotated[ExtraHeader, AfterValidator(_check_extra_header)]] | None,
        Field(description="additional headers"),
    ] = None
    attachments: list[OutgoingEmailAttachment] | None = None
    tracking: OutEmailTrack | None = None
    follow_up: FollowUpOutgoing | None = None

    @property
    def recipients(self) -> list[EmailAddress]:
        """Everybody in the envelope: to, cc and bcc, in this order."""
        return [*(self.to or ()), *(self.cc or ()), *(self.bcc or ())]


class OutgoingEmail(OutgoingEmailReply):
    """Message to send or to store as a draft."""

    in_reply_to: HeaderText | None = None
    references: HeaderText | None = None
    keywords: list[str] | None = None


class ProcessingStatus(StrEnum):
    """Incomplete = sent, but a follow-on step failed."""

    OK = "Ok"
    INCOMPLETE = "Incomplete"


class FailedStep(StrEnum):
    """A step after the submission."""

    TRACKING = "tracking"
    FOLLOW_UP = "followUp"
    KEYWORDS = "keywords"
    RETURN_IDS = "returnIds"


class EmailSendError(Model):
    """Steps that failed after the message had already been submitted."""

    failed_steps: list[FailedStep]
    error_message: str | None = None


class SendResult(Model):
    """What is known of a message that left or will."""

    id: Annotated[str | None, Field(description="message id, only if it could be found")] = None
    submitted_message_id: Annotated[
        str | None, Field(description="Message-Id chosen for an SMTP submission; some servers replace it")
    ] = None
    thread_id: str | None = None
    tracking_id: str | None = None
    processing_status: ProcessingStatus | None = None
    processing_error: EmailSendError | None = None


class EmailSendResponse(SendResult):
    """Result of sending."""

    status: Literal["Ok"] = "Ok"


class EmailDraftSendResponse(SendResult):
    """Result of sending or scheduling a draft."""

    status: Literal["Ok", "Scheduled"] = "Ok"


class DraftSendDetails(Model):
    """Options for sending a draft."""

    tracking: OutEmailTrack | None = None


class EmailFolderCreate(Model):
    """New folder."""

    name: Annotated[HeaderText, Field(min_length=1, max_length=255)]
    parent_id: str | None = None


class WellKnownFoldersIn(Model):
    """Folder ids to mark; null clears a mark, an absent field stays."""

    archive: str | None = None
    sent: str | None = None
