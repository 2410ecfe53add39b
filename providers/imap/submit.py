"""The sending verbs of the messages of an account."""

from dataclasses import replace

from providers.base.errors import Invalid, ProviderError
from providers.base.lane import Lane, blocking
from providers.base.ports import Leaving, Outgoing, Sent
from providers.base.provider import Mailbox
from providers.formats.compose import Composed, compose
from providers.imap import filing, ids
from providers.imap.account import Account
from providers.imap.ids import MessageId
from providers.imap.outbox import Outbox, Parcel
from providers.imap.smtp import Envelope
from schemas.mail import EmailAddress


class Submission:
    """A part of `ImapMessages`, which sets the attributes."""

    account: Account
    lane: Lane

    @blocking
    def send(self, outgoing: Outgoing, leaving: Leaving | None = None) -> Sent:
        """See `Messages.send`."""
        outbox = Outbox(self.account)
        if outgoing.email.keywords:
            outbox.check_keywords(outgoing.email.keywords)
        sent = outbox.deliver(composed_parcel(outgoing, self.account.mailbox), leaving)
        if outgoing.answers is None:
            return sent
        try:
            self.account.at(ids.message_id(outgoing.answers.id), self._mark_answered)
        except ProviderError as error:
            note = f"the message was sent, but the one it answers could not be marked: {error.message}"
            return replace(sent, notes=(*sent.notes, note))
        return sent

    @blocking
    def sent(self, message_id: str) -> Sent | None:
        """See `Messages.sent`."""
        place = Outbox(self.account).find(message_id)
        return Sent(message_id, str(place)) if place else None

    def _mark_answered(self, place: MessageId) -> None:
        with self.account.pool.borrow(place.folder) as connection:
            filing.open_message(connection, place)
            filing.store(connection, place.uid, ["\\Answered"], ())


def sender_of(mailbox: Mailbox) -> EmailAddress:
    """Who writes, where the message does not say otherwise."""
    return EmailAddress(name=mailbox.name, address=mailbox.email)


def composed(outgoing: Outgoing, mailbox: Mailbox, *, bcc: bool) -> Composed:
    """The message as octets. Raises `Invalid` for what cannot be written into a header."""
    try:
        return compose(outgoing, sender_of(mailbox), bcc=bcc)
    except ValueError as error:
        raise Invalid(f"the message cannot be written: {error}") from error


def composed_parcel(outgoing: Outgoing, mailbox: Mailbox) -> Parcel:
    """The message in both of its forms; the envelope's sender is the account, whoever it is from. Raises `Invalid`."""
    wire, copy = composed(outgoing, mailbox, bcc=False), composed(outgoing, mailbox, bcc=True)
    envelope = Envelope(
        sender=wire.envelope_from,
        recipients=wire.recipients,
        size=wire.size,
        smtputf8=wire.needs_smtputf8,
        eight_bit=wire.eight_bit,
    )
    return Parcel(outgoing.message_id, envelope, wire.chunks, copy.size, copy.chunks, outgoing.email.keywords or ())
