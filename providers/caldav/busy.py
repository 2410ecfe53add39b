"""Whose time is taken: asked of the server where it answers for others (RFC 6638 5), else worked out from the account's
own calendars, which says nothing about anybody else."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from providers.base.errors import Invalid, NotFound, ProviderError, Unauthorized
from providers.caldav import finding, multistatus, queries
from providers.caldav.account import Account
from providers.caldav.changes import Window
from providers.caldav.elements import CAL, DAV
from providers.caldav.files import File, Files
from providers.caldav.names import new_uid
from providers.formats import contentlines, values
from providers.formats.contentlines import Component, Line
from providers.formats.ical import marks, people
from providers.formats.ical.occurrences import Occurrence, between
from providers.formats.ical.people import address_of
from providers.formats.ical.resource import calendar
from schemas.calendar import ShowAs
from schemas.meetings import MeetingResponseType
from schemas.schedules import FreeBusyItem, FreeBusySchedule

_TYPES = {
    "FREE": ShowAs.FREE,
    "BUSY": ShowAs.BUSY,
    "BUSY-TENTATIVE": ShowAs.TENTATIVE,
    "BUSY-UNAVAILABLE": ShowAs.OUT_OF_OFFICE,
}
_UNKNOWN = "this server tells only about the account's own calendars"


class BusyTimes:
    """`Calendars.busy` of one account."""

    def __init__(self, account: Account, files: Files) -> None:
        self._account, self._files = account, files

    async def schedules(
        self, emails: Sequence[str], first: datetime, last: datetime, own: Sequence[str]
    ) -> list[FreeBusySchedule]:
        """The schedule of each address; `own` are the paths of the account's calendars."""
        mine = {address.lower() for address in self._account.own}
        found: dict[str, FreeBusySchedule] = {}
        if any(email.lower() in mine for email in emails):
            items = sorted([item async for item in self._own(own, first, last)], key=_start)
            found = {address: FreeBusySchedule(items=items) for address in mine}
        others = list(dict.fromkeys(email for email in emails if email.lower() not in mine))
        found |= await self._asked(others, first, last) if others else {}
        unknown = FreeBusySchedule(error=_UNKNOWN)
        return [found.get(email.lower(), unknown).model_copy(update={"email": email}) for email in emails]

    async def _own(self, folders: Sequence[str], first: datetime, last: datetime) -> Any:
        for folder in folders:
            try:
                found = await queries.events_within(self._files, folder, Window(first, last))
                found = list(await self._files.etags(folder)) if found is None else found
                batch = await self._files.many(folder, found)
            except NotFound:  # deleted since the list was read
                continue
            for file in batch.files.values():
                for item in self._items(file, first, last):
                    yield item

    def _items(self, file: File, first: datetime, last: datetime) -> Iterator[FreeBusyItem]:
        """Of an event that cannot be read or expanded, none."""
        resource = finding.resource_or_none(file)
        try:
            for one in between(resource, first, last) if resource is not None else ():
                if item := self._item(one):
                    yield item
        except Invalid:
            return

    def _item(self, one: Occurrence) -> FreeBusyItem | None:
        """None for what takes no time: transparent, cancelled and declined events."""
        status = marks.show_as(one.component)
        declined = people.own_response(one.component, self._account.own) is MeetingResponseType.DECLINED
        empty = one.span.start.moment == one.span.end.moment
        if status is ShowAs.FREE or marks.is_cancelled(one.component) or declined or empty:
            return None
        return FreeBusyItem(start=one.span.start.moment, end=one.span.end.moment, status=status)

    async def _asked(self, emails: Sequence[str], first: datetime, last: datetime) -> dict[str, FreeBusySchedule]:
        """By the schedule outbox, where there is one; a failure is one of those addresses, not of the call."""
        home = self._account.calendar_home
        if home.outbox is None:
            return {}
        body = contentlines.write(self._request(emails, first, last))
        try:
            reply = await self._account.dav.done("POST", home.outbox, body, kind="text/calendar; charset=utf-8")
            return dict(_answers(multistatus.document(reply.body)))
        except Unauthorized:
            raise
        except ProviderError as error:
            return {email.lower(): FreeBusySchedule(error=error.message) for email in emails}

    def _request(self, emails: Sequence[str], first: datetime, last: datetime) -> Component:
        stamps = {"DTSTAMP": datetime.now(UTC), "DTSTART": first.astimezone(UTC), "DTEND": last.astimezone(UTC)}
        lines = [Line(name, values.written(moment.replace(microsecond=0))) for name, moment in stamps.items()]
        people_ = [Line("ATTENDEE", f"mailto:{email}") for email in emails]
        chair = people.organizer_line(self._account.me)
        return calendar([Component("VFREEBUSY", [Line("UID", new_uid()), *lines, chair, *people_])], "REQUEST")


def _start(item: FreeBusyItem) -> datetime:
    assert item.start is not None
    return item.start


def _answers(root: Any) -> Iterator[tuple[str, FreeBusySchedule]]:
    for response in root.iter(CAL + "response"):
        href = response.findtext(f"{CAL}recipient/{DAV}href") or response.findtext(CAL + "recipient") or ""
        address = address_of(Line("ATTENDEE", href.strip()))
        if address is None:
            continue
        status = (response.findtext(CAL + "request-status") or "").strip()
        data = response.findtext(CAL + "calendar-data")
        if status.startswith("2.") and data:
            yield address.lower(), FreeBusySchedule(items=list(items(data.encode())))
        else:
            yield address.lower(), FreeBusySchedule(error=f"the server does not tell: {status or 'no reason given'}")


def items(data: bytes) -> Iterator[FreeBusyItem]:
    """The periods of VFREEBUSY components, but the free ones."""
    for text in contentlines.parse(data):
        for component in text.of("VFREEBUSY"):
            for line in component.all("FREEBUSY"):
                status = _TYPES.get((line.parameter("FBTYPE") or "BUSY").upper(), ShowAs.BUSY)
                spans = (_span(piece) for piece in line.value.split(","))
                if status is not ShowAs.FREE:
                    yield from (FreeBusyItem(start=span[0], end=span[1], status=status) for span in spans if span)


def _span(period: str) -> tuple[datetime, datetime] | None:
    """A start with an end or a length (RFC 5545 3.3.9)."""
    first, _, rest = period.strip().partition("/")
    start, end, length = values.moment(first), values.moment(rest), values.duration(rest)
    if not isinstance(start, datetime) or start.tzinfo is None:
        return None
    if length is not None:
        return start, start + length
    return (start, end) if isinstance(end, datetime) and end.tzinfo is not None else None
