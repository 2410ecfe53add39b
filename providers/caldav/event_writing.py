"""Changes of events: the resource is read, changed and written back with If-Match (RFC 4791 5.3.2)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from providers.base.errors import Conflict, Denied, Exists, Invalid, NotFound
from providers.base.ports import EventWrite
from providers.caldav import convert, finding
from providers.caldav.account import Account
from providers.caldav.files import File, Files, opaque
from providers.caldav.invitations import Invitations
from providers.caldav.names import file_name, new_uid
from providers.formats.contentlines import Component
from providers.formats.ical import exceptions, write
from providers.formats.ical.occurrences import Occurrence, planned_at
from providers.formats.ical.resource import Resource, of
from schemas.meetings import MeetingResponse, MeetingResponseType

T = TypeVar("T")
_TRIES = 3  # of a change that nobody tied to a version
#: Changes a resource; gives what the invitations are about (None: all of it).
Change = Callable[[Resource, Occurrence | None], Sequence[Component] | None]


class EventWriter:
    """The writing verbs of one account's events."""

    def __init__(self, account: Account, files: Files) -> None:
        self._account, self._files = account, files
        self._invitations = Invitations(account)

    async def create(self, folder: str, draft: EventWrite) -> tuple[File, Resource]:
        """A new event, or the one that has the UID already. Raises `NotFound`, `Denied`, `Invalid`."""
        uid, now = draft.uid or new_uid(), datetime.now(UTC)
        resource = write.create(draft.event, uid, now, self._account.me, draft.body_type)
        self._invitations.prepare([resource.main], notify=draft.notify)
        try:
            file = await self._files.create(folder + file_name(uid), convert.text(resource))
        except (Conflict, Exists):
            return await self._known(folder, uid)
        if draft.notify:
            await self._invitations.invite(resource, now)
        return file, convert.resource(file)

    async def _known(self, folder: str, uid: str) -> tuple[File, Resource]:
        """What a repeated create made the first time. Raises `NotFound` when the calendar is gone, `Exists`."""
        for file in await finding.with_uid(self._files, folder, "VEVENT", uid):
            found = finding.resource_or_none(file)
            if found is not None and found.uid == uid:
                return file, found
        await self._files.etags(folder)
        raise Exists("an event with this UID is in another calendar of the account")

    async def update(self, path: str, key: str | None, patch: EventWrite, etag: str | None) -> tuple[File, Resource]:
        """Raises `NotFound`, `Conflict`, `Denied`, `Invalid`, `Unsupported`."""
        now, before = datetime.now(UTC), list[Resource]()

        def change(resource: Resource, one: Occurrence | None) -> Sequence[Component] | None:
            before[:] = [one for one in of(resource.calendar.copy()) if one.uid == resource.uid]
            if one is None or one.planned is None:
                write.update(resource, patch.event, now, self._account.me, patch.body_type)
                changed: Sequence[Component] | None = None
            else:
                if patch.event.recurrence is not None:
                    raise Invalid("an occurrence has no recurrence of its own: change the master", path="recurrence")
                changed = [
                    exceptions.update_occurrence(resource, one, patch.event, now, self._account.me, patch.body_type)
                ]
            self._invitations.prepare(_all(resource), notify=patch.notify)
            return changed

        file, about = await self._change(path, key, etag, change)
        found = convert.resource(file)
        if patch.notify:
            await self._invitations.invite(found, now, next(iter(before), None), about)
        return file, found

    async def delete(self, path: str, key: str | None, etag: str | None, *, notify: bool) -> None:
        """Raises `NotFound`, `Conflict`, `Denied`."""
        now = datetime.now(UTC)
        if key is None:
            await self._delete_all(path, etag, now, notify=notify)
            return
        left = True

        def change(resource: Resource, one: Occurrence | None) -> Sequence[Component] | None:
            nonlocal left
            assert one is not None
            gone = exceptions.standalone(one)
            left = exceptions.delete_occurrence(resource, one, now)
            if left:
                self._invitations.prepare(_all(resource), notify=notify)
            return [gone]

        file, about = await self._change(path, key, etag, change, or_delete=lambda: not left)
        if notify:
            await self._invitations.call_off(convert.resource(file), now, about)

    async def _delete_all(self, path: str, etag: str | None, now: datetime, *, notify: bool) -> None:
        for attempt in range(_TRIES):
            file = await self._current(path, etag)
            resource = convert.resource(file)
            try:
                await self._files.delete(file, None if notify else {"Schedule-Reply": "F"})
            except Conflict:
                if etag is not None or attempt == _TRIES - 1:
                    raise
                continue
            break
        if notify:
            await self._invitations.call_off(resource, now)
            await self._decline(resource, now)

    async def _decline(self, resource: Resource, now: datetime) -> None:
        """Who deletes an invitation does not come."""
        try:
            answered = exceptions.respond(resource, self._account.own, MeetingResponseType.DECLINED, now)
        except Denied:
            return
        await self._invitations.answer(resource, answered, now, None)

    async def respond(self, path: str, key: str | None, response: MeetingResponse, *, notify: bool) -> None:
        """Raises `NotFound`, `Invalid` when the account is not invited."""
        now = datetime.now(UTC)

        def change(resource: Resource, one: Occurrence | None) -> Sequence[Component] | None:
            try:
                answered = exceptions.respond(resource, self._account.own, response.response, now, one)
            except Denied as error:
                raise Invalid(error.message) from None
            self._invitations.prepare([answered], notify=notify)
            return [answered]

        file, about = await self._change(path, key, None, change)
        if notify and about:
            await self._invitations.answer(convert.resource(file), about[0], now, response.comment)

    async def _change(
        self,
        path: str,
        key: str | None,
        etag: str | None,
        change: Change,
        or_delete: Callable[[], bool] = lambda: False,
    ) -> tuple[File, Sequence[Component] | None]:
        """Read, change, write; again when somebody was faster and the caller named no version."""
        for attempt in range(_TRIES):
            file = await self._current(path, etag)
            resource = convert.resource(file)
            resource.refuse_ranges()
            one = planned_at(resource, key) if key is not None else None
            if key is not None and one is None:
                raise NotFound("the series has no such occurrence, or it was deleted")
            about = change(resource, one)
            try:
                if or_delete():
                    await self._files.delete(file)
                    return file, about
                return await self._files.replace(file, convert.text(resource)), about
            except Conflict:
                if etag is not None or attempt == _TRIES - 1:
                    raise
        raise AssertionError("not reached")

    async def _current(self, path: str, etag: str | None) -> File:
        """The resource as it is now. Raises `Conflict` when that is not the version that the caller has."""
        file = await self._files.get(path)
        if etag is not None and opaque(etag) != file.version:
            raise Conflict("the event was changed in the meantime")
        return file


def _all(resource: Resource) -> list[Component]:
    return [*([resource.master] if resource.master is not None else []), *resource.overrides]
