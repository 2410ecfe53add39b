"""The Drafts port. A draft is a message in the drafts folder, and has the same id there."""

from datetime import UTC, datetime

from providers.base.collection import Ref
from providers.base.errors import NotFound
from providers.base.lane import blocking
from providers.base.ports import Drafts, Leaving, MessageView, Outgoing, Sent
from providers.formats.compose import compose
from providers.formats.headers import Headers
from providers.sandbox import convert, delivery
from providers.sandbox.box import Box, Letter, Role, Stored
from providers.sandbox.port import Port
from schemas.mail import EmailAddress, EmailDraft


class SandboxDrafts(Port, Drafts):
    """Replacing a draft makes a new message, as on most servers."""

    @blocking
    def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailDraft:
        with self.reading() as box:
            return _shown(box, _draft(box, ref.id), view)

    @blocking
    def create(self, parent: str | None, draft: Outgoing) -> EmailDraft:
        with self.writing() as box:
            return _shown(box, self._add(box, draft), MessageView())

    @blocking
    def update(self, ref: Ref, patch: Outgoing, etag: str | None = None) -> EmailDraft:
        with self.writing() as box:
            box.remove(_draft(box, ref.id).id)
            return _shown(box, self._add(box, patch), MessageView())

    @blocking
    def delete(self, ref: Ref, etag: str | None = None) -> None:
        with self.writing() as box:
            box.remove(_draft(box, ref.id).id)

    @blocking
    def send(self, ref: Ref, message_id: str, leaving: Leaving | None = None) -> Sent:
        now = datetime.now(UTC)
        with self.writing() as box:
            draft = _draft(box, ref.id)
            source = delivery.ready_to_send(draft.source, message_id, now)
            headers = Headers.parse(source)
            refused = delivery.post(box.db, _recipients(headers), delivery.without_bcc(source), now, leaving)
            box.remove(draft.id)
            copy = box.add(box.folder_for(Role.SENT), Letter(source, now, seen=True, keywords=draft.keywords))
            return Sent(headers.message_id or message_id, copy.id, copy.thread, refused)

    @blocking
    def locate(self, message_id: str) -> str | None:
        with self.reading() as box:
            found = box.by_message_id(message_id, box.folder_for(Role.DRAFT))
        return found.id if found else None

    def _add(self, box: Box, outgoing: Outgoing) -> Stored:
        sender = EmailAddress(name=self.mailbox.name, address=self.mailbox.email)
        source = b"".join(compose(outgoing, sender, bcc=True).chunks())
        keywords = tuple(outgoing.email.keywords or ())
        letter = Letter(source, datetime.now(UTC), seen=True, draft=True, keywords=keywords)
        return box.add(box.folder_for(Role.DRAFT), letter)


def _draft(box: Box, draft_id: str) -> Stored:
    stored = box.message(draft_id)
    if not stored.draft and box.folder(stored.folder).role is not Role.DRAFT:
        raise NotFound(f"message {draft_id!r} is no draft")
    return stored


def _shown(box: Box, stored: Stored, view: MessageView) -> EmailDraft:
    return EmailDraft(id=stored.id, message=convert.whole(stored, box.folder(stored.folder), view))


def _recipients(headers: Headers) -> list[str]:
    found = [address.address for field in ("to", "cc", "bcc") for address in headers.addresses(field)]
    return [address for address in found if address]
