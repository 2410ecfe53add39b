"""Drafts that are to be sent later, and every change to a draft that may be one of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.identity import Account
from gateway.services import schedule_view
from gateway.services.outgoing import check_recipients, new_message_id, of_draft, outgoing, result
from gateway.store.schedules import Schedules
from gateway.store.sends import LoggedSend, SendState
from providers.base.collection import Ref
from providers.base.errors import Invalid, NotFound
from providers.base.ports import Drafts, Messages, MessageView
from schemas.mail import BodyType, EmailDraft
from schemas.outgoing import DraftSendDetails, EmailDraftSendResponse, OutgoingEmail

#: How far ahead a draft can be scheduled; and how much of the past counts as now (clocks differ, requests travel).
FARTHEST, BELATED = timedelta(days=366), timedelta(seconds=60)


@dataclass(slots=True)
class _Held:
    """A draft while it is being changed: its last send, and the id it has afterwards."""

    send: LoggedSend | None
    draft_id: str


class Scheduling:
    """Schedules drafts; reads, replaces and deletes them with their schedule."""

    def __init__(self, schedules: Schedules, max_recipients: int) -> None:
        self._schedules, self._max_recipients = schedules, max_recipients

    async def schedule(
        self, account: Account, drafts: Drafts, ref: Ref, details: DraftSendDetails | None, send_time: datetime
    ) -> EmailDraftSendResponse:
        """Have a draft sent at `send_time`, or change that time.

        Raises `Invalid` with the field's path, `NotFound`, and `TooLate` when it is being sent."""
        send_at = _checked(send_time)
        draft = await drafts.get(ref, MessageView())
        email = of_draft(draft, details)
        check_recipients(email, self._max_recipients)
        message_id = draft.message.internet_message_id or new_message_id(account, email)
        send = await self._schedules.put(account.id, ref.id, message_id, send_at)
        answer = EmailDraftSendResponse(status="Scheduled", submitted_message_id=send.message_id)
        return result(answer, email)

    async def get(
        self, account: Account, drafts: Drafts, messages: Messages, ref: Ref, view: MessageView
    ) -> EmailDraft:
        """A draft with what became of its schedule; for a while also when it was sent and is no draft any more.

        Raises `NotFound`."""
        send = await self._schedules.find(account.id, _known(ref))
        if send is None or send.send_at is None:
            return await drafts.get(ref, view)
        if send.state is SendState.SENT:
            return await schedule_view.without_draft(send, send.send_at, ref, messages, view)
        try:
            draft = await drafts.get(ref, view)
        except NotFound:
            return await schedule_view.without_draft(send, send.send_at, ref, messages, view)
        return draft.model_copy(update={"scheduled": schedule_view.scheduled(send, send.send_at)})

    async def replace(
        self, account: Account, drafts: Drafts, ref: Ref, email: OutgoingEmail, body_type: BodyType
    ) -> EmailDraft:
        """Replace a draft; its schedule follows, and keeps the Message-ID. Raises `NotFound`, and `TooLate` when it
        is being sent."""
        async with self._held(account, ref) as held:
            waits = held.send is not None and held.send.state is SendState.QUEUED
            message_id = held.send.message_id if held.send and waits else None
            draft = await drafts.update(ref, outgoing(account, email, body_type, message_id=message_id))
            held.draft_id = draft.id
        return draft

    async def delete(self, account: Account, drafts: Drafts, ref: Ref) -> None:
        """Delete a draft with its schedule. Raises `NotFound`, and `TooLate` when it is being sent."""
        async with self._held(account, ref) as held:
            await drafts.delete(ref)
            if held.send is not None:
                await self._schedules.forget(held.send)

    async def cancel(self, account: Account, ref: Ref) -> None:
        """Take the schedule back and keep the draft. Raises `NotFound`, and `TooLate` when it is being sent."""
        await self._schedules.cancel(account.id, _known(ref))

    @asynccontextmanager
    async def _held(self, account: Account, ref: Ref) -> AsyncIterator[_Held]:
        """The draft is not sent meanwhile. Should this process die, the hold ends by itself."""
        held = _Held(await self._schedules.hold(account.id, _known(ref)), ref.id)
        try:
            yield held
        finally:
            if held.send is not None:
                await self._schedules.release(held.send, held.draft_id)


def _known(ref: Ref) -> str:
    """The draft's id. Raises `NotFound` for what no database can hold, and so no draft was ever called."""
    if "\0" in ref.id:
        raise NotFound("there is no draft with this id")
    return ref.id


def _checked(send_time: datetime) -> datetime:
    now = datetime.now(UTC)
    if send_time < now - BELATED:
        raise Invalid(f"sendTime: {send_time.isoformat()} is in the past", path="sendTime")
    if send_time > now + FARTHEST:
        raise Invalid(f"sendTime: at most {FARTHEST.days} days ahead can be scheduled", path="sendTime")
    return send_time
