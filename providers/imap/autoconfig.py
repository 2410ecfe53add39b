"""Which servers a mail domain has, when nobody says: presets, SRV records, Mozilla's autoconfig, MX; then guesses.

SRV: RFC 6186 and 8314. What is found is a suggestion: it is connected to under the guard of `net.py`, on the usual
four ports only.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import dns.exception
import dns.resolver

from providers.base.provider import ProviderSettings
from providers.imap import mozilla, presets
from providers.imap.grant import Endpoint, Security
from providers.imap.suggestion import Sources, Suggestion

_IMAP = (("_imaps._tcp", Security.TLS), ("_imap._tcp", Security.STARTTLS))
_SMTP = (("_submissions._tcp", Security.TLS), ("_submission._tcp", Security.STARTTLS))
_DNS_SECONDS = 3.0  # for one question


def of_preset(preset: presets.Preset) -> Suggestion:
    """A preset as a suggestion."""
    return Suggestion(preset.imap_endpoint(), preset.smtp_endpoint(), preset.brand)


def discover(domain: str, settings: ProviderSettings, sources: Sources) -> Iterator[Suggestion]:
    """Suggestions for a mail domain (ASCII, lower case), the most trustworthy first; found out one at a time.

    Nothing here raises: a source that cannot be asked has nothing to say. Stops after `settings.connect_timeout`.
    """
    deadline = time.monotonic() + settings.connect_timeout
    if preset := presets.of_domain(domain):
        yield of_preset(preset)
        return
    if found := _from_srv(domain, sources, deadline):
        yield found
    for template in sources.documents:
        if found := mozilla.suggestion(template.format(domain=domain), settings, sources.ports, deadline):
            yield found
    if preset := _from_mx(domain, sources, deadline):
        yield of_preset(preset)


def guesses(domain: str) -> list[Endpoint]:
    """IMAP servers that a domain may have when nothing says so."""
    services = ((993, Security.TLS), (143, Security.STARTTLS))
    return [
        Endpoint(host=f"{name}.{domain}", port=port, security=security)
        for port, security in services
        for name in ("imap", "mail")
    ]


def smtp_guesses(hosts: Sequence[str], *, private: bool) -> list[Endpoint]:
    """Submission servers that may stand beside an IMAP server; on the public internet port 25 takes no submissions."""
    services = [(465, Security.TLS), (587, Security.STARTTLS), *([(25, Security.STARTTLS)] if private else [])]
    return [Endpoint(host=host, port=port, security=security) for host in hosts for port, security in services]


def _from_srv(domain: str, sources: Sources, deadline: float) -> Suggestion | None:
    imap = _service(domain, _IMAP, sources, deadline)
    return Suggestion(imap, _service(domain, _SMTP, sources, deadline)) if imap else None


def _service(
    domain: str, services: Sequence[tuple[str, Security]], sources: Sources, deadline: float
) -> Endpoint | None:
    for name, security in services:
        records = _look_up(f"{name}.{domain}", "SRV", sources, deadline)
        for record in sorted(records, key=lambda one: (one.priority, -one.weight)):
            host = record.target.to_text(omit_final_dot=True)
            if host != "." and record.port in sources.ports:  # ".": the service is not offered (RFC 2782)
                return Endpoint(host=host, port=record.port, security=security)
    return None


def _from_mx(domain: str, sources: Sources, deadline: float) -> presets.Preset | None:
    records = sorted(_look_up(domain, "MX", sources, deadline), key=lambda one: one.preference)
    hosts = (record.exchange.to_text(omit_final_dot=True).lower() for record in records)
    return next((preset for host in hosts if (preset := presets.of_mx("." + host))), None)


def _look_up(name: str, kind: str, sources: Sources, deadline: float) -> list[Any]:
    """The records; none when there are none, or nobody answers in time."""
    left = min(_DNS_SECONDS, deadline - time.monotonic())
    if left <= 0:
        return []
    try:
        resolver = sources.resolver or dns.resolver.get_default_resolver()
        return list(resolver.resolve(name, kind, lifetime=left, search=False))
    except dns.exception.DNSException:
        return []
