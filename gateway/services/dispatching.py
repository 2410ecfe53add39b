"""The pump that sends what was scheduled, and finds out what became of what nobody settled.

Nothing is sent twice: `sending` means that nothing has left, so the send of a process that died may be tried again;
`unknown` means that the message may have left, and is only ever looked for in the sent folder.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

from gateway.services.sessions import Sessions
from gateway.services.submission import Submissions
from gateway.store.due_sends import PATIENCE, Claimed, DueSends
from gateway.work.pump import Pump
from providers.base.collection import Ref, verbs
from providers.base.errors import NotFound, ProviderError, Retryable, Unauthorized, Uncertain, Unsupported
from providers.base.ports import Drafts, Messages, MessageView, Sent
from providers.base.provider import Session
from schemas.mail import EmailDraft

_FIRST_DELAY, _LAST_DELAY = timedelta(seconds=30), timedelta(minutes=30)
_MAY_HAVE_LEFT = (
    "The message may have left: the gateway stopped, or lost the answer, while it was being sent. It is looked for in "
    "the sent folder and never sent again by itself"
)
_TOO_LATE = "The gateway did not run, or could not send, for a day from the time on: nothing was sent"
_GONE = "The draft does not exist any more: it was deleted or sent by another program"


class Dispatching:
    """Sends and reconciles."""

    def __init__(self, submissions: Submissions, due: DueSends, sessions: Sessions) -> None:
        self._submissions, self._due, self._sessions = submissions, due, sessions

    def pump(self) -> Pump:
        """Keyed by the send."""
        return Pump("send", self._due.due, self.run, every=2.0)

    async def run(self, key: int) -> None:
        """Do what is due for one send. What was begun goes on when this is cancelled."""
        await self._due.recover(key)
        if claimed := await self._due.claim(key):
            await (self._give_up(claimed) if _belated(claimed) else self._submissions.wait(self._send(claimed)))
        elif claimed := await self._due.uncertain(key):
            await self._look(claimed)

    async def _give_up(self, claimed: Claimed) -> None:
        await self._submissions.failed(claimed.send, _TOO_LATE)

    async def _send(self, claimed: Claimed) -> None:
        send, keep = claimed.send, self._submissions
        try:
            async with self._sessions.use(claimed.account) as session:
                sent = await self._submit(claimed, *_ports(session))
        except Uncertain as error:
            await keep.uncertain(send, error)
        except NotFound:
            await keep.failed(send, _GONE)
        except ProviderError as error:
            delay = _delay(claimed, error)
            await (keep.failed(send, _words(error)) if delay is None else keep.later(send, error, delay))
        else:
            await keep.sent(send, sent)

    async def _submit(self, claimed: Claimed, messages: Messages, drafts: Drafts) -> Sent:
        """The draft as it is now, unless the sent folder has it already."""
        send = claimed.send
        if send.attempt > 1 and (found := await messages.sent(send.message_id)):
            await self._tidy(claimed, drafts)
            return found
        draft = await _present(drafts, claimed)
        message_id = draft.message.internet_message_id or send.message_id
        leaving = partial(self._submissions.sends.leaving, send, message_id)
        return await drafts.send(Ref(draft.id), message_id, leaving)

    async def _look(self, claimed: Claimed) -> None:
        try:
            async with self._sessions.use(claimed.account) as session:
                messages, drafts = _ports(session)
                found = await messages.sent(claimed.send.message_id)
                if found is not None:
                    await self._tidy(claimed, drafts)
        except ProviderError:  # the next look may tell
            found = None
        if found is None:
            await self._due.not_found(claimed.send, _MAY_HAVE_LEFT)
        else:
            await self._submissions.sent(claimed.send, found)

    async def _tidy(self, claimed: Claimed, drafts: Drafts) -> None:
        """The message was sent, but whoever sent it did not come to remove its draft."""
        try:
            if claimed.send.draft_id is not None:
                await drafts.delete(Ref(claimed.send.draft_id))
        except ProviderError:  # mostly `NotFound`; a draft too many is no harm that could justify another error
            pass


def _ports(session: Session) -> tuple[Messages, Drafts]:
    if session.messages is None or session.drafts is None:
        raise Unsupported("This account's provider has no drafts")
    return session.messages, session.drafts


async def _present(drafts: Drafts, claimed: Claimed) -> EmailDraft:
    """The draft, also where another program replaced it by one of the same Message-ID. Raises `NotFound`."""
    try:
        return await drafts.get(Ref(claimed.send.draft_id or ""), MessageView())
    except NotFound:
        moved = await drafts.locate(claimed.send.message_id) if "locate" in verbs(drafts) else None
        if moved is None:
            raise
    return await drafts.get(Ref(moved), MessageView())


def _delay(claimed: Claimed, error: ProviderError) -> timedelta | None:
    """How long to wait until the next attempt; None when there is to be none."""
    if not isinstance(error, (Retryable, Unauthorized)) or getattr(error, "final", False):
        return None
    asked = timedelta(seconds=getattr(error, "retry_after", None) or 0)
    delay = max(asked, min(_FIRST_DELAY * 2 ** min(claimed.send.attempt - 1, 10), _LAST_DELAY))
    return None if _belated(claimed, delay) else delay


def _belated(claimed: Claimed, delay: timedelta = timedelta()) -> bool:
    """Whether it is too late for an attempt after that delay."""
    due = claimed.send.send_at or claimed.send.updated_at
    return datetime.now(UTC) + delay > due + PATIENCE


def _words(error: ProviderError) -> str:
    return f"{error.message} (tried for a day)" if isinstance(error, Retryable) else error.message
