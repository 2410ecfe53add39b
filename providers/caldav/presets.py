"""Hosts whose DAV servers are known (vendors' own pages, 2026). All want an app-specific password; Google is left out:
its CalDAV takes OAuth only."""

from dataclasses import dataclass

from schemas.accounts import ServiceProvider


@dataclass(frozen=True, slots=True)
class Preset:
    """Where discovery begins."""

    brand: ServiceProvider
    calendars: str
    contacts: str
    domains: frozenset[str] = frozenset()


_ZOHO = tuple(
    Preset(
        ServiceProvider.ZOHO,
        f"https://calendar.zoho.{ending}/",
        f"https://contacts.zoho.{ending}/",
        frozenset({f"zoho.{ending}", f"zohomail.{ending}"}),
    )
    for ending in ("com", "eu", "in", "com.au", "jp")
)

PRESETS: tuple[Preset, ...] = (
    Preset(
        ServiceProvider.ICLOUD,
        "https://caldav.icloud.com/",
        "https://contacts.icloud.com/",
        frozenset({"icloud.com", "me.com", "mac.com"}),
    ),
    Preset(
        ServiceProvider.FASTMAIL,
        "https://caldav.fastmail.com/",
        "https://carddav.fastmail.com/",
        frozenset({"fastmail.com", "fastmail.fm", "messagingengine.com"}),
    ),
    Preset(
        ServiceProvider.YAHOO,
        "https://caldav.calendar.yahoo.com/",
        "https://carddav.address.yahoo.com/",
        frozenset({"yahoo.com", "ymail.com", "rocketmail.com"}),
    ),
    Preset(ServiceProvider.AOL, "https://caldav.aol.com/", "https://carddav.aol.com/", frozenset({"aol.com"})),
    *_ZOHO,
)


def of(brand: str | None, domain: str) -> Preset | None:
    """The preset of a serviceProvider (the one that has the mail domain, else its usual one), or of a mail domain."""
    known = [preset for preset in PRESETS if preset.brand == brand]
    found = next((preset for preset in known or PRESETS if domain in preset.domains), None)
    return found or (known[0] if known else None)
