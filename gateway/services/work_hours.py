"""Work hours of accounts: those that were given here, else the provider's, else office hours."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from gateway.identity import Account
from gateway.services.availability.clock import zone_named
from gateway.services.availability.hours import ALL_WEEK, DatedHours, DayHours, Hours, day_hours, week
from gateway.store.database import Database
from gateway.store.queries import booking
from providers.base.collection import verbs
from providers.base.errors import Invalid, ProviderError
from providers.base.provider import Session
from schemas.schedules import AvailabilityIntervals, DayWorkSchedule, WeekWorkSchedule, WorkingInterval
from schemas.when import DayOfWeek

OURS, PROVIDERS, DEFAULT = "account", "provider", "default"  # WeekWorkSchedule.source
_DAYS = tuple(DayOfWeek)
_OFFICE = (WorkingInterval(start="09:00:00", end="17:00:00"),)


class WorkHours:
    """Keeps and finds them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, account: Account, session: Session | None) -> WeekWorkSchedule:
        """The hours of an account; `session` is asked where none were given here."""
        stored = (await self.stored([account.id])).get(account.id)
        return stored or await provided(account, session) or office(account)

    async def stored(self, accounts: Sequence[int]) -> dict[int, WeekWorkSchedule]:
        """Those that were given here, by account id."""
        async with self._database.read() as session:
            found = await booking.work_hours(session, accounts)
        return {account: WeekWorkSchedule.model_validate(schedule) for account, schedule in found.items()}

    async def put(self, account: Account, schedule: WeekWorkSchedule) -> WeekWorkSchedule:
        """Give an account hours of its own; without days they are forgotten. Raises `Invalid` with the path."""
        kept: dict[str, Any] | None = None
        if schedule.day_schedules is not None:
            zone = schedule.timezone or zone_of(account)
            schedule = schedule.model_copy(update={"timezone": zone, "source": OURS})
            hours(schedule, zone_named(zone), path="")
            kept = schedule.model_dump(mode="json", by_alias=True, exclude_none=True)
        async with self._database.session() as session:
            await booking.put_work_hours(session, account.id, kept)
        return schedule if kept is not None else office(account)


async def provided(account: Account, session: Session | None) -> WeekWorkSchedule | None:
    """The provider's, where it keeps any."""
    port = session.calendars if session else None
    if port is None or "work_hours" not in verbs(port):
        return None
    try:
        found = await port.work_hours([account.email])
    except ProviderError:  # hours are a courtesy: without them there are office hours
        return None
    given = found[0].work_hours if found else None
    return given.model_copy(update={"source": PROVIDERS}) if given and given.day_schedules else None


def office(account: Account) -> WeekWorkSchedule:
    """Monday to Friday, nine to five by the account's clock."""
    days = [DayWorkSchedule(day_of_week=day, working_intervals=list(_OFFICE)) for day in _DAYS[:5]]
    return WeekWorkSchedule(day_schedules=days, timezone=zone_of(account), source=DEFAULT)


def zone_of(account: Account) -> str:
    """The account's time zone; UTC where none is known, or none that exists."""
    try:
        return zone_named(account.timezone or "UTC").key
    except Invalid:
        return "UTC"


def hours(
    schedule: WeekWorkSchedule | None,
    zone: ZoneInfo,
    dates: AvailabilityIntervals | None = None,
    path: str = "workHours",
) -> Hours | None:
    """Hours for the computation, None where neither names any. `zone` is that of a schedule which names none. Raises
    `Invalid` with the field's path."""
    dated = tuple(_dated(dates))
    if schedule is None or schedule.day_schedules is None:
        return Hours(zone, ALL_WEEK, dated) if dated else None
    zone = zone_named(schedule.timezone, f"{path}.timezone") if schedule.timezone else zone
    days: dict[int, list[DayHours]] = {}
    for number, day in enumerate(schedule.day_schedules):
        where = f"{path}.daySchedules.{number}".lstrip(".")
        if day.day_of_week is None:
            raise Invalid(f"{where}.dayOfWeek is missing", path=f"{where}.dayOfWeek")
        days.setdefault(_DAYS.index(day.day_of_week), []).extend(_day(day.working_intervals or (), where))
    return Hours(zone, week(days), dated)


def _dated(dates: AvailabilityIntervals | None) -> list[DatedHours]:
    found = []
    for number, one in enumerate((dates.intervals if dates else None) or ()):
        where = f"availabilityIntervals.intervals.{number}"
        if one.date_start_inclusive is None:
            raise Invalid(f"{where}.dateStartInclusive is missing", path=f"{where}.dateStartInclusive")
        last = one.date_end_inclusive or one.date_start_inclusive
        found.append(DatedHours(one.date_start_inclusive, last, tuple(_day(one.hours or (), where))))
    return found


def _day(intervals: Sequence[WorkingInterval], where: str) -> list[DayHours]:
    found = []
    for number, one in enumerate(intervals):
        path = f"{where}.workingIntervals.{number}"
        if one.start is None or one.end is None:
            raise Invalid(f"{path}: both start and end are needed", path=path)
        found.append(day_hours(one.start, one.end, path))
    return found
