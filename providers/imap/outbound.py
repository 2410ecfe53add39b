"""Finding the submission server of an account that can be read already.

In this order: the caller's (`serverUrl2`, else `serverInfo`), the operator's, the one that came with the IMAP server
(preset or discovery), guesses. The first two are meant, so their failure is an error; an account whose others all fail
is linked without one and cannot send.
"""

import ipaddress
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from providers.base.errors import ProviderError, Unauthorized
from providers.base.provider import ProviderSettings
from providers.imap import autoconfig, probe
from providers.imap.address import SMTP, Address, from_server_info, parse
from providers.imap.applicant import Applicant
from providers.imap.blame import blaming, naming
from providers.imap.grant import Endpoint, ImapGrant, Security
from providers.imap.smtp import Submitter
from providers.imap.suggestion import Sources, Suggestion
from schemas.accounts import ApiAccountInDto

_GUESS_SECONDS = 2.5  # to connect to a server that may not exist


def find(
    account: ApiAccountInDto,
    applicant: Applicant,
    suggestion: Suggestion,
    grant: ImapGrant,
    settings: ProviderSettings,
    sources: Sources,
) -> ImapGrant:
    """The grant with its submission server, or as it was. Raises as `link`, for a server that somebody named."""
    verify = not account.trust_server
    if (given := _given(account, grant, settings)) is not None:
        text, path = given
        with blaming(path):
            endpoint = probe.endpoint(parse(text, SMTP, path=path), SMTP, settings, verify=verify, path=path)
            return _sign_in(grant, endpoint, applicant.smtp_logins(suggestion), settings)
    return _guess(account, applicant, suggestion, grant, settings, sources)


def _given(account: ApiAccountInDto, grant: ImapGrant, settings: ProviderSettings) -> tuple[str, str] | None:
    """What the caller or the operator says, and the field that says it."""
    if account.server_url2:
        return account.server_url2, "serverUrl2"
    if account.server_info and (text := from_server_info(account.server_info)):
        return text, "serverInfo"
    known = {name.lower(): server for name, server in settings.smtp_servers.items()}
    operators = known.get(f"{grant.imap.host}:{grant.imap.port}") or known.get(grant.imap.host)
    return (operators, "serverUrl") if operators else None


def _guess(
    account: ApiAccountInDto,
    applicant: Applicant,
    suggestion: Suggestion,
    grant: ImapGrant,
    settings: ProviderSettings,
    sources: Sources,
) -> ImapGrant:
    deadline = time.monotonic() + settings.connect_timeout
    verify = not account.trust_server
    for address, found in _candidates(applicant, suggestion, grant, settings, sources):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        quick = replace(settings, connect_timeout=min(left, _GUESS_SECONDS))
        try:
            endpoint = probe.endpoint([address], SMTP, quick, verify=verify, path="serverUrl2")
            return _sign_in(grant, endpoint, applicant.smtp_logins(found), settings)
        except Unauthorized:
            break  # no other server shall see the password
        except ProviderError:
            continue
    return grant


def _candidates(
    applicant: Applicant, suggestion: Suggestion, grant: ImapGrant, settings: ProviderSettings, sources: Sources
) -> Iterator[tuple[Address, Suggestion]]:
    if suggestion.smtp is not None:
        yield _address(suggestion.smtp), suggestion
        return
    local = _is_local(grant.imap.host)
    for found in [] if local else autoconfig.discover(applicant.domain, settings, sources):
        if found.smtp is not None and found.imap.host == grant.imap.host:  # the domain's word on this very server
            yield _address(found.smtp), found
    services = [(465, Security.TLS), (587, Security.STARTTLS)]
    services += [(25, Security.STARTTLS)] if settings.allow_private_networks else []
    hosts = [grant.imap.host] if local else _siblings(grant.imap.host, applicant.domain)
    for host in hosts:
        yield from ((Address(host, port, security), suggestion) for port, security in services)


def _address(endpoint: Endpoint) -> Address:
    return Address(endpoint.host, endpoint.port, endpoint.security)


def _is_local(host: str) -> bool:
    """Whether nothing can be derived from the name: an address, or one label."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return True


def _siblings(host: str, domain: str) -> list[str]:
    """Names that a submission server beside this IMAP server usually has."""
    first, _, rest = host.partition(".")
    names = [f"smtp.{rest}"] if first in ("imap", "imaps", "mail") and "." in rest else []
    return list(dict.fromkeys([*names, host, f"smtp.{domain}"]))


def _sign_in(grant: ImapGrant, endpoint: Endpoint, logins: Sequence[str], settings: ProviderSettings) -> ImapGrant:
    """The grant with the first user name that the server takes. Raises `Unauthorized` for the last one."""
    *others, last = logins
    for login in others:
        try:
            return _try(grant, endpoint, login, settings)
        except Unauthorized:
            continue
    return _try(grant, endpoint, last, settings)


def _try(grant: ImapGrant, endpoint: Endpoint, login: str, settings: ProviderSettings) -> ImapGrant:
    complete = grant.model_copy(update={"smtp": endpoint, "smtp_login": login})
    with naming(endpoint, "SMTP"), Submitter.open(endpoint, settings) as submitter:
        submitter.sign_in(complete)
    return complete
