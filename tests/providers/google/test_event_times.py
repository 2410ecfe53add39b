"""A moved start takes the end along, in whatever zone it is given."""

from datetime import UTC, datetime, timedelta

import pytest

from providers.google.event_times import moved
from schemas.when import EventDateTime

_SUMMER = {
    "start": {"dateTime": "2026-07-01T10:00:00+02:00", "timeZone": "Europe/Berlin"},
    "end": {"dateTime": "2026-07-01T11:00:00+02:00", "timeZone": "Europe/Berlin"},
}


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("month", [1, 7])
def test_the_length_stays(zone: str | None, month: int) -> None:
    wanted = EventDateTime(date_time=datetime(2026, month, 2, 10, tzinfo=UTC), timezone=zone)
    start, end = moved(_SUMMER, wanted, None)
    assert (start, end.instant() - start.instant()) == (wanted, timedelta(hours=1))
