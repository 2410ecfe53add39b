"""Calendar texts to read: those that the icalendar package ships for its own tests, and those of recurring-ical-events,
which are fetched (its files are LGPL and therefore not copied here)."""

from importlib import resources as packages
from pathlib import Path

from tests.providers.formats import oracle


def icalendar_texts() -> dict[str, bytes]:
    """The .ics files of icalendar by name."""
    folder = Path(str(packages.files("icalendar.tests")))
    found = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.ics"))}
    assert found, "icalendar ships no calendars"
    return found


def recurring_texts() -> dict[str, bytes]:
    """The .ics files of recurring-ical-events by name. Skips without them."""
    return oracle.calendars()
