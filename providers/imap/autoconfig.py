"""Which servers a mail domain has, when nobody says: presets, SRV records, Mozilla's autoconfig, MX; then guesses.

SRV: RFC 6186 and 8314. What is found is a suggestion: it is connected to under the guard of `net.py`, on the usual
four ports only.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import dns.exception
import dns.resolver

from providers.base.errors import ProviderError
from providers.base.provider import ProviderSettings
from providers.imap import mozilla, net, presets
from providers.imap.grant import Endpoint, Security
from providers.imap.suggestion import Sources, Suggestion

_IMAP = (("_imaps._tcp", Security.TLS), ("_imap._tcp", Security.STARTTLS))
_SMTP = (("_submissions._tcp", Security.TLS), ("_submission._tcp", Security.STARTTLS))
_DNS_SECONDS = 3.0  # for one question
_GUESS_SECONDS = 2.5  # to connect to a server that may not exist


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


def guesses(domain: str, settings: ProviderSettings) -> Iterator[Endpoint]:
    """IMAP servers that a domain may have when nothing says so: those of the usual names that accept connections."""
    quick = replace(settings, connect_timeout=min(_GUESS_SECONDS, settings.connect_timeout))
    for port, security in ((993, Security.TLS), (143, Security.STARTTLS)):
        for name in ("imap", "mail"):
            endpoint = Endpoint(host=f"{name}.{domain}", port=port, security=security)
            try:
                net.connect(endpoint, quick).close()
            except ProviderError:
                continue
            yield endpoint


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
