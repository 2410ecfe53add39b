"""Drafts (contract: tag Drafts)."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from gateway.http.route import Route
from gateway.identity import Account
from gateway.routes.messages import IdempotencyKey, NativeProperties
from gateway.routes.scopes import READ_MAIL, SEND_MAIL, WRITE_DRAFTS
from gateway.services.sending import Sending
from providers.base.collection import Ref
from providers.base.errors import Invalid
from providers.base.ports import Drafts, Messages, MessageView
from schemas.common import OkResponse
from schemas.mail import BodyType, EmailDraft, EmailDraftResponse
from schemas.outgoing import DraftSendDetails, EmailDraftSendResponse, OutgoingEmail


async def create(
    body: OutgoingEmail, account: Account, drafts: Drafts, sending: Sending, body_type: BodyType = BodyType.HTML
) -> EmailDraftResponse:
    """Store a draft."""
    draft = await drafts.create(None, sending.outgoing(account, body, body_type))
    return EmailDraftResponse(id=draft.id, web_link=draft.message.web_link)


async def get(
    draft_id: str,
    drafts: Drafts,
    body_type: BodyType = BodyType.HTML,
    native_properties: NativeProperties = (),
    load_inlines: bool = False,
) -> EmailDraft:
    """Read a draft."""
    return await drafts.get(Ref(draft_id), MessageView(body_type, native_properties, load_inlines))


async def replace(
    draft_id: str,
    body: OutgoingEmail,
    account: Account,
    drafts: Drafts,
    sending: Sending,
    body_type: BodyType = BodyType.HTML,
) -> EmailDraftResponse:
    """Replace a draft; go on with the id that is returned."""
    draft = await drafts.update(Ref(draft_id), sending.outgoing(account, body, body_type))
    return EmailDraftResponse(id=draft.id, web_link=draft.message.web_link)


async def delete(draft_id: str, drafts: Drafts) -> OkResponse:
    """Delete a draft for good."""
    await drafts.delete(Ref(draft_id))
    return OkResponse()


async def send(
    draft_id: str,
    account: Account,
    drafts: Drafts,
    messages: Messages,
    sending: Sending,
    body: DraftSendDetails | None = None,
    send_time: Annotated[AwareDatetime | None, Field(description="schedules the send when set")] = None,
    return_ids: bool = False,
    key: IdempotencyKey = None,
) -> EmailDraftSendResponse:
    """Send a draft."""
    if send_time is not None:
        raise Invalid("sendTime: scheduled sending is not offered by this version", path="sendTime")
    return await sending.send_draft(account, messages, drafts, Ref(draft_id), body, return_ids=return_ids, key=key)


_LIST, _ONE, _TAG = "/v1/email/drafts", "/v1/email/drafts/{draftId}", "Drafts"
ROUTES = (
    Route("POST", _LIST, "createDraft", WRITE_DRAFTS, create, EmailDraftResponse, tag=_TAG, once=True),
    Route("GET", _ONE, "getDraft", READ_MAIL, get, EmailDraft, tag=_TAG),
    Route("PUT", _ONE, "updateDraft", WRITE_DRAFTS, replace, EmailDraftResponse, tag=_TAG),
    Route("DELETE", _ONE, "deleteDraft", WRITE_DRAFTS, delete, OkResponse, tag=_TAG),
    Route("POST", f"{_ONE}/send", "sendDraft", SEND_MAIL, send, EmailDraftSendResponse, tag=_TAG, once=True),
)
