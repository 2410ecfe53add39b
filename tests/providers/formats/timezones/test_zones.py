"""Zones by every kind of name, and zones described in the data: the same moments as the IANA database gives."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import icalendar
import pytest
from tzlocal.windows_tz import win_tz

from providers.formats.contentlines import Component, Line, parse, write
from providers.formats.timezones.calendar_zones import Zones
from providers.formats.timezones.describe import vtimezone
from providers.formats.timezones.names import guessed_name, iana_name, windows_name
from providers.formats.timezones.rules import RuleZone, zone_of
from tests.providers.formats.recurrence.strategies import ZONES


@pytest.mark.parametrize(
    ("tzid", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ('"America/New York"', "America/New_York"),
        ("Asia/Calcutta", "Asia/Calcutta"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"),
        ("/mozilla.org/20050126_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("GMT+0200", None),
        ("Z", "UTC"),
        ("tzone://Microsoft/Custom", None),
        ("Customized Time Zone", None),
        ("GMT+0530", None),
        ("../../etc/passwd", None),
        ("localtime", None),
        ("x" * 10_000, None),
        ("", None),
    ],
)
def test_names(tzid: str, name: str | None) -> None:
    assert iana_name(tzid) == name


@pytest.mark.parametrize(
    ("tzid", "name"),
    [
        ("GMT+0200", "Etc/GMT-2"),
        ("UTC-03:00", "Etc/GMT+3"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien", "Europe/Amsterdam"),
        ("(GMT+01.00) Sarajevo/Warsaw/Zagreb", "Europe/Sarajevo"),
        ("(UTC-08:00) Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("(UTC+02:00) Somewhere", "Etc/GMT-2"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("GMT+0530", None),
        ("Customized Time Zone", None),
        ("", None),
    ],
)
def test_names_that_can_be_guessed(tzid: str, name: str | None) -> None:
    assert guessed_name(tzid) == name


def test_every_windows_zone_has_a_place() -> None:
    assert {windows for windows in win_tz if iana_name(windows) != win_tz[windows]} == {"UTC"}  # ours is not Etc/UTC
    assert windows_name("Europe/Berlin") == "W. Europe Standard Time"


def _hours(year: int) -> list[datetime]:
    return [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(24 * 365)]


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("year", [2007, 2011, 2026, 2035])
def test_a_described_zone_is_the_zone(name: str, year: int) -> None:
    described = zone_of(vtimezone(name))
    assert described is not None
    theirs = ZoneInfo(name)
    for moment in _hours(year):
        ours, wanted = moment.astimezone(described), moment.astimezone(theirs)
        assert (ours.replace(tzinfo=None), ours.fold) == (wanted.replace(tzinfo=None), wanted.fold)
        wall = wanted.replace(tzinfo=None) + timedelta(minutes=30)  # some lie in gaps
        for fold in (0, 1):
            assert (
                wall.replace(tzinfo=described, fold=fold).utcoffset()
                == wall.replace(tzinfo=theirs, fold=fold).utcoffset()
            )


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(available_timezones() - {"localtime", "Factory"}))
def test_every_zone_is_described(name: str) -> None:
    described = zone_of(vtimezone(name))
    assert described is not None
    for moment in _hours(2026)[::3] + _hours(2038)[::3]:
        assert moment.astimezone(described).utcoffset() == moment.astimezone(ZoneInfo(name)).utcoffset()


@pytest.mark.parametrize("name", ZONES)
def test_icalendar_reads_what_is_described(name: str) -> None:
    """Not its zone object, whose cache is one for the process: its reading of the text."""
    calendar = Component("VCALENDAR", [Line("VERSION", "2.0"), Line("PRODID", "x")], [vtimezone(name)])
    (zone,) = icalendar.Calendar.from_ical(write(calendar)).walk("VTIMEZONE")
    assert not zone.errors
    assert all({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"} <= set(part) for part in zone.subcomponents)


def _calendar(tzid: str, *properties: str) -> Component:
    zone = "\n".join(
        [
            "BEGIN:VCALENDAR", *properties, "BEGIN:VTIMEZONE", f"TZID:{tzid}", "BEGIN:STANDARD",
            "DTSTART:16010101T030000", "TZOFFSETFROM:+0545", "TZOFFSETTO:+0445",
            "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD", "BEGIN:DAYLIGHT", "DTSTART:16010101T020000",
            "TZOFFSETFROM:+0445", "TZOFFSETTO:+0545", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "END:DAYLIGHT",
            "END:VTIMEZONE", "END:VCALENDAR",
        ]
    )  # fmt: skip
    return parse(zone.encode())[0]


def test_an_unknown_name_means_what_the_calendar_says() -> None:
    zone = Zones(_calendar("Customized Time Zone")).zone("Customized Time Zone")
    assert zone.name is None
    assert datetime(2026, 1, 1, tzinfo=zone.rules).utcoffset() == timedelta(hours=4, minutes=45)
    assert datetime(2026, 7, 1, tzinfo=zone.rules).utcoffset() == timedelta(hours=5, minutes=45)


def test_a_known_name_wins_over_the_description() -> None:
    assert Zones(_calendar("Europe/Berlin")).zone("Europe/Berlin").rules == ZoneInfo("Europe/Berlin")


def test_a_zone_of_one_calendar_is_unknown_in_the_next() -> None:
    assert isinstance(Zones(_calendar("Mine")).zone("Mine").rules, RuleZone)
    other = Zones(_calendar("Theirs"), floating="Asia/Tokyo")
    assert other.zone("Mine").name == "Asia/Tokyo"


def test_floating_times_are_where_the_calendar_is() -> None:
    assert Zones(_calendar("A", "X-WR-TIMEZONE:Europe/Rome"), floating="Asia/Tokyo").floating.name == "Europe/Rome"
    assert Zones(_calendar("A"), floating="Asia/Tokyo").floating.name == "Asia/Tokyo"
    assert Zones(_calendar("A")).floating.name == "UTC"
