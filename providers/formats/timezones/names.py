"""What a calendar calls a time zone -> its name in the IANA database.

Order (providers.md 5.4): IANA names and their old aliases, Windows names, paths of vendors; what a calendar describes
itself; then what can be guessed from what people read ("(UTC+01:00) Amsterdam, Berlin"), and offsets from UTC. Windows
names are those of CLDR windowsZones, territory 001, as `tzlocal` ships them.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from zoneinfo import available_timezones

from tzlocal.windows_tz import tz_win, win_tz

UTC = "UTC"

_MAX_NAME = 200  # characters; longer ones are no names
_UTC_OFFSET = re.compile(r"(?:UTC|GMT|Z)?([+-])(\d\d?)(?::?(\d\d))?")
_LABEL_OFFSET = re.compile(r"\((?:UTC|GMT)([+-])(\d\d?)(?:[:.]?(\d\d))?\)")
_LABEL = re.compile(r"^\((?:utc|gmt)[^)]*\)\s*|\s*\([^)]*\)$")
_PARTS = re.compile(r"[,/;]")
_REGION = re.compile(r"(?:africa|america|antarctica|asia|atlantic|australia|europe|indian|pacific)/")
_NOT_ZONES = frozenset(("factory", "localtime", "posixrules"))
_OWN = {
    "z": UTC,
    "utc": UTC,
    "gmt": "Etc/GMT",
    "utc/gmt": UTC,
    "coordinated universal time": UTC,
    "us/pacific-new": "US/Pacific",
}


@cache
def _known() -> Mapping[str, str]:
    """IANA and Windows names in lower case -> IANA name."""
    zones = available_timezones()  # reads folders: once
    windows = {name.lower(): zone for name, zone in win_tz.items() if zone in zones}
    iana = {name.lower(): name for name in zones if name.lower() not in _NOT_ZONES}
    return {**windows, **iana, **_OWN}


@lru_cache(maxsize=2000)
def iana_name(tzid: str) -> str | None:
    """The IANA name behind a TZID; None when the name alone does not tell."""
    name = _plain(tzid)
    return _known().get(name) or _known().get(name.replace(" ", "_")) or _of_path(name) if name else None


@lru_cache(maxsize=2000)
def guessed_name(tzid: str) -> str | None:
    """What a TZID that no calendar describes most likely means; None when nothing tells."""
    name = _plain(tzid)
    return iana_name(name) or _of_label(name) or _of_offset(name) if name else None


def _plain(tzid: str) -> str:
    name = tzid.strip().strip('"').strip().lower()
    return name if len(name) <= _MAX_NAME else ""


def windows_name(name: str) -> str | None:
    """The Windows name of an IANA zone; None where CLDR has none."""
    return tz_win.get(name)


def _of_path(name: str) -> str | None:
    """`/freeassociation.sourceforge.net/Tzfile/Europe/Berlin`, `tzone://Microsoft/Utc`."""
    parts = [part for part in name.replace("://", "/").split("/") if part]
    if len(parts) < 2:
        return None
    found = (_known().get("/".join(parts[-length:])) for length in (3, 2, 1))
    return next(filter(None, found), None)


@cache
def _cities() -> Mapping[str, str]:
    """The last part of IANA names of the world's regions -> the name."""
    return {name.rpartition("/")[2]: zone for name, zone in _known().items() if _REGION.match(name)}


def _of_label(name: str) -> str | None:
    """`(UTC-05:00) Eastern Time (US & Canada)`, `(GMT+01.00) Amsterdam / Berlin / Rome`: Windows' names as people see
    them, by the kind of time or by the first city that is known."""
    text = _LABEL.sub("", name)
    kind = _known().get(text.removesuffix(" time") + " standard time") if text.endswith(" time") else None
    cities = (_cities().get(city.strip().replace(" ", "_")) for city in _PARTS.split(text))
    return kind or next(filter(None, cities), None)


def _of_offset(name: str) -> str | None:
    """`GMT+0200`, `(UTC+02:00) Somewhere` are Etc/GMT-2: those names count westwards. Offsets with minutes have no
    name."""
    match = _UTC_OFFSET.fullmatch(name.upper()) or _LABEL_OFFSET.match(name.upper())
    if match is None or int(match[3] or 0):
        return None
    sign, hours = ("-" if match[1] == "+" else "+"), int(match[2])
    return _known().get(f"etc/gmt{sign}{hours}" if hours else "utc")
