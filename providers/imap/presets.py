"""Mailbox hosts that need no discovery: their servers, their domains, and habits that a client has to know.

Vendors' own pages, 2026: Gmail and Yahoo, AOL, iCloud want an app password; Outlook takes XOAUTH2 only for IMAP.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from providers.imap.grant import Endpoint, Security
from schemas.accounts import ServiceProvider

CONNECTIONS = 10  # to one account, where nothing is known: the default of Dovecot (mail_max_userip_connections)


@dataclass(frozen=True, slots=True)
class Preset:
    """One host. `mx` are the endings of its MX names; `files_copies`: what is submitted appears in Sent by itself;
    `local_login`: IMAP may want the part before the @ as user name, submission the whole address; `connections`: how
    many at once one client may have to an account (Google publishes it, the other numbers are cautious guesses)."""

    brand: ServiceProvider
    imap: str
    smtp: str
    domains: frozenset[str] = frozenset()
    smtp_port: int = 465
    mx: tuple[str, ...] = ()
    files_copies: bool = False
    local_login: bool = False
    connections: int = CONNECTIONS

    def imap_endpoint(self, *, verify: bool = True) -> Endpoint:
        """Where to read."""
        return Endpoint(host=self.imap, port=993, verify=verify)

    def smtp_endpoint(self, *, verify: bool = True) -> Endpoint:
        """Where to submit."""
        security = Security.TLS if self.smtp_port == 465 else Security.STARTTLS
        return Endpoint(host=self.smtp, port=self.smtp_port, security=security, verify=verify)


def _countries(name: str, endings: str) -> set[str]:
    return {f"{name}.{ending}" for ending in endings.split()}


_MICROSOFT = (
    _countries("outlook", "com at be cl cz de dk es fr hu ie in it jp kr lv my ph pt sa sg sk co.id co.il co.th com.ar")
    | _countries("outlook", "com.au com.br com.gr com.tr com.vn")
    | _countries("hotmail", "com at be ch cl co.in co.jp co.kr co.nz co.th co.uk com.ar com.au com.br com.tr cz de dk")
    | _countries("hotmail", "es fi fr gr hu it lt lv nl no se sk")
    | _countries("live", "com at be ca cl cn co.kr co.uk co.za com.ar com.au com.mx com.pt com.sg de dk fi fr ie in it")
    | _countries("live", "jp nl no se")
    | {"msn.com", "passport.com", "windowslive.com"}
)
_YAHOO = (
    _countries("yahoo", "com at be ca co.id co.il co.in co.kr co.nz co.th co.uk co.za com.ar com.au com.br com.co")
    | _countries("yahoo", "com.hk com.mx com.my com.pe com.ph com.sg com.tr com.tw com.ve com.vn cz de dk es fi fr")
    | _countries("yahoo", "gr hu ie in it nl no pl pt ro se")
    | {"ymail.com", "rocketmail.com", "myyahoo.com"}
)
_AOL = _countries("aol", "com de fr it es co.uk com.ar com.au com.br ca in jp nl pl se") | {"aim.com", "love.com"}
_FASTMAIL = {
    "fastmail.com",
    "fastmail.fm",
    "fastmail.net",
    "fastmail.org",
    "fastmail.co.uk",
    "fastmail.de",
    "fmail.co.uk",
}
_FASTMAIL |= {"fastmail.us", "messagingengine.com", "sent.com", "mailbolt.com", "eml.cc", "imap.cc"}
_BIGPOND = {"bigpond.com", "bigpond.net.au", "bigpond.com.au", "telstra.com", "bigpond.net"}

_ZOHO = tuple(
    Preset(
        ServiceProvider.ZOHO,
        f"imap.zoho.{ending}",
        f"smtp.zoho.{ending}",
        frozenset({f"zoho.{ending}", f"zohomail.{ending}"}),
        mx=(f".zoho.{ending}",),
    )
    for ending in ("com", "eu", "in", "com.au", "jp")
)

#: In the order in which they are tried for a brand; a brand's first one is its usual one.
PRESETS: tuple[Preset, ...] = (
    Preset(
        ServiceProvider.GOOGLE,
        "imap.gmail.com",
        "smtp.gmail.com",
        frozenset({"gmail.com", "googlemail.com"}),
        mx=(".google.com", ".googlemail.com"),
        files_copies=True,
        connections=15,
    ),
    Preset(
        ServiceProvider.OFFICE365,
        "outlook.office365.com",
        "smtp.office365.com",
        smtp_port=587,
        mx=(".mail.protection.outlook.com", ".mx.microsoft"),
        files_copies=True,
        connections=8,
    ),
    Preset(
        ServiceProvider.OFFICE365,
        "outlook.office365.com",
        "smtp-mail.outlook.com",
        frozenset(_MICROSOFT),
        smtp_port=587,
        mx=(".olc.protection.outlook.com",),
        files_copies=True,
        connections=8,
    ),
    Preset(
        ServiceProvider.AOL,
        "imap.aol.com",
        "smtp.aol.com",
        frozenset(_AOL),
        mx=(".mail.gm0.yahoodns.net",),
        connections=5,
    ),
    Preset(
        ServiceProvider.YAHOO,
        "imap.mail.yahoo.com",
        "smtp.mail.yahoo.com",
        frozenset(_YAHOO),
        mx=(".yahoodns.net",),
        connections=5,
    ),
    Preset(
        ServiceProvider.ICLOUD,
        "imap.mail.me.com",
        "smtp.mail.me.com",
        frozenset({"icloud.com", "me.com", "mac.com"}),
        smtp_port=587,
        mx=(".mail.icloud.com",),
        local_login=True,
        connections=6,
    ),
    Preset(
        ServiceProvider.FASTMAIL,
        "imap.fastmail.com",
        "smtp.fastmail.com",
        frozenset(_FASTMAIL),
        mx=(".messagingengine.com",),
    ),
    *_ZOHO,
    Preset(ServiceProvider.BIG_POND, "imap.telstra.com", "smtp.telstra.com", frozenset(_BIGPOND)),
)

_BY_DOMAIN: Mapping[str, Preset] = {domain: preset for preset in PRESETS for domain in preset.domains}


def of_domain(domain: str) -> Preset | None:
    """The preset of a mail domain (lower case, ASCII)."""
    return _BY_DOMAIN.get(domain)


def of_brand(brand: str | None, domain: str = "") -> Preset | None:
    """The preset of a serviceProvider: the one that has the domain, else the brand's usual one."""
    known = [preset for preset in PRESETS if preset.brand == brand]
    return next((preset for preset in known if domain in preset.domains), known[0] if known else None)


def of_mx(exchange: str) -> Preset | None:
    """The preset of the host behind an MX name (lower case, without the final dot)."""
    matches = [
        (len(end), at, preset) for at, preset in enumerate(PRESETS) for end in preset.mx if exchange.endswith(end)
    ]
    return max(matches, key=lambda match: match[:2])[2] if matches else None


def of_host(host: str) -> Preset | None:
    """The preset whose IMAP server this is."""
    return next((preset for preset in PRESETS if preset.imap == host.lower()), None)


def connections(host: str) -> int:
    """How many connections at once one client may have to an account on this IMAP server."""
    preset = of_host(host)
    return preset.connections if preset is not None else CONNECTIONS


def files_copies(brand: str | None) -> bool:
    """Whether the brand's servers put what is submitted into the sent folder themselves."""
    preset = of_brand(brand)
    return preset is not None and preset.files_copies
