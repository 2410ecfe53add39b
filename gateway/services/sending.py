"""Sending at once: every message leaves once, or it is said that nobody knows.

A send has a row that is written before the first byte goes out, with the Message-ID that the message will carry. When
the answer is lost, the sent folder is searched for it; what cannot be settled stays `unknown` and is never tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from gateway.identity import Account
from gateway.services.outgoing import check_recipients, new_message_id, of_draft, outgoing, result
from gateway.services.submission import Submissions
from gateway.store.sends import LoggedSend, SendState
from providers.base.collection import Ref
from providers.base.errors import ProviderError, TooLate, Uncertain
from providers.base.ports import Drafts, Leaving, Messages, MessageView, Sent
from providers.base.reply import reply_to
from schemas.mail import BodyType
from schemas.outgoing import (
    DraftSendDetails,
    EmailDraftSendResponse,
    EmailSendResponse,
    FailedStep,
    OutgoingEmail,
    OutgoingEmailReply,
    SendResult,
)

# Shorter than the request's deadline: a send that takes longer goes on, its caller is told that it is uncertain.
SEND_TIMEOUT = 25.0  # seconds
_LOST = "The answer of the mail server was lost: the message may have left, do not send it again"

R = TypeVar("R", bound=SendResult)
Submit = Callable[[Leaving], Awaitable[Sent]]


class Sending:
    """Sends, answers, and sends drafts. `max_recipients` counts to, cc and bcc of one message."""

    def __init__(self, submissions: Submissions, max_recipients: int) -> None:
        self._submissions, self._max_recipients = submissions, max_recipients

    async def send(
        self,
        account: Account,
        messages: Messages,
        email: OutgoingEmail,
        body_type: BodyType,
        *,
        return_ids: bool = False,
        key: str | None = None,
        answers: Ref | None = None,
    ) -> EmailSendResponse:
        """Send a message. Raises `Invalid` with the field's path, `Uncertain` when it may have left, `TooLate` when
        it is being sent."""
        check_recipients(email, self._max_recipients)
        proposed = new_message_id(account, email)
        record = await self._submissions.sends.begin(account.id, proposed, key=_of(key, "send", answers))
        message = outgoing(account, email, body_type, answers, record.message_id)
        sent = await self._once(record, messages, lambda leaving: messages.send(message, leaving))
        return await self._response(EmailSendResponse, messages, sent, email, return_ids)

    async def reply(
        self,
        account: Account,
        messages: Messages,
        parent: Ref,
        reply: OutgoingEmailReply,
        body_type: BodyType,
        *,
        return_ids: bool = False,
        key: str | None = None,
    ) -> EmailSendResponse:
        """Answer `parent`. Raises as `send`, and `NotFound` when there is no such message."""
        answered = await messages.get(parent, MessageView())
        email = reply_to(answered, reply, account.email)
        return await self.send(account, messages, email, body_type, return_ids=return_ids, key=key, answers=parent)

    async def send_draft(
        self,
        account: Account,
        messages: Messages,
        drafts: Drafts,
        ref: Ref,
        details: DraftSendDetails | None,
        *,
        return_ids: bool = False,
        key: str | None = None,
    ) -> EmailDraftSendResponse:
        """Send a draft as it is stored, also one that was scheduled for later. Raises as `send`, and `NotFound` when
        it is gone or was sent."""
        draft = await drafts.get(ref, MessageView())
        email = of_draft(draft, details)
        check_recipients(email, self._max_recipients)
        proposed = draft.message.internet_message_id or new_message_id(account, email)
        key = _of(key, "draft", ref)
        record = await self._submissions.sends.begin(account.id, proposed, key=key, draft_id=ref.id)
        sent = await self._once(record, messages, lambda leaving: drafts.send(ref, record.message_id, leaving))
        return await self._response(EmailDraftSendResponse, messages, sent, email, return_ids)

    async def _once(self, record: LoggedSend, messages: Messages, submit: Submit) -> Sent:
        """Submit, unless this record says that it was done before."""
        if not record.fresh:
            return await self._earlier(record, messages)
        task = self._submissions.start(self._submit(record, messages, submit))
        done, _ = await asyncio.wait({task}, timeout=SEND_TIMEOUT)
        if not done:
            raise Uncertain("The mail server has not answered yet: the message may still leave, do not send it again")
        return await task

    async def _submit(self, record: LoggedSend, messages: Messages, submit: Submit) -> Sent:
        try:
            sent = await submit(partial(self._submissions.sends.leaving, record, record.message_id))
        except Uncertain as error:
            await self._submissions.uncertain(record, error)
            return await self._look(record, messages)
        except ProviderError as error:
            await self._submissions.failed(record, error.message)
            raise
        await self._submissions.sent(record, sent)
        return sent

    async def _earlier(self, record: LoggedSend, messages: Messages) -> Sent:
        """What became of a message that was begun before."""
        if record.state is SendState.SENT:
            return Sent(record.message_id, record.provider_id, record.thread_id)
        if record.state is SendState.SENDING:
            raise TooLate("The message is being sent at this moment: do not send it again")
        return await self._look(record, messages)

    async def _look(self, record: LoggedSend, messages: Messages) -> Sent:
        """What became of a message that may have left: the sent folder knows."""
        try:
            found = await messages.sent(record.message_id)
        except ProviderError as error:  # a 503 would have the caller send again
            raise Uncertain(_LOST, original=error.original) from error
        if found is None:
            raise Uncertain(_LOST)
        await self._submissions.sent(record, found)
        return found

    async def _response(
        self, kind: type[R], messages: Messages, sent: Sent, email: OutgoingEmail, return_ids: bool
    ) -> R:
        failed: list[FailedStep] = []
        notes = [*sent.notes, *(f"{recipient} was refused: {words}" for recipient, words in sent.refused.items())]
        if return_ids and sent.id is None:
            try:
                sent = await messages.sent(sent.message_id) or sent
            except ProviderError as error:
                failed, notes = [FailedStep.RETURN_IDS], [error.message, *notes]
        answer = kind(submitted_message_id=sent.message_id)
        if return_ids:
            answer = kind(submitted_message_id=sent.message_id, id=sent.id, thread_id=sent.thread_id)
        return result(answer, email, failed=failed, notes=notes)


def _of(key: str | None, operation: str, item: Ref | None) -> str | None:
    """A caller's idempotency key counts for one operation on one item."""
    return None if key is None else f"{operation} {item.id if item else ''} {key}"
