"""What is shown of a scheduled send."""

from datetime import datetime

from gateway.store.sends import LoggedSend, SendState
from providers.base.collection import Ref
from providers.base.errors import NotFound
from providers.base.ports import Messages, MessageView
from schemas.mail import EmailDraft, EmailMessage, Omitted, ScheduledDraft, ScheduledStatus

_STATUS = {
    SendState.QUEUED: ScheduledStatus.SCHEDULED,
    SendState.SENDING: ScheduledStatus.SCHEDULED,
    SendState.SENT: ScheduledStatus.SENT,
    SendState.FAILED: ScheduledStatus.FAILED,
    SendState.UNKNOWN: ScheduledStatus.FAILED,
}


def scheduled(send: LoggedSend, send_at: datetime) -> ScheduledDraft:
    """The schedule of a draft. What may have left counts as failed, as `errorMessage` says, once it is not under way
    any more."""
    status = ScheduledStatus.SCHEDULED if send.under_way else _STATUS[send.state]
    return ScheduledDraft(job_id=send.id, send_time=send_at, status=status, error_message=send.error)


async def without_draft(
    send: LoggedSend, send_at: datetime, ref: Ref, messages: Messages, view: MessageView
) -> EmailDraft:
    """What became of a scheduled draft that is none any more; the message as it was sent, where it can be found."""
    message = await _sent(send, messages, view) if send.state is not SendState.FAILED else None
    return EmailDraft(id=ref.id, message=message or _little(send, ref), scheduled=scheduled(send, send_at))


async def _sent(send: LoggedSend, messages: Messages, view: MessageView) -> EmailMessage | None:
    try:
        found = await messages.sent(send.message_id)
        return await messages.get(Ref(found.id), view) if found and found.id else None
    except NotFound:
        return None


def _little(send: LoggedSend, ref: Ref) -> EmailMessage:
    """All that the gateway itself knows of a message."""
    omitted = [Omitted.THREAD_ID, Omitted.BODY, Omitted.ATTACHMENTS, Omitted.RECIPIENTS, Omitted.INTERNET_HEADERS]
    return EmailMessage(id=send.provider_id or ref.id, internet_message_id=send.message_id, omitted=omitted)
