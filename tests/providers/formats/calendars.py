"""Calendar texts to read: those that the icalendar package ships for its own tests, and those of recurring-ical-events
where it is installed (its files are LGPL and therefore not copied here)."""

from importlib import resources as packages
from importlib.util import find_spec
from pathlib import Path

import pytest


def icalendar_texts() -> dict[str, bytes]:
    """The .ics files of icalendar by name."""
    return _texts("icalendar.tests")


def recurring_texts() -> dict[str, bytes]:
    """The .ics files of recurring-ical-events by name. Skips without it."""
    if find_spec("recurring_ical_events") is None:
        pytest.skip("SKIPPED RECURRING: recurring-ical-events is not installed (it asks for python-dateutil below 3)")
    return _texts("recurring_ical_events.test")


def _texts(package: str) -> dict[str, bytes]:
    folder = Path(str(packages.files(package)))
    found = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.ics"))}
    assert found, f"{package} ships no calendars"
    return found
