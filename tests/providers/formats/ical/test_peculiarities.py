"""What programs in use write beside the standard, or at its edges: read as it was meant, and kept."""

from datetime import UTC, date, datetime

import pytest

from providers.formats import contentlines
from providers.formats.ical import read
from providers.formats.ical.occurrences import between
from providers.formats.ical.resource import Resource, resources
from providers.formats.ical.write import update
from schemas.calendar import Event

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
BERLIN = """BEGIN:VTIMEZONE
TZID:{}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def resource(*events: str, zone: str = "") -> Resource:
    """One event of these lines, with its changed occurrences."""
    shown = "".join(f"BEGIN:VEVENT\nUID:u\n{event}\nEND:VEVENT\n" for event in events)
    [found] = resources(f"BEGIN:VCALENDAR\nVERSION:2.0\n{zone}{shown}END:VCALENDAR\n".encode())
    return found


def spans(found: Resource) -> list[tuple[str, str]]:
    """Start and end of everything in the year, in UTC."""
    return [(f"{one.span.start.moment:%m%d %H%M}", f"{one.span.end.moment:%m%d %H%M}") for one in between(found, *YEAR)]


@pytest.mark.parametrize(
    ("lines", "start", "end"),
    [
        ("DTSTART;TZID=tzone://Microsoft/Utc:20260701T090000\nDURATION:PT45M", "0701 0900", "0701 0945"),
        ('DTSTART;TZID="(UTC+01:00) Amsterdam, Berlin":20260701T090000', "0701 0700", "0701 0700"),
        ('DTSTART;TZID="(UTC-05:00) Eastern Time (US & Canada)":20260701T090000', "0701 1300", "0701 1300"),
        ("DTSTART;TZID=(GMT-03.00) Nowhere:20260701T090000", "0701 1200", "0701 1200"),
        ("DTSTART:20260701T090000Z\nDURATION:-PT1H", "0701 0900", "0701 0900"),
        ("DTSTART:20260701T090000Z\nDTEND:20260701T080000Z", "0701 0900", "0701 0900"),
        ("DTSTART:20260701T090000Z\nDTEND;VALUE=DATE:20260702", "0701 0900", "0702 0000"),
        ("DTSTART;VALUE=DATE:20260701\nDURATION:P2D", "0701 0000", "0703 0000"),
        ("DTSTART:20260701\nDTEND:20260701", "0701 0000", "0702 0000"),
        ("DTSTART;VALUE=DATE-TIME;TZID=Europe/Berlin:20260701T090000\nDURATION:P1DT1H", "0701 0700", "0702 0800"),
    ],
)
def test_times(lines: str, start: str, end: str) -> None:
    assert spans(resource(lines)) == [(start, end)]


def test_a_zone_that_looks_like_an_offset_is_what_the_calendar_says() -> None:
    zone = "GMT+0100"
    event = f"DTSTART;TZID={zone}:20260701T090000\nDURATION:PT1H"
    assert spans(resource(event, zone=BERLIN.format(zone))) == [("0701 0700", "0701 0800")]
    assert spans(resource(event)) == [("0701 0800", "0701 0900")]


SERIES = "DTSTART;TZID=Europe/Berlin:20260701T090000\nDURATION:PT1H\n"


@pytest.mark.parametrize(
    ("lines", "starts"),
    [
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260702", ["0701 0700", "0703 0700"]),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260702T070000Z", ["0701 0700", "0703 0700"]),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260702T090000", ["0701 0700", "0703 0700"]),
        ("RRULE:FREQ=DAILY;UNTIL=20260702", ["0701 0700", "0702 0700"]),
        ("RRULE:FREQ=DAILY;UNTIL=20260702T090000", ["0701 0700", "0702 0700"]),
        ("RDATE:20260702T090000,20260703T090000", ["0701 0700"]),
        ("RDATE;TZID=America/New_York:20260702T030000", ["0701 0700", "0702 0700"]),
        ("rrule:freq=daily;count=2;", ["0701 0700", "0702 0700"]),
        ("RRULE:FREQ=DAILY;COUNT=4\nEXRULE:FREQ=DAILY;INTERVAL=2;COUNT=2", ["0702 0700", "0704 0700"]),
    ],
)
def test_series(lines: str, starts: list[str]) -> None:
    found = spans(resource(SERIES + lines))
    assert [start for start, _ in found][: len(starts)] == starts
    assert all(end[5:] == f"{int(start[5:7]) + 1:02}00" for start, end in found)


PERIODS = "RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20260702T090000/20260702T120000,20260703T090000/PT30M"


def test_an_added_period_has_its_own_length() -> None:
    found = resource(SERIES + PERIODS)
    assert spans(found) == [("0701 0700", "0701 0800"), ("0702 0700", "0702 1000"), ("0703 0700", "0703 0730")]
    patch = Event.model_validate(
        {
            "start": {"dateTime": "2026-07-01T10:00:00+02:00", "timezone": "Europe/Berlin"},
            "end": {"dateTime": "2026-07-01T11:00:00+02:00", "timezone": "Europe/Berlin"},
        }
    )
    update(found, patch, NOW)
    [again] = resources(contentlines.write(found.calendar))
    assert spans(again) == [("0701 0800", "0701 0900"), ("0702 0800", "0702 1100"), ("0703 0800", "0703 0830")]


@pytest.mark.parametrize(
    "recurrence_id",
    ["RECURRENCE-ID;VALUE=DATE:20260702", "RECURRENCE-ID:20260702T070000Z", "RECURRENCE-ID:20260702T090000"],
)
def test_an_occurrence_may_be_named_in_other_terms(recurrence_id: str) -> None:
    found = resource(f"{SERIES}RRULE:FREQ=DAILY;COUNT=3", f"{recurrence_id}\nDTSTART:20260702T150000Z\nDURATION:PT1H")
    assert [start for start, _ in spans(found)] == ["0701 0700", "0702 1500", "0703 0700"]


def test_texts_of_old_programs() -> None:
    """Octets in quoted-printable with soft line ends, lower-case names, a mark of the byte order."""
    lines = "DTSTART:20260701T090000Z\nSUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Caf=C3=A9=\n =3D one;=0D=0Atwo"
    text = f"\ufeffBEGIN:VCALENDAR\nVERSION:1.0\nbegin:vevent\nuid:u\n{lines}\nend:vevent\nEND:VCALENDAR\n"
    [found] = resources(text.encode())
    assert read.master(found, "x").subject == "Café = one;\ntwo"


def test_days_stay_days() -> None:
    shown = read.master(resource("DTSTART;VALUE=DATE:20260701"), "x")
    assert shown.start is not None and shown.end is not None
    assert (shown.start.date_only, shown.end.date_only) == (date(2026, 7, 1), date(2026, 7, 2))
