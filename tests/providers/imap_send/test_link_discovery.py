"""Servers that nobody named: SRV records, autoconfig documents, MX, presets, and the order between them."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from providers.base.errors import Invalid, Unauthorized
from providers.base.provider import ProviderSettings
from providers.imap import autoconfig, outbound, presets
from providers.imap.applicant import Applicant
from providers.imap.autoconfig import discover
from providers.imap.grant import Endpoint, ImapGrant, Security
from providers.imap.link import link
from providers.imap.suggestion import Sources, Suggestion
from schemas.accounts import ServiceProvider
from tests.providers.imap_send.forms import body
from tests.servers.certificates import Authority
from tests.servers.dns import NameServer
from tests.servers.dovecot import DOMAIN, Dovecot, User
from tests.servers.postfix import Postfix
from tests.servers.web import Pages

Records = dict[tuple[str, str], list[str]]
Look = Callable[[Records, dict[str, bytes]], list[Suggestion]]

DOCUMENT = """<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="example.test">
  <incomingServer type="pop3">
    <hostname>pop.example.test</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
  <incomingServer type="imap">
    <hostname>odd.example.test</hostname><port>9993</port><socketType>SSL</socketType></incomingServer>
  <incomingServer type="imap">
    <hostname>open.example.test</hostname><port>143</port><socketType>plain</socketType></incomingServer>
  <incomingServer type="imap">
    <hostname>%HOST%</hostname><port>%IMAP%</port><socketType>STARTTLS</socketType>
    <username>%EMAILADDRESS%</username></incomingServer>
  <outgoingServer type="smtp">
    <hostname>%OUT%</hostname><port>%SMTP%</port><socketType>SSL</socketType>
    <username>%EMAILLOCALPART%@%EMAILDOMAIN%</username></outgoingServer>
</emailProvider></clientConfig>"""


def document(host: str = "mail.example.test", imap: int = 143, smtp: int = 465, out: str = "") -> bytes:
    values = {"%HOST%": host, "%OUT%": out or host, "%IMAP%": str(imap), "%SMTP%": str(smtp)}
    text = DOCUMENT
    for name, value in values.items():
        text = text.replace(name, value)
    return text.encode()


@pytest.fixture
def sources(authority: Authority) -> Iterator[Callable[[Records, dict[str, bytes]], Sources]]:
    """Sources at a name server and a web server with these contents."""
    with ExitStack() as running:

        def make(records: Records, pages: dict[str, bytes]) -> Sources:
            names = running.enter_context(NameServer(records))
            web = running.enter_context(Pages(pages, authority.issue()))
            return Sources(names.resolver, (web.url + "/shared/{domain}", web.url + "/own/{domain}"))

        yield make


@pytest.fixture
def look(sources: Callable[[Records, dict[str, bytes]], Sources], imap_settings: ProviderSettings) -> Look:
    """What is suggested for example.test."""
    return lambda records, pages: list(discover(DOMAIN, imap_settings, sources(records, pages)))


def test_srv_records_with_tls_come_first(look: Look) -> None:
    [found] = look(
        {
            ("_imap._tcp.example.test", "SRV"): ["0 1 143 plain.example.test."],
            ("_imaps._tcp.example.test", "SRV"): ["20 1 993 second.example.test.", "10 1 993 first.example.test."],
            ("_submission._tcp.example.test", "SRV"): ["0 1 587 smtp.example.test."],
        },
        {},
    )
    assert (found.imap.host, found.imap.port, found.imap.security) == ("first.example.test", 993, Security.TLS)
    assert found.smtp is not None
    assert (found.smtp.host, found.smtp.port, found.smtp.security) == ("smtp.example.test", 587, Security.STARTTLS)


@pytest.mark.parametrize("record", ["0 1 22 mail.example.test.", "0 0 993 ."])
def test_srv_records_of_no_use(record: str, look: Look) -> None:
    assert look({("_imaps._tcp.example.test", "SRV"): [record]}, {}) == []


def test_documents_of_the_database_and_of_the_domain(look: Look) -> None:
    pages = {f"/shared/{DOMAIN}": document("a.example.test"), f"/own/{DOMAIN}": document("b.example.test")}
    first, second = look({}, pages)
    assert (first.imap.host, first.imap.port, first.imap.security) == ("a.example.test", 143, Security.STARTTLS)
    assert first.smtp is not None
    assert (first.smtp.host, first.smtp.port, first.smtp.security) == ("a.example.test", 465, Security.TLS)
    assert second.imap.host == "b.example.test"
    assert Applicant("me@example.test", None, "p", None).smtp_logins(first) == ["me@example.test"]


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<html>no such page",
        b"<clientConfig/>",
        b"\xff\xfe\x00",
        document() + b" " * 300_000,
        b'<!DOCTYPE x [<!ENTITY a "mail.example.test">]><clientConfig><incomingServer type="imap">'
        b"<hostname>&a;</hostname><port>993</port><socketType>SSL</socketType></incomingServer></clientConfig>",
    ],
)
def test_documents_of_no_use(page: bytes, look: Look) -> None:
    assert look({}, {f"/shared/{DOMAIN}": page}) == []


def test_document_that_drips_is_given_up(imap_settings: ProviderSettings, authority: Authority) -> None:
    with NameServer({}) as names, socket.create_server(("127.0.0.1", 0)) as silent:
        sources = Sources(names.resolver, (f"https://localhost:{silent.getsockname()[1]}/{{domain}}",) * 3)
        began = time.monotonic()
        assert list(discover(DOMAIN, replace(imap_settings, connect_timeout=0.5), sources)) == []
    assert time.monotonic() - began < 10


def test_documents_come_through_the_address_guard(imap_settings: ProviderSettings, authority: Authority) -> None:
    with NameServer({}) as names, Pages({f"/{DOMAIN}": document()}, authority.issue()) as web:
        sources = Sources(names.resolver, (web.url + "/{domain}",))
        assert list(discover(DOMAIN, replace(imap_settings, allow_private_networks=False), sources)) == []
        assert web.asked == []
        assert len(list(discover(DOMAIN, imap_settings, sources))) == 1


@pytest.mark.parametrize(
    ("exchange", "brand", "imap"),
    [
        ("aspmx.l.google.com.", ServiceProvider.GOOGLE, "imap.gmail.com"),
        ("example-test.mail.protection.outlook.com.", ServiceProvider.OFFICE365, "outlook.office365.com"),
        ("in1-smtp.messagingengine.com.", ServiceProvider.FASTMAIL, "imap.fastmail.com"),
        ("mx.zoho.eu.", ServiceProvider.ZOHO, "imap.zoho.eu"),
        ("mx01.mail.icloud.com.", ServiceProvider.ICLOUD, "imap.mail.me.com"),
    ],
)
def test_mx_of_a_known_host(exchange: str, brand: ServiceProvider, imap: str, look: Look) -> None:
    [found] = look({(DOMAIN, "MX"): ["20 other.example.test.", f"10 {exchange}"]}, {})
    assert (found.brand, found.imap.host) == (brand, imap)


def test_name_server_that_is_silent_is_given_up(imap_settings: ProviderSettings) -> None:
    with NameServer({}, silent=True) as names:
        began = time.monotonic()
        settings = replace(imap_settings, connect_timeout=0.5)
        assert list(discover(DOMAIN, settings, Sources(names.resolver, ()))) == []
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("domain", "brand", "smtp", "port"),
    [
        ("gmail.com", "Google", "smtp.gmail.com", 465),
        ("hotmail.co.uk", "Office365", "smtp-mail.outlook.com", 587),
        ("yahoo.de", "Yahoo", "smtp.mail.yahoo.com", 465),
        ("aol.com", "AOL", "smtp.aol.com", 465),
        ("me.com", "iCloud", "smtp.mail.me.com", 587),
        ("fastmail.fm", "Fastmail", "smtp.fastmail.com", 465),
        ("zoho.eu", "Zoho", "smtp.zoho.eu", 465),
        ("bigpond.com", "BigPond", "smtp.telstra.com", 465),
    ],
)
def test_presets_by_domain(domain: str, brand: str, smtp: str, port: int, imap_settings: ProviderSettings) -> None:
    [found] = discover(domain, imap_settings, Sources())
    assert found.brand == brand
    assert found.smtp is not None
    assert (found.smtp.host, found.smtp.port) == (smtp, port)
    assert (found.imap.port, found.imap.security) == (993, Security.TLS)


def test_presets_by_brand_and_by_server() -> None:
    work = presets.of_brand("Office365", "contoso.example")
    assert work is not None
    assert work.smtp == "smtp.office365.com"
    zoho = presets.of_brand("Zoho", "zoho.in")
    assert zoho is not None
    assert zoho.imap == "imap.zoho.in"
    assert presets.of_brand("IMAP") is None
    assert presets.of_host("IMAP.gmail.com") is presets.of_domain("gmail.com")


def test_icloud_reads_by_the_local_part_and_submits_by_the_address() -> None:
    preset = presets.of_brand("iCloud")
    assert preset is not None
    applicant = Applicant("jo@icloud.com", None, "p", None)
    suggestion = autoconfig.of_preset(preset)
    assert applicant.imap_logins(suggestion) == ["jo@icloud.com", "jo"]
    assert applicant.smtp_logins(suggestion) == ["jo@icloud.com"]


def test_domain_is_linked_by_its_document(
    dovecot: Dovecot, postfix: Postfix, user: User, authority: Authority, imap_settings: ProviderSettings
) -> None:
    page = document("localhost", dovecot.imap, postfix.submissions)
    with NameServer({}) as names, Pages({f"/{DOMAIN}": page}, authority.issue()) as web:
        ports = frozenset({dovecot.imap, postfix.submissions})
        found_by = Sources(names.resolver, (web.url + "/{domain}",), ports)
        found = link(body(user), imap_settings, ensure_access=True, sources=found_by)
        assert (found.server_url, found.server_url2) == (
            f"localhost:{dovecot.imap}",
            f"localhost:{postfix.submissions}",
        )
        with pytest.raises(Unauthorized):
            link(body(user, password="no"), imap_settings, ensure_access=True, sources=found_by)


@pytest.mark.parametrize(("named", "linked"), [("mail.example.test", True), ("other.example.test", False)])
def test_document_is_believed_about_the_imap_server_that_was_named(
    named: str,
    linked: bool,
    postfix: Postfix,
    user: User,
    authority: Authority,
    imap_settings: ProviderSettings,
) -> None:
    page = document("mail.example.test", 143, postfix.submissions, "localhost")
    imap = Endpoint(host=named, port=143)
    grant = ImapGrant(imap=imap, login=user.address, smtp_login=user.address, password=user.password)
    with NameServer({}) as names, Pages({f"/{DOMAIN}": page}, authority.issue()) as web:
        found_by = Sources(names.resolver, (web.url + "/{domain}",), frozenset({143, postfix.submissions}))
        account = body(user, server_url=named)
        found = outbound.find(account, Applicant.of(account), Suggestion(imap), grant, imap_settings, found_by)
    assert (found.smtp is not None) is linked


def test_nothing_found_asks_for_the_server(user: User, imap_settings: ProviderSettings) -> None:
    with NameServer({}) as names:
        with pytest.raises(Invalid, match="serverUrl") as caught:
            account = body(user, email="me@no-such-domain.invalid")
            link(account, imap_settings, ensure_access=False, sources=Sources(names.resolver, ()))
        assert "SRV _imaps._tcp.no-such-domain.invalid" in names.asked
    assert caught.value.path == "serverUrl"


def test_international_domain_is_asked_for_in_ascii(imap_settings: ProviderSettings) -> None:
    user = User("jörg@bücher.invalid", "secret")
    with NameServer({}) as names:
        with pytest.raises(Invalid):
            link(body(user), imap_settings, ensure_access=False, sources=Sources(names.resolver, ()))
        assert names.asked[0] == "SRV _imaps._tcp.xn--bcher-kva.invalid"
