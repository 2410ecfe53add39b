"""Moments and dates of calendars: time zones, all-day dates, weekdays, spans (behaviour.md, section 10)."""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from schemas.base import Instant, Model

_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d|24:00:00")


_Time = TypeVar("_Time", bound=date)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(value: str) -> str:
    if value not in _zones():
        raise ValueError(f"{value[:80]!r} is not a time zone of the IANA database, such as Europe/Berlin")
    return value


def _clock_time(value: str) -> str:
    if not _CLOCK.fullmatch(value):
        raise ValueError("must be a time of day as HH:MM:SS, at most 24:00:00")
    return value


def in_order(first: date | None, last: _Time | None, name: str) -> _Time | None:
    """`last`, unless it is before `first`, the field `name` of the same body. Raises ValueError."""
    if first is not None and last is not None and last < first:
        raise ValueError(f"is before {name}")
    return last


#: The name of a time zone in the IANA database, old aliases included.
TimeZoneName = Annotated[str, AfterValidator(_known_zone)]
#: A local time of day, `HH:MM:SS`; 24:00:00 is the end of the day.
ClockTime = Annotated[str, Field(pattern=r"^\d{2}:\d{2}:\d{2}$"), AfterValidator(_clock_time)]


class DayOfWeek(StrEnum):
    """Weekday."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class EventDateTime(Model):
    """All-day date or moment; exactly one of dateOnly and dateTime.

    `timezone` is where the moment has its wall time; without it the moment is one of UTC.
    """

    date_only: date | None = None
    date_time: Instant | None = None
    timezone: TimeZoneName | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "EventDateTime":
        if self.date_only is not None and self.date_time is not None:
            raise ValueError("dateOnly and dateTime exclude each other: all-day dates have no time")
        if self.date_only is None and self.date_time is None:
            raise ValueError("dateOnly (all-day) or dateTime (with an offset) is missing")
        if self.date_time is not None and not 1 < self.date_time.year < 9999:
            raise ValueError("dateTime: the year is out of range")
        return self

    @property
    def all_day(self) -> bool:
        """Whether this is a date and no moment."""
        return self.date_only is not None

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the wall time; UTC where none is named."""
        return ZoneInfo(self.timezone or "UTC")

    @property
    def wall(self) -> date | datetime:
        """The date, or the wall time in the zone as a naive datetime."""
        if self.date_only is not None:
            return self.date_only
        assert self.date_time is not None
        return self.date_time.astimezone(self.zone).replace(tzinfo=None)

    def instant(self, default: ZoneInfo | None = None) -> datetime:
        """The moment in UTC; a date begins at midnight of its zone, or of `default` where it names none."""
        if self.date_time is not None:
            return self.date_time.astimezone(UTC)
        assert self.date_only is not None
        zone = self.zone if self.timezone or default is None else default
        return datetime(self.date_only.year, self.date_only.month, self.date_only.day, tzinfo=zone).astimezone(UTC)


class TimeInterval(Model):
    """Moment span, half-open."""

    start: Instant | None = None
    end: Instant | None = None

    @field_validator("end")
    @classmethod
    def _not_before_start(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        return in_order(info.data.get("start"), end, "start")
