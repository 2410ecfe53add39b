"""Messages on their way out: what is fixed and checked before anything leaves, and what the caller is told after."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import make_msgid
from typing import TypeVar

from gateway.identity import Account
from providers.base.collection import Ref
from providers.base.errors import Invalid
from providers.base.ports import Outgoing
from schemas.mail import BodyType, EmailDraft
from schemas.outgoing import (
    DraftSendDetails,
    EmailSendError,
    FailedStep,
    OutgoingEmail,
    ProcessingStatus,
    SendResult,
    is_address,
)

_NOT_OFFERED = {"tracking": FailedStep.TRACKING, "follow_up": FailedStep.FOLLOW_UP}

R = TypeVar("R", bound=SendResult)


def outgoing(
    account: Account,
    email: OutgoingEmail,
    body_type: BodyType,
    answers: Ref | None = None,
    message_id: str | None = None,
) -> Outgoing:
    """The message with the Message-ID (a new one unless given) and the date it will have, whatever happens to it."""
    fixed = message_id or new_message_id(account, email)
    return Outgoing(email, fixed, datetime.now(UTC).replace(microsecond=0), body_type, answers)


def new_message_id(account: Account, email: OutgoingEmail) -> str:
    """A Message-ID of the sender's domain."""
    sender = email.from_.address if email.from_ and email.from_.address else account.email
    domain = sender.rpartition("@")[2] if is_address(sender) else "localhost.invalid"
    return make_msgid(domain=domain.encode("idna").decode() if not domain.isascii() else domain)


def of_draft(draft: EmailDraft, details: DraftSendDetails | None) -> OutgoingEmail:
    """A draft's recipients, and what is asked for beside the sending."""
    message, tracking = draft.message, details.tracking if details else None
    return OutgoingEmail.model_construct(to=message.to, cc=message.cc, bcc=message.bcc, tracking=tracking)


def check_recipients(email: OutgoingEmail, most: int) -> None:
    """Raises `Invalid` with the field for a message without recipients, or with more than `most` of them."""
    if not email.recipients:
        raise Invalid("to: at least one recipient is needed in to, cc or bcc", path="to")
    total = 0
    for field in ("to", "cc", "bcc"):
        total += len(getattr(email, field) or ())
        if total > most:
            raise Invalid(f"{field}: a message takes at most {most} recipients (POSTROOM_MAX_RECIPIENTS)", path=field)


def result(result: R, email: OutgoingEmail, *, failed: Sequence[FailedStep] = (), notes: Sequence[str] = ()) -> R:
    """The answer with what did not work beside the sending: `failed` steps and `notes`, and what is not offered."""
    missing = [step for name, step in _NOT_OFFERED.items() if getattr(email, name, None) is not None]
    told = [*(f"{step} is not offered by this version" for step in missing), *notes]
    error = EmailSendError(failed_steps=[*missing, *failed], error_message="; ".join(told)) if told else None
    status = ProcessingStatus.INCOMPLETE if error else ProcessingStatus.OK
    return result.model_copy(update={"processing_status": status, "processing_error": error})
