"""The Events port."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice
from typing import ClassVar
from uuid import uuid4

from providers.base.collection import Change, Delta, Page, PageRequest, Ref
from providers.base.errors import Denied, Invalid, NotFound, ProviderError
from providers.base.lane import blocking
from providers.base.ports import Content, EventQuery, Events, EventView, EventWrite
from providers.formats import contentlines, values
from providers.formats.ical import attachments, exceptions, listing, read, write
from providers.formats.ical.occurrences import Occurrence, between, modified, planned_at
from providers.formats.ical.resource import Resource
from providers.sandbox import entry_changes, invitations
from providers.sandbox.cabinet import Cabinet, Entry, Kind
from providers.sandbox.mail import pieces
from providers.sandbox.port import KeptPort, after
from providers.sandbox.texts import event, parts, resource_of
from schemas.calendar import Event, SeriesInfo
from schemas.mail import EmailAddress
from schemas.meetings import MeetingResponse


@dataclass(slots=True)
class _Found:
    """What an id names: the entry, its events, and the occurrence where it names one."""

    entry: Entry
    resource: Resource
    occurrence: Occurrence | None


class SandboxEvents(KeptPort, Events):
    """An event's etag is that of its whole series."""

    kind: ClassVar[Kind] = Kind.EVENTS
    changes_at_once = 2000  # series and single events in one delta

    @blocking
    def find(self, parent: str | None, query: EventQuery, page: PageRequest) -> Page[Event]:
        with self.looking() as cabinet:
            shelf, view = cabinet.shelf(parent).id, self._view(query.view)
            if query.i_cal_uid is not None:
                found = cabinet.by_uid(shelf, query.i_cal_uid)
                return Page([event(found, resource_of(found), view)] if found else [])
            if query.time_min is not None and query.time_max is not None:
                return _window(cabinet, shelf, query.time_min, query.time_max, view, page)
            entries = list(islice(cabinet.entries(shelf, after(page)), page.limit + 1))
        shown = entries[: page.limit]
        cursor = str(shown[-1].number) if len(entries) > page.limit else None
        return Page([event(entry, resource_of(entry), view) for entry in shown], cursor)

    @blocking
    def get(self, ref: Ref, view: EventView = EventView()) -> Event:
        with self.looking() as cabinet:
            return self._shown(_found(cabinet, ref), view)

    @blocking
    def get_many(self, parent: str | None, ids: Sequence[str], view: EventView = EventView()) -> list[Event]:
        with self.looking() as cabinet:
            entries = cabinet.by_ids(list({parts(item)[0] for item in ids}), parent)
        shown = []
        for item in ids:
            if entry := entries.get(parts(item)[0]):
                shown += [self._shown(found, view) for found in _named(entry, item)]
        return shown

    @blocking
    def create(self, parent: str | None, draft: EventWrite) -> Event:
        with self.changing() as cabinet:
            shelf = cabinet.shelf(parent)
            shelf.check_writable()
            known = cabinet.by_uid(shelf.id, draft.uid) if draft.uid else None
            if known is not None:
                return self._shown(_Found(known, resource_of(known), None), _view_of(draft))
            uid = draft.uid or f"{uuid4()}@sandbox"
            resource = write.create(draft.event, uid, datetime.now(UTC), self._own, draft.body_type)
            entry = cabinet.add(shelf.id, uid, contentlines.write(resource.calendar))
            if draft.notify:
                invitations.invite(cabinet.db, self._own, resource, resource.main)
        return self._shown(_Found(entry, resource, None), _view_of(draft))

    @blocking
    def update(self, ref: Ref, patch: EventWrite, etag: str | None = None) -> Event:
        now = datetime.now(UTC)
        with self.changing() as cabinet:
            found = _writable(cabinet, ref, etag)
            before, resource = invitations.guests(self._own, found.resource), found.resource
            if found.occurrence is None:
                write.update(resource, patch.event, now, self._own, patch.body_type)
                changed = resource.main
            elif patch.event.recurrence is not None:
                raise Invalid("an occurrence has no recurrence of its own: change the master", path="recurrence")
            else:
                changed = exceptions.update_occurrence(
                    resource, found.occurrence, patch.event, now, self._own, patch.body_type
                )
            cabinet.put(found.entry, contentlines.write(resource.calendar))
            if patch.notify:
                invitations.invite(cabinet.db, self._own, resource, changed, before)
            return self._shown(_found(cabinet, ref), _view_of(patch))

    @blocking
    def delete(self, ref: Ref, etag: str | None = None, notify: bool = True) -> None:
        with self.changing() as cabinet:
            found = _writable(cabinet, ref, etag)
            if notify:
                gone = exceptions.standalone(found.occurrence) if found.occurrence else None
                invitations.call_off(cabinet.db, self._own, found.resource, gone)
            now, one = datetime.now(UTC), found.occurrence
            if one is not None and exceptions.delete_occurrence(found.resource, one, now):
                cabinet.put(found.entry, contentlines.write(found.resource.calendar))
            else:
                cabinet.remove(found.entry)

    @blocking
    def respond(self, ref: Ref, response: MeetingResponse, notify: bool = True) -> None:
        own, now = (self.mailbox.email,), datetime.now(UTC)
        with self.changing() as cabinet:
            found = _writable(cabinet, ref, None)
            try:
                said = exceptions.respond(found.resource, own, response.response, now, found.occurrence)
            except Denied as error:
                raise Invalid(error.message) from None
            cabinet.put(found.entry, contentlines.write(found.resource.calendar))
            if notify:
                invitations.answer(cabinet.db, self._own, found.resource, said, response.comment)

    @blocking
    def series(self, ref: Ref) -> SeriesInfo:
        with self.looking() as cabinet:
            found = _master(cabinet, ref)
        return read.series_info(found.resource, found.entry.id)

    @blocking
    def occurrences(self, ref: Ref, page: PageRequest, view: EventView = EventView()) -> Page[Event]:
        with self.looking() as cabinet:
            found = _master(cabinet, ref)
        shown, cursor = listing.run(found.resource, page.cursor, page.limit)
        return Page([event(found.entry, found.resource, self._view(view), one) for one in shown], cursor)

    @blocking
    def occurrence(self, ref: Ref, planned: date | datetime, view: EventView = EventView()) -> Event:
        with self.looking() as cabinet:
            found = _master(cabinet, ref)
        one = planned_at(found.resource, values.written(planned))
        if one is None:
            raise NotFound(f"nothing of the series was planned for {planned.isoformat()}, or it was deleted")
        return event(found.entry, found.resource, self._view(view), one)

    @blocking
    def attachment(self, ref: Ref, attachment_id: str) -> Content:
        with self.looking() as cabinet:
            found = _found(cabinet, ref)
        component = found.occurrence.component if found.occurrence else found.resource.main
        content = attachments.content(component, attachment_id)
        if isinstance(content, str):
            raise NotFound("the attachment is a link: its contentLocation says where the content is")
        [said] = [one for one in attachments.attachments(component) if one.id == attachment_id][:1]
        return Content(pieces(content), said.mime_type or "application/octet-stream", said.name, len(content))

    @blocking
    def changes(self, parent: str | None, cursor: str | None, query: EventQuery) -> Delta:
        with self.looking() as cabinet:
            shelf = cabinet.shelf(parent).id
            return entry_changes.delta(cabinet, shelf, cursor, self.changes_at_once, partial(_told, query))

    @property
    def _own(self) -> EmailAddress:
        return EmailAddress(name=self.mailbox.name, address=self.mailbox.email)

    def _view(self, view: EventView) -> read.View:
        return read.View((self.mailbox.email,), view.native_properties, view.body_type)

    def _shown(self, found: _Found, view: EventView) -> Event:
        return event(found.entry, found.resource, self._view(view), found.occurrence)


def _view_of(written: EventWrite) -> EventView:
    return EventView(written.body_type)


def _found(cabinet: Cabinet, ref: Ref) -> _Found:
    """Raises `NotFound`."""
    entry = cabinet.entry(parts(ref.id)[0], ref.parent)
    for found in _named(entry, ref.id):
        return found
    raise NotFound(f"there is no event {ref.id[:80]!r}")


def _named(entry: Entry, item: str) -> Iterator[_Found]:
    """What an id names in an entry, if it is there."""
    key, resource = parts(item)[1], resource_of(entry)
    if key is None:
        yield _Found(entry, resource, None)
    elif one := planned_at(resource, key):
        yield _Found(entry, resource, one)


def _writable(cabinet: Cabinet, ref: Ref, etag: str | None) -> _Found:
    """Raises `NotFound`, `Denied`, `Conflict`."""
    found = _found(cabinet, ref)
    cabinet.shelf(found.entry.shelf).check_writable()
    found.entry.check(etag)
    return found


def _master(cabinet: Cabinet, ref: Ref) -> _Found:
    found = _found(cabinet, ref)
    if found.occurrence is not None or not found.resource.repeats:
        raise Invalid("the event is no series")
    return found


def _window(
    cabinet: Cabinet, shelf: str, time_min: datetime, time_max: datetime, view: read.View, page: PageRequest
) -> Page[Event]:
    entries = {entry.id: entry for entry in cabinet.entries(shelf)}
    texts = ((entry.id, resource_of(entry)) for entry in entries.values())
    shown, cursor = listing.window(texts, time_min, time_max, page.cursor, page.limit)
    return Page([event(entries[item], resource, view, one) for item, resource, one in shown], cursor)


def _told(query: EventQuery, item: str, version: str, text: bytes) -> Sequence[Change]:
    """A single event, or a master with its changed occurrences; nothing when the window has nothing of it."""
    resource = resource_of(Entry(0, item, "", "", 0.0, 0, text))
    identity = resource.uid or None
    if _lies_outside(resource, query):
        return ()
    changed = [one.key for one in modified(resource) if one.key and _is_in(one, query)]
    told = [Change(read.occurrence_id(item, key), version, item, identity) for key in changed]
    return [Change(item, version, None, identity), *told] if resource.master is not None else told


def _lies_outside(resource: Resource, query: EventQuery) -> bool:
    """Whether nothing of an event lies in the window; of a rule that nobody can carry out that is not known."""
    if query.time_min is None or query.time_max is None:
        return False
    try:
        return next(between(resource, query.time_min, query.time_max), None) is None
    except ProviderError:
        return False


def _is_in(one: Occurrence, query: EventQuery) -> bool:
    if query.time_min is None or query.time_max is None:
        return True
    return one.span.end.moment > query.time_min and one.span.start.moment < query.time_max
