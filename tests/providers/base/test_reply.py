"""What an answer takes over from the message it answers."""

import pytest

from providers.base.reply import reply_subject, reply_to
from schemas.mail import EmailAddress, EmailMessage
from schemas.outgoing import OutgoingEmailReply

ANN, BOB, LIST = (EmailAddress(address=f"{name}@example.test") for name in ("ann", "bob", "list"))


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Minutes", "Re: Minutes"),
        ("Re: Minutes", "Re: Minutes"),
        ("RE: AW: Minutes", "Re: Minutes"),
        ("Re[2]: SV: Minutes", "Re: Minutes"),
        ("Antw: Minutes", "Re: Minutes"),
        ("回复：纪要", "Re: 纪要"),
        ("Fwd: Minutes", "Re: Fwd: Minutes"),
        ("Rest: of it", "Re: Rest: of it"),
        ("in: out", "Re: in: out"),
        ("", "Re:"),
    ],
)
def test_one_reply_prefix(subject: str, expected: str) -> None:
    assert reply_subject(subject) == expected


@pytest.mark.parametrize(
    ("parent", "references", "answered", "expected"),
    [
        ("<c@x>", "<a@x> <b@x>", "<b@x>", "<a@x> <b@x> <c@x>"),
        ("<c@x>", "<a@x>\r\n <b@x>", None, "<a@x> <b@x> <c@x>"),
        ("<c@x>", None, "<b@x>", "<b@x> <c@x>"),
        ("<c@x>", None, "<a@x> <b@x>", "<c@x>"),  # RFC 5322 3.6.4: only a single In-Reply-To counts
        ("<c@x>", "<a@x> <c@x>", None, "<a@x> <c@x>"),
        (None, "<a@x>", None, "<a@x>"),
        (None, None, None, None),
    ],
)
def test_threading_fields(
    parent: str | None, references: str | None, answered: str | None, expected: str | None
) -> None:
    message = EmailMessage(id="1", internet_message_id=parent, references=references, in_reply_to=answered)
    email = reply_to(message, OutgoingEmailReply(to=[ANN]), "me@example.test")
    assert (email.in_reply_to, email.references) == (parent, expected)


@pytest.mark.parametrize(
    ("message", "reply", "expected"),
    [
        (EmailMessage(id="1", from_=ANN), OutgoingEmailReply(), [ANN]),
        (EmailMessage(id="1", from_=ANN, reply_to=[LIST]), OutgoingEmailReply(), [LIST]),
        (EmailMessage(id="1", from_=ANN), OutgoingEmailReply(to=[BOB]), [BOB]),
        (EmailMessage(id="1", from_=ANN), OutgoingEmailReply(bcc=[BOB]), None),
        (EmailMessage(id="1", from_=EmailAddress(address="ME@example.test"), to=[BOB]), OutgoingEmailReply(), [BOB]),
        (EmailMessage(id="1"), OutgoingEmailReply(), []),
    ],
)
def test_recipients(message: EmailMessage, reply: OutgoingEmailReply, expected: list[EmailAddress] | None) -> None:
    assert reply_to(message, reply, "me@example.test").to == expected


def test_a_given_subject_stays() -> None:
    assert reply_to(EmailMessage(id="1", subject="a"), OutgoingEmailReply(subject="b"), "me@x.test").subject == "b"
