"""The sending verbs of the messages of an account."""

from dataclasses import replace

from providers.base.errors import ProviderError
from providers.base.lane import Lane, blocking
from providers.base.ports import Outgoing, Sent
from providers.base.provider import Mailbox, ProviderSettings
from providers.formats.compose import compose
from providers.imap import filing, ids
from providers.imap.grant import ImapGrant
from providers.imap.outbox import Outbox, Parcel
from providers.imap.pool import Pool
from providers.imap.smtp import Envelope
from schemas.mail import EmailAddress


class Submission:
    """A part of `ImapMessages`, which has these attributes."""

    lane: Lane
    pool: Pool
    mailbox: Mailbox
    grant: ImapGrant
    settings: ProviderSettings

    @blocking
    def send(self, outgoing: Outgoing) -> Sent:
        """See `Messages.send`."""
        outbox = self._outbox()
        if outgoing.email.keywords:
            outbox.check_keywords(outgoing.email.keywords)
        sent = outbox.deliver(composed_parcel(outgoing, self.mailbox))
        if outgoing.answers is None:
            return sent
        try:
            self._mark_answered(outgoing.answers.id)
        except ProviderError as error:
            note = f"the message was sent, but the one it answers could not be marked: {error.message}"
            return replace(sent, notes=(*sent.notes, note))
        return sent

    @blocking
    def sent(self, message_id: str) -> Sent | None:
        """See `Messages.sent`."""
        place = self._outbox().find(message_id)
        return Sent(message_id, str(place)) if place else None

    def _outbox(self) -> Outbox:
        return Outbox(self.pool, self.mailbox, self.grant, self.settings)

    def _mark_answered(self, ref_id: str) -> None:
        place = ids.message_id(ref_id)
        with self.pool.borrow(place.folder) as connection:
            filing.open_message(connection, place)
            filing.store(connection, place.uid, ["\\Answered"], ())


def sender_of(mailbox: Mailbox) -> EmailAddress:
    """Who writes, where the message does not say otherwise."""
    return EmailAddress(name=mailbox.name, address=mailbox.email)


def composed_parcel(outgoing: Outgoing, mailbox: Mailbox) -> Parcel:
    """The message in both of its forms. The envelope's sender is the account: servers let nobody else be it."""
    wire = compose(outgoing, sender_of(mailbox), bcc=False)
    copy = compose(outgoing, sender_of(mailbox), bcc=True)
    envelope = Envelope(
        sender=mailbox.email,
        recipients=wire.recipients,
        size=wire.size,
        smtputf8=wire.needs_smtputf8,
        eight_bit=wire.eight_bit,
    )
    return Parcel(outgoing.message_id, envelope, wire.chunks, copy.size, copy.chunks, outgoing.email.keywords or ())
