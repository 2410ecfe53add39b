"""Whose time is taken: an account's own calendars, read through its provider (behaviour.md, section 10)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.identity import Account
from gateway.services.availability.members import Event, event
from gateway.services.availability.spans import ALWAYS, Span
from gateway.services.sessions import Sessions
from gateway.services.work_hours import provided, zone_of
from providers.base.collection import PageRequest, verbs
from providers.base.errors import ProviderError, Unavailable, Unsupported
from providers.base.ports import Calendars, EventQuery, Events
from providers.base.provider import Session
from schemas.calendar import ShowAs
from schemas.schedules import FreeBusyItem, FreeBusySchedule, WeekWorkSchedule

PATIENCE = 20.0  # seconds for one account; shorter than a request
_AT_ONCE = 16  # accounts that one request reads at a time
_FOREIGN = "this is not the account's own address, and its provider does not tell of others"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of an account: events and, where it was asked for, the provider's hours; or why it was not."""

    events: Sequence[Event] = ()
    hours: WeekWorkSchedule | None = None
    error: ProviderError | None = None

    @property
    def unknown(self) -> Sequence[Span]:
        """When nothing is known."""
        return [ALWAYS] if self.error is not None else ()


class Schedules:
    """Reads calendars of accounts."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def read(self, accounts: Sequence[Account], span: Span, *, ask_hours: Sequence[int]) -> Mapping[int, Seen]:
        """What stands in the calendars of the accounts within a span, by account id; `ask_hours`: of these accounts
        (ids) the provider's hours too. What fails is told, never raised."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(account: Account) -> Seen:
            async with gate:
                try:
                    async with asyncio.timeout(PATIENCE), self._sessions.native(account) as session:
                        return await _seen(account, session, span, ask_hours=account.id in ask_hours)
                except TimeoutError:
                    return Seen(error=Unavailable("The calendar did not answer in time"))
                except ProviderError as error:
                    return Seen(error=error)

        found = await asyncio.gather(*(one(account) for account in accounts))
        return {account.id: seen for account, seen in zip(accounts, found, strict=True)}


async def busy(
    account: Account, session: Session, emails: Sequence[str], time_min: datetime, time_max: datetime
) -> list[FreeBusySchedule]:
    """The schedule of each address, as the account sees it; one that cannot be read has an `error`. A provider that
    does not tell of schedules shows the account's own by its events. Raises `Unsupported` without calendars."""
    if session.calendars is None:
        raise Unsupported("This account's provider has no calendars")
    if "busy" in verbs(session.calendars):
        return await session.calendars.busy(emails, time_min, time_max)
    own = await _own(account, session.calendars, session.events, time_min, time_max)
    return [
        FreeBusySchedule(email=email, items=own)
        if email.lower() == account.email.lower()
        else FreeBusySchedule(email=email, error=_FOREIGN)
        for email in emails
    ]


async def _seen(account: Account, session: Session, span: Span, *, ask_hours: bool) -> Seen:
    first, last = (datetime.fromtimestamp(at, UTC) for at in span)
    [found] = await busy(account, session, [account.email], first, last)
    if found.error is not None:
        raise Unavailable(f"The calendar cannot be read: {found.error}")
    events = [
        event(item.start, item.end, item.status or ShowAs.BUSY)
        for item in found.items or ()
        if item.start is not None and item.end is not None
    ]
    return Seen(events, await provided(account, session) if ask_hours else None)


async def _own(
    account: Account, calendars: Calendars, events: Events | None, time_min: datetime, time_max: datetime
) -> list[FreeBusyItem]:
    if events is None:
        raise Unsupported("This account's provider has no events")
    parent, zone = await calendars.primary(), ZoneInfo(zone_of(account))
    query, page, found = EventQuery(time_min=time_min, time_max=time_max), PageRequest(limit=100), []
    while True:
        shown = await events.find(parent, query, page)
        found += [
            FreeBusyItem(start=one.start.instant(zone), end=one.end.instant(zone), status=one.show_as or ShowAs.BUSY)
            for one in shown.records
            if one.start is not None and one.end is not None and one.show_as is not ShowAs.FREE
        ]
        if shown.cursor is None:
            return found
        page = PageRequest(shown.cursor, page.limit)
