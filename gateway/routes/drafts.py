"""Drafts (contract: tag Drafts)."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from gateway.http.route import Route
from gateway.identity import Account
from gateway.routes.messages import IdempotencyKey, NativeProperties
from gateway.routes.scopes import READ_MAIL, SEND_MAIL, WRITE_DRAFTS
from gateway.services.outgoing import outgoing
from gateway.services.scheduling import Scheduling
from gateway.services.sending import Sending
from providers.base.collection import Ref
from providers.base.ports import Drafts, Messages, MessageView
from schemas.common import OkResponse
from schemas.mail import BodyType, EmailDraft, EmailDraftResponse
from schemas.outgoing import DraftSendDetails, EmailDraftSendResponse, OutgoingEmail


async def create(
    body: OutgoingEmail, account: Account, drafts: Drafts, body_type: BodyType = BodyType.HTML
) -> EmailDraftResponse:
    """Store a draft."""
    draft = await drafts.create(None, outgoing(account, body, body_type))
    return EmailDraftResponse(id=draft.id, web_link=draft.message.web_link)


async def get(
    draft_id: str,
    account: Account,
    drafts: Drafts,
    messages: Messages,
    scheduling: Scheduling,
    body_type: BodyType = BodyType.HTML,
    native_properties: NativeProperties = (),
    load_inlines: bool = False,
) -> EmailDraft:
    """Read a draft, or what became of one that was scheduled."""
    view = MessageView(body_type, native_properties, load_inlines)
    return await scheduling.get(account, drafts, messages, Ref(draft_id), view)


async def replace(
    draft_id: str,
    body: OutgoingEmail,
    account: Account,
    drafts: Drafts,
    scheduling: Scheduling,
    body_type: BodyType = BodyType.HTML,
) -> EmailDraftResponse:
    """Replace a draft; go on with the id that is returned. Its schedule follows."""
    draft = await scheduling.replace(account, drafts, Ref(draft_id), body, body_type)
    return EmailDraftResponse(id=draft.id, web_link=draft.message.web_link)


async def delete(draft_id: str, account: Account, drafts: Drafts, scheduling: Scheduling) -> OkResponse:
    """Delete a draft for good, and its schedule with it."""
    await scheduling.delete(account, drafts, Ref(draft_id))
    return OkResponse()


async def cancel(draft_id: str, account: Account, scheduling: Scheduling) -> OkResponse:
    """Cancel a scheduled send; the draft stays."""
    await scheduling.cancel(account, Ref(draft_id))
    return OkResponse()


async def send(
    draft_id: str,
    account: Account,
    drafts: Drafts,
    messages: Messages,
    sending: Sending,
    scheduling: Scheduling,
    body: DraftSendDetails | None = None,
    send_time: Annotated[AwareDatetime | None, Field(description="schedules the send when set")] = None,
    return_ids: bool = False,
    key: IdempotencyKey = None,
) -> EmailDraftSendResponse:
    """Send a draft now or later."""
    if send_time is not None:
        return await scheduling.schedule(account, drafts, Ref(draft_id), body, send_time)
    return await sending.send_draft(account, messages, drafts, Ref(draft_id), body, return_ids=return_ids, key=key)


_LIST, _ONE, _TAG = "/v1/email/drafts", "/v1/email/drafts/{draftId}", "Drafts"
ROUTES = (
    Route("POST", _LIST, "createDraft", WRITE_DRAFTS, create, EmailDraftResponse, tag=_TAG, once=True),
    Route("GET", _ONE, "getDraft", READ_MAIL, get, EmailDraft, tag=_TAG),
    Route("PUT", _ONE, "updateDraft", WRITE_DRAFTS, replace, EmailDraftResponse, tag=_TAG),
    Route("DELETE", _ONE, "deleteDraft", WRITE_DRAFTS, delete, OkResponse, tag=_TAG),
    Route("POST", f"{_ONE}/send", "sendDraft", SEND_MAIL, send, EmailDraftSendResponse, tag=_TAG, once=True),
    Route("DELETE", f"{_ONE}/send", "cancelDraftSend", SEND_MAIL, cancel, OkResponse, tag=_TAG),
)
