"""Linking: from what a person knows (address, password, perhaps a server) to a grant that has been tried."""

from collections.abc import Iterator
from dataclasses import replace

from providers.base.errors import Invalid, ProviderError, Unauthorized, Unavailable
from providers.base.provider import Linked, ProviderSettings
from providers.imap import autoconfig, net, outbound, presets, probe
from providers.imap.address import IMAP, parse
from providers.imap.applicant import Applicant
from providers.imap.blame import blaming, naming
from providers.imap.connection import Connection
from providers.imap.grant import Endpoint, ImapGrant
from providers.imap.suggestion import Sources, Suggestion
from schemas.accounts import ApiAccountInDto


def link(
    account: ApiAccountInDto, settings: ProviderSettings, *, ensure_access: bool, sources: Sources = Sources()
) -> Linked:
    """Find the servers, sign in to both, and return the grant. Blocks: run it on a lane.

    `ensure_access` also opens the INBOX. Raises `Unauthorized` (naming the server that refused), `Invalid` (with the
    path), `Timeout`, `Unavailable` (with host, port and step); each step takes `settings.connect_timeout` at most.
    """
    applicant = Applicant.of(account)
    settings = replace(settings, read_timeout=settings.connect_timeout)
    suggestion, grant = _read_side(account, applicant, settings, sources)
    if ensure_access:
        _open_inbox(grant, settings)
    grant = outbound.find(account, applicant, suggestion, grant, settings, sources)
    return Linked(
        grant=grant.model_dump(mode="json"),
        email=applicant.email,
        login=grant.login,
        name=account.name,
        server_url=account.server_url or _shown(grant.imap),
        server_url2=account.server_url2 or (_shown(grant.smtp) if grant.smtp else None),
        service_provider=grant.brand or account.service_provider,
        timezone=account.timezone,
    )


def _shown(endpoint: Endpoint) -> str:
    return f"[{endpoint.host}]:{endpoint.port}" if ":" in endpoint.host else f"{endpoint.host}:{endpoint.port}"


def _read_side(
    account: ApiAccountInDto, applicant: Applicant, settings: ProviderSettings, sources: Sources
) -> tuple[Suggestion, ImapGrant]:
    """The IMAP server and a grant that it took; a refused password ends the search, so that no other server sees it."""
    if account.server_url:
        suggestion = _given(account.server_url, settings, verify=not account.trust_server)
        with blaming("serverUrl"):
            return suggestion, _sign_in(applicant, suggestion, settings)
    failures: list[ProviderError] = []
    for found in _suggestions(account, applicant, settings, sources):
        suggestion = replace(found, imap=found.imap.model_copy(update={"verify": not account.trust_server}))
        try:
            return suggestion, _sign_in(applicant, suggestion, settings)
        except Unauthorized:
            raise
        except ProviderError as error:
            failures.append(error)
    raise _nothing_found(applicant, failures)


def _given(server_url: str, settings: ProviderSettings, *, verify: bool) -> Suggestion:
    """The server that the caller named. Raises `Invalid("serverUrl")`, `Timeout`, `Unavailable`."""
    addresses = parse(server_url, IMAP, path="serverUrl")
    with blaming("serverUrl"):
        imap = probe.endpoint(addresses, IMAP, settings, verify=verify, path="serverUrl")
    preset = presets.of_host(imap.host)
    return Suggestion(imap, preset.smtp_endpoint(), preset.brand) if preset else Suggestion(imap)


def _suggestions(
    account: ApiAccountInDto, applicant: Applicant, settings: ProviderSettings, sources: Sources
) -> Iterator[Suggestion]:
    if preset := presets.of_brand(account.service_provider, applicant.domain):
        yield autoconfig.of_preset(preset)
        return
    yield from autoconfig.discover(applicant.domain, settings, sources)
    yield from map(Suggestion, autoconfig.guesses(applicant.domain, settings))


def _sign_in(applicant: Applicant, suggestion: Suggestion, settings: ProviderSettings) -> ImapGrant:
    """A grant with the first user name that the server takes. Raises `Unauthorized` for the last one."""
    *others, last = applicant.imap_logins(suggestion)
    for login in others:
        try:
            return _try(applicant, suggestion, login, settings)
        except Unauthorized:
            continue
    return _try(applicant, suggestion, last, settings)


def _try(applicant: Applicant, suggestion: Suggestion, login: str, settings: ProviderSettings) -> ImapGrant:
    grant = ImapGrant(
        imap=suggestion.imap,
        login=login,
        smtp_login=login,
        password=applicant.password,
        access_token=applicant.access_token,
        brand=suggestion.brand,
    )
    with naming(grant.imap, "IMAP"):
        Connection.open(grant, settings).close()
    return grant


def _open_inbox(grant: ImapGrant, settings: ProviderSettings) -> None:
    with naming(grant.imap, "IMAP"):
        connection = Connection.open(grant, settings)
        try:
            connection.select("INBOX")
        finally:
            connection.close()


def _nothing_found(applicant: Applicant, failures: list[ProviderError]) -> ProviderError:
    """The most trustworthy suggestion's failure, since it is the likeliest server; or that there is none."""
    hint = "give serverUrl (host or host:port)"
    if not failures:
        return Invalid(f"no IMAP server of {applicant.domain} could be found: {hint}", path="serverUrl")
    first = failures[0]
    if isinstance(first, Unavailable) and not isinstance(first, net.Misconfigured):
        return first
    return Invalid(f"{first.message}; {hint}", path="serverUrl", original=first.original)
