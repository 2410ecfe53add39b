"""Mail under the ids that were first given out, whatever the provider calls it now.

IMAP names a message by its place, and a move gives it another name. Ids that come in are translated to the provider's,
those that go out to the ones that callers know, with one query for each call. In accounts where nothing was ever
renamed all names are the provider's own, and nothing is asked. `changes` stays in the provider's names: the change log
keeps both.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar

from gateway.services.own_writes import telling
from gateway.store.aliases import Aliases, Name
from providers.base.collection import Delta, Page, PageRequest, Ref
from providers.base.errors import NotFound
from providers.base.ports import Content, Drafts, Leaving, MessageQuery, Messages, MessageView, Outgoing, Sent
from providers.base.provider import DirectAnswer, DirectRequest, Session
from schemas.mail import EmailDraft, EmailMessage, UpdateMessageStatusData
from schemas.outgoing import OutgoingEmail

MAIL = "messages"  # drafts are messages too


class Record(Protocol):
    """A record that can be shown under another id."""

    @property
    def id(self) -> str: ...

    def model_copy(self, *, update: Mapping[str, Any]) -> Self: ...


R = TypeVar("R", bound=Record)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the items of one port of an account; unless `known`, none of them was ever renamed, and `first` is
    called when one is."""

    aliases: Aliases
    account_id: int
    port: str = MAIL
    known: bool = True
    first: Callable[[], None] = lambda: None

    async def of(self, ids: Sequence[str]) -> Mapping[str, Name]:
        """By the ids that a caller gave."""
        if not self.known or not ids:
            return {item: Name(item, item) for item in ids}
        return await self.aliases.names(self.account_id, self.port, ids)

    async def one(self, item: str) -> Name:
        """The names of one item."""
        return (await self.of([item]))[item]

    async def shown(self, records: Iterable[R]) -> list[R]:
        """Records of the provider under the ids that callers know."""
        found = list(records)
        if not self.known or not found:
            return found
        ids = await self.aliases.shown(self.account_id, self.port, [record.id for record in found])
        return [called(record, ids.get(record.id, record.id)) for record in found]

    async def kept(self, name: Name, record: R) -> R:
        """The record of an item under the id that callers know, also when the provider calls it otherwise from now."""
        shown = name.shown
        if record.id != name.native:
            shown = await self.aliases.rename(self.account_id, self.port, name, record.id)
            if not self.known:
                self.first()
        return called(record, shown)

    async def read(self, read: Callable[[Sequence[str]], Awaitable[Sequence[R]]], ids: Sequence[str]) -> list[R]:
        """The records of those that exist, in order and under the very ids that were asked for."""
        names = await self.of(ids)
        found = {record.id: record for record in await read(list({names[item].native: None for item in ids}))}
        if back := [item for item in ids if names[item].native not in found and names[item].native != item]:
            found |= {record.id: record for record in await read(back)}
        shown = {item: found.get(names[item].native) or found.get(item) for item in ids}
        return [called(record, item) for item, record in shown.items() if record is not None]

    async def at(self, ref: Ref, call: Callable[[Ref], Awaitable[T]]) -> tuple[Name, T]:
        """What a call on an item gives, and the item's names. A server that was set back may call it as it did before,
        which the next pull finds out: so what is not there under its new name is looked for under the given one."""
        name = await self.one(ref.id)
        try:
            return name, await call(replace(ref, id=name.native))
        except NotFound:
            if name.native == ref.id:
                raise
        return Name(ref.id, name.shown), await call(ref)


def called(record: R, item: str) -> R:
    """The record under this id."""
    return record if record.id == item else record.model_copy(update={"id": item})


class RenamedSession(Session):
    """A session whose mail goes by the ids that callers know; `wrote` is called after writes to other ports, and after
    whatever was passed through that is no read."""

    def __init__(self, session: Session, names: Names, wrote: Callable[[], None] = lambda: None) -> None:
        self._session, self._wrote = session, wrote
        self.messages = RenamedMessages(session.messages, names) if session.messages else None
        self.drafts = RenamedDrafts(session.drafts, names) if session.drafts else None
        self.folders = session.folders
        self.calendars, self.task_lists = session.calendars, session.task_lists
        self.events, self.tasks = telling(session.events, wrote), telling(session.tasks, wrote)
        self.contacts = telling(session.contacts, wrote)
        self.push = session.push

    async def ping(self) -> None:
        """See `Session.ping`."""
        await self._session.ping()

    async def access_token(self) -> str | None:
        """See `Session.access_token`."""
        return await self._session.access_token()

    async def direct(self, request: DirectRequest) -> DirectAnswer:
        """See `Session.direct`."""
        try:
            return await self._session.direct(request)
        finally:
            if request.method not in ("GET", "HEAD"):
                self._wrote()

    async def close(self) -> None:
        """See `Session.close`."""
        await self._session.close()


class RenamedMessages(Messages):
    """A Messages port under known ids."""

    def __init__(self, port: Messages, names: Names) -> None:
        self._port, self._names = port, names

    async def find(self, parent: str | None, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        """See `Collection.find`."""
        return await self._page(await self._port.find(parent, query, page))

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailMessage:
        """See `Messages.get`."""
        name, found = await self._names.at(ref, lambda native: self._port.get(native, view))
        return await self._names.kept(name, found)

    async def get_many(
        self, parent: str | None, ids: Sequence[str], view: MessageView = MessageView()
    ) -> list[EmailMessage]:
        """See `Messages.get_many`."""
        names = await self._names.of(ids)
        known = {name.native: name.shown for name in names.values()}
        found = await self._port.get_many(parent, [names[item].native for item in ids], view)
        return [called(record, known.get(record.id, record.id)) for record in found]

    async def create(self, parent: str | None, draft: OutgoingEmail) -> EmailMessage:
        """See `Collection.create`; what is new has the provider's name."""
        return await self._port.create(parent, draft)

    async def update(self, ref: Ref, patch: UpdateMessageStatusData, etag: str | None = None) -> EmailMessage:
        """See `Collection.update`; a message that is moved thereby keeps its id."""
        name, found = await self._names.at(ref, lambda native: self._port.update(native, patch, etag))
        return await self._names.kept(name, found)

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        """See `Collection.delete`; where the trash is another name, the next pull finds it out."""
        await self._names.at(ref, lambda native: self._port.delete(native, etag))

    async def changes(self, parent: str | None, cursor: str | None, query: MessageQuery) -> Delta:
        """In the provider's names."""
        return await self._port.changes(parent, cursor, query)

    async def source(self, ref: Ref) -> Content:
        """See `Messages.source`."""
        return (await self._names.at(ref, self._port.source))[1]

    async def attachment(self, ref: Ref, attachment_id: str) -> Content:
        """See `Messages.attachment`."""
        return (await self._names.at(ref, lambda native: self._port.attachment(native, attachment_id)))[1]

    async def conversation(self, thread_id: str, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        """See `Messages.conversation`."""
        return await self._page(await self._port.conversation(thread_id, query, page))

    async def send(self, outgoing: Outgoing, leaving: Leaving | None = None) -> Sent:
        """See `Messages.send`."""
        if outgoing.answers is not None:
            answers = outgoing.answers
            outgoing = replace(outgoing, answers=replace(answers, id=(await self._names.one(answers.id)).native))
        return await self._port.send(outgoing, leaving)

    async def sent(self, message_id: str) -> Sent | None:
        """See `Messages.sent`."""
        found = await self._port.sent(message_id)
        if found is None or found.id is None:
            return found
        return replace(found, id=(await self._names.one(found.id)).shown)

    async def _page(self, page: Page[EmailMessage]) -> Page[EmailMessage]:
        return Page(await self._names.shown(page.records), page.cursor)


class RenamedDrafts(Drafts):
    """A Drafts port under known ids. A replaced draft is a new one: it has the provider's name."""

    def __init__(self, port: Drafts, names: Names) -> None:
        self._port, self._names = port, names

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailDraft:
        """See `Drafts.get`."""
        name, found = await self._names.at(ref, lambda native: self._port.get(native, view))
        draft = await self._names.kept(name, found)
        return draft.model_copy(update={"message": called(draft.message, draft.id)})

    async def create(self, parent: str | None, draft: Outgoing) -> EmailDraft:
        """See `Collection.create`."""
        return await self._port.create(parent, draft)

    async def update(self, ref: Ref, patch: Outgoing, etag: str | None = None) -> EmailDraft:
        """See `Collection.update`."""
        return (await self._names.at(ref, lambda native: self._port.update(native, patch, etag)))[1]

    async def delete(self, ref: Ref, etag: str | None = None) -> None:
        """See `Collection.delete`."""
        await self._names.at(ref, lambda native: self._port.delete(native, etag))

    async def send(self, ref: Ref, message_id: str, leaving: Leaving | None = None) -> Sent:
        """See `Drafts.send`."""
        return (await self._names.at(ref, lambda native: self._port.send(native, message_id, leaving)))[1]

    async def locate(self, message_id: str) -> str | None:
        """See `Drafts.locate`."""
        native = await self._port.locate(message_id)
        if native is None:
            return None
        return (await self._names.aliases.shown(self._names.account_id, self._names.port, [native])).get(native, native)
