"""The zones of one calendar text: what each TZID in it means."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from providers.formats import values
from providers.formats.contentlines import Component
from providers.formats.timezones.names import guessed_name, iana_name
from providers.formats.timezones.rules import zone_of

_MAX_ZONES = 100  # in one text


@dataclass(frozen=True, slots=True)
class Zone:
    """Where a wall time is; `name` is None for rules that no IANA name is known for."""

    rules: tzinfo
    name: str | None


IN_UTC = Zone(UTC, "UTC")


def named(name: str) -> Zone:
    """The zone of an IANA name."""
    return IN_UTC if name == "UTC" else Zone(ZoneInfo(name), name)


class Zones:
    """Resolves the TZIDs of a VCALENDAR: by name, else by the VTIMEZONE that it brings, else by what
    the name looks like.

    Nothing is shared between texts: a TZID that one calendar defines says nothing about another.
    """

    def __init__(self, calendar: Component, floating: str | None = None) -> None:
        """`floating` is the IANA name of where wall times without a zone are; the calendar's own word goes first."""
        said = iana_name(values.text(calendar.value("X-WR-TIMEZONE") or ""))
        self.floating = named(said or floating or "UTC")
        self._described = {
            values.text(zone.value("TZID") or ""): zone for zone in calendar.of("VTIMEZONE")[:_MAX_ZONES]
        }
        self._found: dict[str, Zone] = {}

    def zone(self, tzid: str | None) -> Zone:
        """The zone of a TZID; of none, and of one that nothing explains, where floating times are."""
        if tzid is None:
            return self.floating
        if tzid not in self._found:
            self._found[tzid] = self._resolve(tzid)
        return self._found[tzid]

    def _resolve(self, tzid: str) -> Zone:
        described = self._described.get(tzid)
        name = iana_name(tzid)
        if name is None and described is not None:
            name = iana_name(values.text(described.value("X-LIC-LOCATION") or ""))
        if name is not None:
            return named(name)
        rules = zone_of(described) if described is not None else None
        if rules is not None:
            return Zone(rules, None)
        guessed = guessed_name(tzid)
        return named(guessed) if guessed else self.floating
