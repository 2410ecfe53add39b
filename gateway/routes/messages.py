"""Messages and conversations (contract: tag Messages)."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from gateway.http.parameters import Header
from gateway.http.route import Media, Route
from gateway.identity import Account
from gateway.routes.scopes import READ_MAIL, SEND_MAIL, WRITE_MAIL
from gateway.services.sending import Sending
from providers.base.collection import Page, PageRequest, Ref
from providers.base.ports import Content, MessageQuery, Messages, MessageView
from providers.base.query import parse
from providers.base.search import Search
from schemas.common import OkResponse
from schemas.mail import BodyType, EmailMessage, EmailMessagesPageNext, UpdateMessageStatusData
from schemas.outgoing import EmailSendResponse, OutgoingEmail, OutgoingEmailReply

Q = Annotated[str | None, Field(description="search expression, see the guide to mail")]
NativeProperties = Annotated[tuple[str, ...], Field(description="provider properties to return as they are")]
IdempotencyKey = Annotated[str | None, Header("Idempotency-Key")]


async def find(
    messages: Messages,
    page: PageRequest,
    q: Q = None,
    body_type: BodyType | None = None,
    include_trash_and_junk: bool = False,
    native_properties: NativeProperties = (),
) -> Page[EmailMessage]:
    """List messages, newest first.

    Full bodies only from providers that list them; others give the snippet. Check `omitted`.
    """
    view = MessageView(body_type, native_properties)
    return await messages.find(None, MessageQuery(search(q), include_trash_and_junk, view), page)


async def find_in_folder(
    folder_id: str,
    messages: Messages,
    page: PageRequest,
    q: Q = None,
    body_type: BodyType | None = None,
    native_properties: NativeProperties = (),
) -> Page[EmailMessage]:
    """List the messages of a folder, newest first."""
    view = MessageView(body_type, native_properties)
    return await messages.find(folder_id, MessageQuery(search(q), True, view), page)


async def get(
    message_id: str,
    messages: Messages,
    body_type: BodyType = BodyType.HTML,
    native_properties: NativeProperties = (),
    load_inlines: bool = False,
    strip_quoted: bool = False,
    require_thread_id: bool = False,
) -> EmailMessage:
    """Read a message.

    `loadInlines` embeds inline images, `stripQuoted` cuts quoted history. With `requireThreadId` the answer is 408 with
    `Retry-After` until the thread is known.
    """
    view = MessageView(body_type, native_properties, load_inlines, strip_quoted, require_thread_id)
    return await messages.get(Ref(message_id), view)


async def source(message_id: str, messages: Messages) -> Content:
    """Read the RFC 5322 source of a message."""
    return await messages.source(Ref(message_id))


async def attachment(message_id: str, attachment_id: str, messages: Messages) -> Content:
    """Read an attachment."""
    return await messages.attachment(Ref(message_id), attachment_id)


async def update_status(message_id: str, body: UpdateMessageStatusData, messages: Messages) -> OkResponse:
    """Mark a message as read or unread, archive it, set its keywords."""
    await messages.update(Ref(message_id), body)
    return OkResponse()


async def delete(message_id: str, messages: Messages) -> OkResponse:
    """Move a message to the trash; from there, delete it for good."""
    await messages.delete(Ref(message_id))
    return OkResponse()


async def conversation(
    thread_id: str, messages: Messages, page: PageRequest, body_type: BodyType | None = None
) -> Page[EmailMessage]:
    """List the messages of a conversation over all folders, oldest first."""
    return await messages.conversation(thread_id, MessageQuery(view=MessageView(body_type)), page)


async def send(
    body: OutgoingEmail,
    account: Account,
    messages: Messages,
    sending: Sending,
    body_type: BodyType = BodyType.HTML,
    return_ids: bool = False,
    key: IdempotencyKey = None,
) -> EmailSendResponse:
    """Send a message.

    Never sent twice: with an `Idempotency-Key` a repeated request gets the first answer.
    """
    return await sending.send(account, messages, body, body_type, return_ids=return_ids, key=key)


async def reply(
    message_id: str,
    body: OutgoingEmailReply,
    account: Account,
    messages: Messages,
    sending: Sending,
    body_type: BodyType = BodyType.HTML,
    return_ids: bool = False,
    key: IdempotencyKey = None,
) -> EmailSendResponse:
    """Answer a message; threading headers, and recipients and subject left out, come from it."""
    return await sending.reply(account, messages, Ref(message_id), body, body_type, return_ids=return_ids, key=key)


def search(q: str | None) -> Search | None:
    """The parsed search expression. Raises `Invalid` that points at what could not be understood."""
    return parse(q, now=datetime.now(UTC)) if q and q.strip() else None


_LIST, _ONE, _TAG = "/v1/email/messages", "/v1/email/messages/{messageId}", "Messages"
_PAGE = EmailMessagesPageNext
ROUTES = (
    Route("GET", _LIST, "messages", READ_MAIL, find, _PAGE, tag=_TAG),
    Route("POST", _LIST, "send", SEND_MAIL, send, EmailSendResponse, 201, tag=_TAG, once=True),
    Route("GET", _ONE, "message", READ_MAIL, get, EmailMessage, tag=_TAG, slow=True),
    Route("DELETE", _ONE, "deleteMessage", WRITE_MAIL, delete, OkResponse, tag=_TAG),
    Route("GET", f"{_ONE}/raw", "messageRaw", READ_MAIL, source, Media.TEXT, tag=_TAG),
    Route("POST", f"{_ONE}/status", "updateMessageStatus", WRITE_MAIL, update_status, OkResponse, tag=_TAG),
    Route("POST", f"{_ONE}/reply", "reply", SEND_MAIL, reply, EmailSendResponse, tag=_TAG, once=True),
    Route(
        "GET",
        f"{_ONE}/attachments/{{attachmentId}}",
        "emailAttachment",
        READ_MAIL,
        attachment,
        Media.BASE64_JSON,
        tag=_TAG,
    ),
    Route("GET", "/v1/email/conversations/{threadId}", "conversation", READ_MAIL, conversation, _PAGE, tag=_TAG),
    Route(
        "GET",
        "/v1/email/folders/{folderId}/messages",
        "folderEmails",
        READ_MAIL,
        find_in_folder,
        _PAGE,
        tag="EmailFolders",
    ),
)
