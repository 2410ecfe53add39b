"""Sending: every message leaves once, or it is said that nobody knows.

A send has a row that is written before the first byte goes out, with the Message-ID that the message will carry. When
the answer is lost, the sent folder is searched for it; what cannot be settled stays `unknown` and is never tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import make_msgid
from typing import TypeVar

from gateway.identity import Account
from gateway.store.sends import LoggedSend, Sends, SendState
from providers.base.collection import Ref
from providers.base.errors import Invalid, ProviderError, Uncertain
from providers.base.ports import Drafts, Messages, MessageView, Outgoing, Sent
from providers.base.reply import reply_to
from schemas.mail import BodyType
from schemas.outgoing import (
    DraftSendDetails,
    EmailDraftSendResponse,
    EmailSendError,
    EmailSendResponse,
    FailedStep,
    OutgoingEmail,
    OutgoingEmailReply,
    ProcessingStatus,
    SendResult,
    is_address,
)

# Shorter than the request's deadline: a send that takes longer goes on, its caller is told that it is uncertain.
SEND_TIMEOUT = 25.0  # seconds
_NOT_OFFERED = {"tracking": FailedStep.TRACKING, "follow_up": FailedStep.FOLLOW_UP}

R = TypeVar("R", bound=SendResult)


class Sending:
    """Sends, answers, and sends drafts. `max_recipients` counts to, cc and bcc of one message."""

    def __init__(self, log: Sends, max_recipients: int) -> None:
        self._log, self._max_recipients = log, max_recipients
        self._running: set[asyncio.Task[Sent]] = set()

    def outgoing(
        self, account: Account, email: OutgoingEmail, body_type: BodyType, answers: Ref | None = None
    ) -> Outgoing:
        """The message with the Message-ID and the date it will have, whatever happens to it."""
        sender = email.from_.address if email.from_ and email.from_.address else account.email
        domain = sender.rpartition("@")[2] if is_address(sender) else "localhost.invalid"
        message_id = make_msgid(domain=domain.encode("idna").decode() if not domain.isascii() else domain)
        return Outgoing(email, message_id, datetime.now(UTC).replace(microsecond=0), body_type, answers)

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
        """Send a message. Raises `Invalid` with the field's path, `Uncertain` when it may have left."""
        self._check_recipients(email)
        outgoing = self.outgoing(account, email, body_type, answers)
        record = await self._log.begin(account.id, outgoing.message_id, key=_of(key, "send", answers), draft_id=None)
        outgoing = Outgoing(email, record.message_id, outgoing.date, body_type, answers)
        sent = await self._once(record, messages, lambda: messages.send(outgoing))
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
        """Send a draft as it is stored. Raises as `send`, and `NotFound` when it is gone or was sent."""
        draft = (await drafts.get(ref, MessageView())).message
        email = OutgoingEmail.model_construct(
            to=draft.to, cc=draft.cc, bcc=draft.bcc, tracking=details.tracking if details else None
        )
        self._check_recipients(email)
        proposed = draft.internet_message_id or self.outgoing(account, email, BodyType.HTML).message_id
        record = await self._log.begin(account.id, proposed, key=_of(key, "draft", ref), draft_id=ref.id)
        sent = await self._once(record, messages, lambda: drafts.send(ref, record.message_id))
        return await self._response(EmailDraftSendResponse, messages, sent, email, return_ids)

    def _check_recipients(self, email: OutgoingEmail) -> None:
        if not email.recipients:
            raise Invalid("to: at least one recipient is needed in to, cc or bcc", path="to")
        total = 0
        for field in ("to", "cc", "bcc"):
            total += len(getattr(email, field) or ())
            if total > self._max_recipients:
                limit = f"{field}: a message takes at most {self._max_recipients} recipients (POSTROOM_MAX_RECIPIENTS)"
                raise Invalid(limit, path=field)

    async def _once(self, record: LoggedSend, messages: Messages, submit: Callable[[], Awaitable[Sent]]) -> Sent:
        """Submit, unless this record says that it was done before."""
        if not record.fresh:
            return await self._earlier(record, messages)
        task = asyncio.create_task(self._submit(record, messages, submit))
        self._running.add(task)  # goes on when its caller is gone: the row must be settled
        task.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait({task}, timeout=SEND_TIMEOUT)
        if not done:
            raise Uncertain("The mail server has not answered yet: the message may still leave, do not send it again")
        return await task

    async def _submit(self, record: LoggedSend, messages: Messages, submit: Callable[[], Awaitable[Sent]]) -> Sent:
        try:
            sent = await submit()
        except Uncertain as error:
            await self._log.settle(record.id, SendState.UNKNOWN, error=error.message)
            return await self._earlier(record, messages)
        except ProviderError as error:
            await self._log.settle(record.id, SendState.FAILED, error=error.message)
            raise
        await self._log.settle(record.id, SendState.SENT, sent=sent)
        return sent

    async def _earlier(self, record: LoggedSend, messages: Messages) -> Sent:
        """What became of a message that may have left: its record knows, or the sent folder does."""
        if record.state is SendState.SENT:
            return Sent(record.message_id, record.provider_id, record.thread_id)
        found = await messages.sent(record.message_id)
        if found is None:
            raise Uncertain("The answer of the mail server was lost: the message may have left, do not send it again")
        await self._log.settle(record.id, SendState.SENT, sent=found)
        return found

    async def _response(
        self, kind: type[R], messages: Messages, sent: Sent, email: OutgoingEmail, return_ids: bool
    ) -> R:
        failed = [step for name, step in _NOT_OFFERED.items() if getattr(email, name, None) is not None]
        notes = [f"{step} is not offered by this version" for step in failed]
        if return_ids and sent.id is None:
            try:
                sent = await messages.sent(sent.message_id) or sent
            except ProviderError as error:
                failed, notes = [*failed, FailedStep.RETURN_IDS], [*notes, error.message]
        notes += sent.notes
        notes += [f"{recipient} was refused: {words}" for recipient, words in sent.refused.items()]
        return kind(
            id=sent.id if return_ids else None,
            thread_id=sent.thread_id if return_ids else None,
            submitted_message_id=sent.message_id,
            processing_status=ProcessingStatus.INCOMPLETE if notes else ProcessingStatus.OK,
            processing_error=EmailSendError(failed_steps=failed, error_message="; ".join(notes)) if notes else None,
        )


def _of(key: str | None, operation: str, item: Ref | None) -> str | None:
    """A caller's idempotency key counts for one operation on one item."""
    return None if key is None else f"{operation} {item.id if item else ''} {key}"
