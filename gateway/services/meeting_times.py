"""Free/busy, work hours and suggested meeting times, as an account sees them (behaviour.md, section 10)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gateway.identity import Account
from gateway.services.availability.clock import moment, zone_named
from gateway.services.availability.members import Event, event
from gateway.services.availability.spans import ALWAYS, Span
from gateway.services.availability.suggest import Attendee, Search, suggested
from gateway.services.availability.windows import bounded
from gateway.services.schedules import busy
from gateway.services.work_hours import WorkHours, hours, zone_of
from providers.base.collection import verbs
from providers.base.errors import Invalid
from providers.base.provider import Session
from schemas.calendar import ShowAs
from schemas.outgoing import is_address
from schemas.schedules import (
    FreeBusyRequest,
    FreeBusySchedule,
    FreeBusySchedulePage,
    MeetingAttendee,
    SuggestMeetingTimesRequest,
    SuggestMeetingTimesResponse,
    WeekWorkSchedule,
    WorkHoursRequest,
    WorkHoursResponse,
    WorkHoursResponseItem,
)
from schemas.when import TimeInterval

MOST = 100  # addresses in one request
_NO_ADDRESS = "this is no e-mail address"
_MISSING = "the provider said nothing of this address"


class MeetingTimes:
    """Answers by the account's own calendars and what its provider tells of others."""

    def __init__(self, work_hours: WorkHours) -> None:
        self._work_hours = work_hours

    async def free_busy(self, account: Account, session: Session, body: FreeBusyRequest) -> FreeBusySchedulePage:
        """The schedule of each address, in order. Raises `Invalid` with the path, and what the provider says."""
        emails = _emails(body.emails)
        first, last = _window(body.time_min, body.time_max)
        found = await _schedules(account, session, emails, first, last)
        own = await self._work_hours.of(account, session) if account.email.lower() in map(str.lower, emails) else None
        records = [
            one.model_copy(update={"work_hours": own}) if _same(account, one.email) and one.error is None else one
            for one in found
        ]
        return FreeBusySchedulePage(records=records)

    async def work_hours(self, account: Account, session: Session, body: WorkHoursRequest) -> WorkHoursResponse:
        """The work hours of each address, in order; without them where they are not known. Raises `Invalid`."""
        emails = _emails(body.emails)
        known = {account.email.lower(): await self._work_hours.of(account, session)}
        others = [email for email in emails if is_address(email) and not _same(account, email)]
        if others and session.calendars is not None and "work_hours" in verbs(session.calendars):
            for item in await session.calendars.work_hours(others):
                if item.email and item.work_hours:
                    known[item.email.lower()] = item.work_hours
        items = [WorkHoursResponseItem(email=email, work_hours=known.get(email.lower())) for email in emails]
        return WorkHoursResponse(items=items)

    async def suggest(
        self, account: Account, session: Session, body: SuggestMeetingTimesRequest
    ) -> SuggestMeetingTimesResponse:
        """Times that suit every attendee. Raises `Invalid` with the path, and what the provider says."""
        first, last = _window(body.time_min, body.time_max)
        if body.duration_minutes is None:
            raise Invalid("durationMinutes: is required", path="durationMinutes")
        people = list(body.attendees or ())
        if len(people) > MOST:
            raise Invalid(f"attendees: {MOST} at most", path="attendees")
        emails = list(dict.fromkeys(person.email for person in people if person.email))
        _check(emails)
        read = {one.email: one for one in await _schedules(account, session, emails, first, last)} if emails else {}
        search = _search(account, body, (moment(first), moment(last)))
        own = await self._work_hours.of(account, session) if account.email.lower() in map(str.lower, emails) else None
        attendees = [_attendee(search, at, person, read, own, account) for at, person in enumerate(people)]
        items = [_interval(span) for span in suggested(search, attendees)]
        shown = [_shown(person, read, one) for person, one in zip(people, attendees, strict=True)]
        return SuggestMeetingTimesResponse(items=items, attendees=shown)


def _window(time_min: datetime | None, time_max: datetime | None) -> tuple[datetime, datetime]:
    if time_min is None or time_max is None:
        missing = "timeMin" if time_min is None else "timeMax"
        raise Invalid(f"{missing}: is required", path=missing)
    bounded((moment(time_min), moment(time_max)))
    return time_min, time_max


def _emails(given: Sequence[str] | None) -> list[str]:
    if not given:
        raise Invalid("emails: at least one is needed", path="emails")
    if len(given) > MOST:
        raise Invalid(f"emails: {MOST} at most", path="emails")
    return list(given)


def _check(emails: Sequence[str]) -> None:
    for email in emails:
        if not is_address(email):
            raise Invalid(f"attendees: {email[:80]!r} is not an e-mail address", path="attendees")


async def _schedules(
    account: Account, session: Session, emails: Sequence[str], first: datetime, last: datetime
) -> list[FreeBusySchedule]:
    """One for each address, whatever the provider left out; what is no address is not asked for."""
    asked = [email for email in emails if is_address(email)]
    told = await busy(account, session, asked, first, last) if asked else ()
    found = {(one.email or "").lower(): one for one in told}
    missing = {email: FreeBusySchedule(error=_MISSING if email in asked else _NO_ADDRESS) for email in emails}
    return [found.get(email.lower(), missing[email]).model_copy(update={"email": email}) for email in emails]


def _same(account: Account, email: str | None) -> bool:
    return (email or "").lower() == account.email.lower()


def _search(account: Account, body: SuggestMeetingTimesRequest, span: Span) -> Search:
    default = body.default_timezone or (body.default_work_hours and body.default_work_hours.timezone)
    zone = zone_named(default or zone_of(account), "defaultTimezone")
    base = hours(body.default_work_hours, zone, None, "defaultWorkHours")
    dated = hours(None, zone, body.availability_intervals)
    return Search(
        span,
        body.duration_minutes or 0,
        zone,
        step_minutes=body.availability_step,
        buffer_minutes=body.buffer_between_minutes or 0,
        hours=base,
        dates=dated.dates if dated else (),
        free_statuses=frozenset(status.value for status in body.free_statuses),
    )


def _attendee(
    search: Search,
    number: int,
    person: MeetingAttendee,
    read: Mapping[str | None, FreeBusySchedule],
    own: WeekWorkSchedule | None,
    account: Account,
) -> Attendee:
    """Who cannot be read is from outside: what the request says of them is all there is to know."""
    seen = read.get(person.email)
    readable = seen is not None and seen.error is None
    zone = zone_named(person.timezone, f"attendees.{number}.timezone") if person.timezone else None
    given = person.work_hours or (own if _same(account, person.email) and search.hours is None else None)
    return Attendee(
        events=_events(seen) if seen is not None and readable else (),
        busy=_spans(person.busy_intervals, f"attendees.{number}.busyIntervals"),
        free=_spans(person.free_intervals, f"attendees.{number}.freeIntervals"),
        hours=hours(given, zone or search.zone, None, f"attendees.{number}.workHours"),
        zone=zone,
        outside=not readable,
    )


def _events(seen: FreeBusySchedule) -> list[Event]:
    return [
        event(item.start, item.end, item.status or ShowAs.BUSY)
        for item in seen.items or ()
        if item.start is not None and item.end is not None
    ]


def _spans(given: Sequence[TimeInterval] | None, path: str) -> list[Span]:
    found = []
    for number, one in enumerate(given or ()):
        if one.start is None and one.end is None:
            raise Invalid(f"{path}.{number}: start or end is needed", path=f"{path}.{number}")
        start = ALWAYS[0] if one.start is None else moment(one.start)
        found.append((start, ALWAYS[1] if one.end is None else moment(one.end)))
    return found


def _interval(span: Span) -> TimeInterval:
    return TimeInterval(start=datetime.fromtimestamp(span[0], UTC), end=datetime.fromtimestamp(span[1], UTC))


def _shown(person: MeetingAttendee, read: Mapping[str | None, FreeBusySchedule], attendee: Attendee) -> MeetingAttendee:
    seen = read.get(person.email)
    error = seen.error if seen is not None else None
    if error is None and attendee.outside and not attendee.is_known():
        error = "nothing is known of this attendee: name busyIntervals or freeIntervals"
    return person.model_copy(update={"error": error, "busy_intervals": None, "free_intervals": None})
