"""Mail to send, and what came of it."""

import email.policy
import uuid
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, cast

from providers.base.collection import Ref
from providers.base.errors import TooLate
from providers.base.ports import Outgoing
from schemas.mail import BodyType, EmailAddress
from schemas.outgoing import OutgoingEmail
from tests.conformance.backends import Subject, Truth
from tests.conformance.messages import eventually


class Leaving:
    """Counts how often a message is about to leave; `stop` holds it back."""

    def __init__(self, *, stop: bool = False) -> None:
        self.stop, self.calls = stop, 0

    async def __call__(self) -> None:
        self.calls += 1
        if self.stop:
            raise TooLate("not from here")


def outgoing(
    *to: str | EmailAddress,
    body_type: BodyType = BodyType.TEXT,
    message_id: str | None = None,
    answers: Ref | None = None,
    **fields: Any,
) -> Outgoing:
    """A message to these addresses; `fields` are those of the contract's OutgoingEmail."""
    people = [EmailAddress(address=person) if isinstance(person, str) else person for person in to]
    given = {"subject": "Hello", "body": "Words to send.", **fields}
    message = OutgoingEmail.model_validate({"to": people, **given})
    fixed = message_id or f"<{uuid.uuid4().hex}@postroom.example>"
    return Outgoing(message, fixed, datetime.now(UTC).replace(microsecond=0), body_type, answers)


def parsed(truth: Truth) -> EmailMessage:
    """A stored message, read by the standard library."""
    return cast(EmailMessage, email.message_from_bytes(truth.source, policy=email.policy.default))


async def arrived(box: Subject, count: int = 1) -> list[EmailMessage]:
    """The inbox once so many messages came."""

    async def look() -> list[Truth]:
        found = await box.truth("inbox")
        return found if len(found) >= count else []

    return [parsed(truth) for truth in await eventually(look)]


async def filed(box: Subject) -> EmailMessage:
    """The one message in the sent folder."""
    [truth] = await box.truth("sent")
    assert "seen" in truth.flags
    return parsed(truth)
