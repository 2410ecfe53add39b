"""Recurrence in the two notations of the contract: iCalendar lines, and a simple pattern with its range."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from schemas.base import HeaderText, Model
from schemas.when import DayOfWeek, EventDateTime

_READ_ONLY = {"readOnly": True}


class Notation(StrEnum):
    """A notation of recurrence."""

    SIMPLE = "simple"
    ICAL = "ical"


class Frequency(StrEnum):
    """What a simple pattern repeats by."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    MONTHLY_RELATIVE = "monthlyRelative"
    YEARLY = "yearly"
    YEARLY_RELATIVE = "yearlyRelative"


class WeekStart(StrEnum):
    """First day of a week."""

    MONDAY = "monday"
    SUNDAY = "sunday"


class Instance(StrEnum):
    """Which of the matching days of a month."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"
    LAST = "last"


class RangeType(StrEnum):
    """How a recurrence ends."""

    BY_DATE = "byDate"
    BY_COUNT = "byCount"
    UNBOUNDED = "unbounded"


class RecurrenceIcal(Model):
    """Recurrence as iCalendar lines."""

    rules: Annotated[list[HeaderText] | None, Field(description="RRULE, EXDATE, RDATE lines")] = None
    recurrence_start: EventDateTime | None = None


class RecurrenceSimplePattern(Model):
    """Recurrence as structured fields."""

    frequency: Frequency | None = None
    interval: Annotated[int, Field(ge=1, le=9999)] = 1
    days_of_week: list[DayOfWeek] | None = None
    week_start: WeekStart | None = None
    day_of_month: Annotated[int | None, Field(ge=1, le=31)] = None
    month_of_year: Annotated[int | None, Field(ge=1, le=12)] = None
    instance: Instance | None = None


def _day(value: Any) -> Any:
    """A date; of a date-time, which some clients send, its date."""
    return value[:10] if isinstance(value, str) and value[10:11] == "T" else value


class RecurrenceSimpleRange(Model):
    """How long a recurrence runs; the end date is the last possible day, in the zone of the series."""

    type: RangeType | None = None
    recurrence_start: EventDateTime | None = None
    recurrence_end: Annotated[date | None, BeforeValidator(_day)] = None
    count: Annotated[int | None, Field(ge=1)] = None
    pattern_exclusions: Annotated[list[EventDateTime] | None, Field(json_schema_extra=_READ_ONLY)] = None


class RecurrenceSimple(Model):
    """Structured recurrence."""

    pattern: RecurrenceSimplePattern | None = None
    range: RecurrenceSimpleRange | None = None


class Recurrence(Model):
    """Recurrence in both notations; original says which one the provider keeps.

    What the simple pattern cannot say is told in `ical` only.
    """

    original: Annotated[Notation | None, Field(json_schema_extra=_READ_ONLY)] = None
    ical: RecurrenceIcal | None = None
    simple: RecurrenceSimple | None = None


class OccurrenceType(StrEnum):
    """What became of an occurrence."""

    REGULAR = "regular"
    MODIFIED = "modified"
    DELETED = "deleted"


class OccurrenceInfo(Model):
    """Position of an event inside its series."""

    id: str | None = None
    type: OccurrenceType | None = None
    original_start: EventDateTime | None = None
    start: EventDateTime | None = None
    master_id: str | None = None
