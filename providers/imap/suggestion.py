"""What discovery looks at, and what it comes back with."""

from dataclasses import dataclass

from dns.resolver import Resolver

from providers.imap.grant import Endpoint


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look; `{domain}` is replaced. Tests point it at servers of their own."""

    resolver: Resolver | None = None  # None: as the system is configured
    documents: tuple[str, ...] = (
        "https://autoconfig.thunderbird.net/v1.1/{domain}",
        "https://autoconfig.{domain}/mail/config-v1.1.xml",
    )
    ports: frozenset[int] = frozenset({993, 143, 465, 587})  # no others are taken from a record or a document


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Servers to try. The logins may hold %EMAILADDRESS%, %EMAILLOCALPART% and %EMAILDOMAIN%."""

    imap: Endpoint
    smtp: Endpoint | None = None
    brand: str | None = None
    login: str = "%EMAILADDRESS%"
    smtp_login: str = "%EMAILADDRESS%"
