"""What passes for meetings: wishes, teams, meetings as they were read, and the time they take."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.store.tables import MeetingRow

#: How long a write at the provider may take; then its process is taken for dead.
LEASE = timedelta(minutes=2)
#: So long after it was written the provider's calendar shows an event to everybody: longer than any request takes.
SETTLING = timedelta(minutes=5)


class MeetingState(StrEnum):
    """Where a meeting stands."""

    HELD = "held"
    WRITING = "writing"
    UNKNOWN = "unknown"
    BOOKED = "booked"
    MOVING = "moving"
    CANCELLING = "cancelling"
    FAILED = "failed"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


#: States that hold no time.
ENDS = (MeetingState.FAILED, MeetingState.LAPSED, MeetingState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Team:
    """Accounts that meet; the event stands in the host's calendar."""

    host: int
    members: tuple[int, ...]
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A slot that somebody wants. `key` tells a repeated request; `hold` keeps the slot so long instead of booking."""

    application_id: int
    profile_id: int
    uid: str
    starts_at: datetime
    ends_at: datetime
    buffer_minutes: int
    sealed_plan: bytes = field(repr=False)
    hold: timedelta | None = None
    key: str | None = None
    public: bool = False


@dataclass(frozen=True, slots=True)
class Meeting:
    """A row as it was read; `fresh` when this call made it."""

    id: int
    application_id: int
    profile_id: int
    account_id: int
    state: MeetingState
    uid: str
    starts_at: datetime
    ends_at: datetime
    new_starts_at: datetime | None
    new_ends_at: datetime | None
    buffer_minutes: int
    group_xid: str | None
    calendar_id: str | None
    event_id: str | None
    sealed_plan: bytes = field(repr=False)
    revision: int = 0
    attempts: int = 0
    error: str | None = None
    expires_at: datetime | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """Time that is taken of an account; `pause` (minutes) is the part at its end that is kept free. It is `doubtful`
    when the meeting was last seen in its host's calendar some time ago."""

    account_id: int
    meeting_id: int
    start: datetime
    end: datetime
    pause: int
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The meeting, or none when somebody else has the time; then `settled` are meetings in the way that the calendar
    showed some time ago: their owners may have taken them out of it since."""

    meeting: Meeting | None
    settled: Sequence[int] = ()


def meeting(row: MeetingRow, *, fresh: bool = False) -> Meeting:
    """The value of a row."""
    names = [name for name in Meeting.__slots__ if name not in ("fresh", "state")]
    return Meeting(**{name: getattr(row, name) for name in names}, state=MeetingState(row.state), fresh=fresh)
