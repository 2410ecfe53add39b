"""The Calendars port."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import Denied, Invalid
from providers.base.lane import blocking
from providers.base.ports import CalendarQuery, Calendars
from providers.sandbox.cabinet import Kind, Shelf
from providers.sandbox.port import KeptPort, behind
from providers.sandbox.taken import agenda
from schemas.calendar import AccessRole, Calendar, CalendarCreate, CalendarUpdate
from schemas.schedules import FreeBusySchedule


class SandboxCalendars(KeptPort, Calendars):
    """Calendars that are shared with the account can be read by their ids, and are listed when asked for."""

    kind: ClassVar[Kind] = Kind.EVENTS

    @blocking
    def find(self, parent: str | None, query: CalendarQuery, page: PageRequest) -> Page[Calendar]:
        with self.looking() as cabinet:
            found = [shelf for shelf in cabinet.shelves() if shelf.writable or query.with_shared]
        shown, cursor = behind(found, [shelf.id for shelf in found], page)
        return Page([_calendar(shelf) for shelf in shown], cursor)

    @blocking
    def get(self, ref: Ref) -> Calendar:
        with self.looking() as cabinet:
            return _calendar(cabinet.shelf(ref.id))

    @blocking
    def create(self, parent: str | None, draft: CalendarCreate) -> Calendar:
        name = _name(draft.name)
        with self.changing() as cabinet:
            return _calendar(cabinet.add_shelf(name, color=draft.color, description=draft.description))

    @blocking
    def update(self, ref: Ref, patch: CalendarUpdate, etag: str | None = None) -> Calendar:
        given = {name: getattr(patch, name) for name in patch.model_fields_set}
        if "name" in given:
            given["name"] = _name(patch.name)
        with self.changing() as cabinet:
            cabinet.shelf(ref.id).check_writable()
            return _calendar(cabinet.change_shelf(ref.id, **given))

    @blocking
    def delete(self, ref: Ref, etag: str | None = None) -> None:
        with self.changing() as cabinet:
            shelf = cabinet.shelf(ref.id)
            if shelf.standard:
                raise Denied("the primary calendar cannot be deleted")
            shelf.check_writable()
            cabinet.remove_shelf(shelf.id)

    @blocking
    def primary(self) -> str:
        with self.looking() as cabinet:
            return cabinet.standard().id

    @blocking
    def busy(self, emails: Sequence[str], time_min: datetime, time_max: datetime) -> list[FreeBusySchedule]:
        with self.looking() as cabinet:
            known = agenda(self.client, cabinet, self.number)
        own = known.within(time_min, time_max)
        return [
            FreeBusySchedule(email=email, items=own)
            if email.lower() == self.mailbox.email.lower()
            else FreeBusySchedule(email=email, error="the sandbox knows the schedule of its own address only")
            for email in emails
        ]


def _calendar(shelf: Shelf) -> Calendar:
    return Calendar(
        id=shelf.id,
        name=shelf.name,
        color=shelf.color,
        description=shelf.description,
        access_role=AccessRole.OWNER if shelf.writable else AccessRole.READER,
        primary=shelf.standard,
        multiple_reminders_supported=True,
    )


def _name(given: str | None) -> str:
    name = (given or "").strip()
    if not name:
        raise Invalid("a calendar has a name of at least one character", path="name")
    return name
