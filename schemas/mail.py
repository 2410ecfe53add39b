"""Messages, folders and drafts as they are read (contract: tags Messages, Drafts, EmailFolders)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Instant, Model


class BodyType(StrEnum):
    """Rendering of bodies and descriptions."""

    HTML = "html"
    TEXT = "text"


class SysLabel(StrEnum):
    """Provider-neutral message label."""

    JUNK = "junk"
    TRASH = "trash"
    SENT = "sent"
    INBOX = "inbox"
    UNREAD = "unread"
    FLAGGED = "flagged"
    IMPORTANT = "important"
    DRAFT = "draft"


class SysClassification(StrEnum):
    """The mailbox host's own sorting of a message (Gmail tabs)."""

    PERSONAL = "personal"
    SOCIAL = "social"
    PROMOTIONS = "promotions"
    UPDATES = "updates"
    FORUMS = "forums"


class Sensitivity(StrEnum):
    """Privacy marker (RFC 2156 5.3.4)."""

    NORMAL = "normal"
    PRIVATE = "private"
    PERSONAL = "personal"
    CONFIDENTIAL = "confidential"


class MeetingMessageMethod(StrEnum):
    """Set when the message carries a meeting (RFC 5546 methods)."""

    REQUEST = "request"
    REPLY = "reply"
    CANCEL = "cancel"
    COUNTER = "counter"
    OTHER = "other"


class Omitted(StrEnum):
    """A field that this call did not load; absent data is unknown, not empty."""

    THREAD_ID = "threadId"
    BODY = "body"
    ATTACHMENTS = "attachments"
    RECIPIENTS = "recipients"
    INTERNET_HEADERS = "internetHeaders"


class EmailAddress(Model):
    """Mail participant."""

    name: str | None = None
    address: Annotated[str | None, Field(json_schema_extra={"format": "email"})] = None
    raw: Annotated[str | None, Field(description="header value as received", json_schema_extra={"readOnly": True})] = (
        None
    )


class EmailHeader(Model):
    """Internet header."""

    name: str
    value: str


class EmailAttachment(Model):
    """Attachment description; content only when inlines were requested."""

    id: str
    name: str | None = None
    mime_type: str | None = None
    size: Annotated[int | None, Field(description="decoded size in bytes; estimated from the encoded one")] = None
    inline: bool | None = None
    content_id: str | None = None
    content: Annotated[str | None, Field(description="Base64")] = None
    content_location: str | None = None


class EmailAttachmentContent(Model):
    """Attachment bytes."""

    content: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]


class EmailMessage(Model):
    """Mail message."""

    id: str
    thread_id: str | None = None
    created_time: Instant | None = None
    last_modified_time: Instant | None = None
    sent_at: Instant | None = None
    received_at: Instant | None = None
    internet_message_id: str | None = None
    subject: str | None = None
    sys_labels: list[SysLabel] | None = None
    keywords: Annotated[list[str] | None, Field(description="categories or user labels")] = None
    sys_classifications: list[SysClassification] | None = None
    sensitivity: Sensitivity | None = None
    meeting_message_method: Annotated[
        MeetingMessageMethod | None, Field(description="set when the message carries a meeting")
    ] = None
    from_: Annotated[EmailAddress | None, Field(alias="from")] = None
    to: list[EmailAddress] | None = None
    cc: list[EmailAddress] | None = None
    bcc: list[EmailAddress] | None = None
    reply_to: list[EmailAddress] | None = None
    has_attachments: bool | None = None
    body: str | None = None
    body_snippet: str | None = None
    attachments: list[EmailAttachment] | None = None
    in_reply_to: str | None = None
    references: str | None = None
    thread_index: str | None = None
    internet_headers: list[EmailHeader] | None = None
    native_properties: dict[str, str] | None = None
    folder_id: str | None = None
    web_link: str | None = None
    omitted: Annotated[
        list[Omitted] | None,
        Field(description="fields this call did not load; absent data is unknown, not empty"),
    ] = None


class EmailMessagesPageNext(Model):
    """Token page of messages."""

    next_page_token: str | None = None
    length: int
    records: list[EmailMessage]


class UpdateMessageStatusData(Model):
    """Flags to change; omitted fields stay; `keywords` replaces the set."""

    unread: bool | None = None
    archived: bool | None = None
    keywords: list[str] | None = None


class EmailFolderInfo(Model):
    """Folder or label."""

    id: str
    name: str | None = None
    full_name: Annotated[str | None, Field(description="path from the root")] = None
    is_folder: bool | None = None
    is_label: bool | None = None
    parent_id: str | None = None
    sys_label: SysLabel | None = None


class EmailFolderInfoPage(Model):
    """Folder list."""

    length: int
    records: list[EmailFolderInfo]
    next_page_token: str | None = None


class WellKnownFoldersOut(Model):
    """Marked folder ids."""

    archive: str | None = None
    sent: str | None = None


class ScheduledStatus(StrEnum):
    """State of a delayed send."""

    SCHEDULED = "scheduled"
    SENT = "sent"
    FAILED = "failed"


class ScheduledDraft(Model):
    """Delayed send job of a draft."""

    job_id: int
    send_time: Instant
    status: ScheduledStatus
    error_message: str | None = None


class EmailDraft(Model):
    """Draft with its message and delayed send job."""

    id: str
    message: EmailMessage
    scheduled: ScheduledDraft | None = None


class EmailDraftResponse(Model):
    """Created or replaced draft."""

    id: str
    web_link: str | None = None
