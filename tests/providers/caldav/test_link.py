"""Linking: which servers are found, which ones see the password, and how failures are told."""

import pytest

from providers.base.errors import Denied, Invalid, Unauthorized, Unavailable
from providers.base.provider import ProviderSettings
from providers.caldav import presets, service
from providers.caldav.discovery import Kind, of_domain
from providers.caldav.grant import DavGrant
from providers.caldav.link import Search
from providers.caldav.provider import CaldavProvider
from schemas.accounts import Scope
from tests.providers.caldav.conftest import body
from tests.servers.certificates import Authority
from tests.servers.dav import DavServer, Radicale
from tests.servers.dav_front import Asked, DavFront, Said
from tests.servers.dns import NameServer

pytestmark = pytest.mark.anyio


async def test_a_server_is_discovered(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    user = dav_server.new_user()
    linked = await dav_provider.link(body(user, serverUrl=dav_server.url), ensure_access=True)
    grant = DavGrant.model_validate(linked.grant)
    assert (linked.email, linked.login) == (user.address, user.address)
    assert linked.server_url == dav_server.url
    assert grant.calendars is not None and grant.contacts is not None
    assert grant.calendars.schedules == (dav_server.name == "xandikos")
    assert user.password not in repr(grant) and user.password not in repr(linked.grant["calendars"])


async def test_the_first_question_has_no_password(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    await dav_provider.link(body(dav_server.new_user(), serverUrl=dav_server.url), ensure_access=False)
    for name in ("caldav", "carddav"):
        asked = [one for one in dav_server.front.asked if one.path == f"/.well-known/{name}"]
        assert asked and asked[0].login is None


async def test_a_wrong_password(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    user = dav_server.new_user()
    with pytest.raises(Unauthorized) as caught:
        await dav_provider.link(body(user, serverUrl=dav_server.url, password="wrong"), ensure_access=False)
    assert "wrong" not in str(caught.value) + str(caught.value.original)


async def test_what_cannot_be_linked(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    user = dav_server.new_user()
    for given, path in (
        ({"serverUrl": "ftp://x.example/"}, "serverUrl"),
        ({"serverUrl": "https://user:pw@x.example/"}, "serverUrl"),
        ({"serverUrl": "x.example:99999999"}, "serverUrl"),
        ({"serverUrl": dav_server.url, "password": None}, "password"),
        ({"serverUrl": dav_server.url, "loginString": "a:b"}, "loginString"),
        ({"email": None, "loginString": "sam"}, "serverUrl"),
    ):
        with pytest.raises(Invalid) as caught:
            await dav_provider.link(body(user, **given), ensure_access=False)
        assert caught.value.path == path


async def test_no_dav_server(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    dav_server.front.rules.append(lambda asked: Said(404))
    with pytest.raises(Invalid) as caught:
        await dav_provider.link(body(dav_server.new_user(), serverUrl=dav_server.url), ensure_access=False)
    assert caught.value.path == "serverUrl"
    dav_server.front.rules = [lambda asked: Said(200, {"Content-Type": "text/html"}, b"<html>hello")]
    with pytest.raises(Unavailable):
        await dav_provider.link(body(dav_server.new_user(), serverUrl=dav_server.url), ensure_access=False)


async def test_only_what_is_asked_for(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    user = dav_server.new_user()
    scoped = body(user, serverUrl=dav_server.url, authScopes=[Scope.CONTACTS_READ])
    grant = DavGrant.model_validate((await dav_provider.link(scoped, ensure_access=True)).grant)
    assert grant.calendars is None and grant.contacts is not None
    dav_server.front.rules.append(
        lambda asked: Said(404) if "carddav" in asked.path or b"addressbook-home" in asked.body else None
    )
    both = body(user, serverUrl=dav_server.url)
    found = DavGrant.model_validate((await dav_provider.link(both, ensure_access=True)).grant)
    assert found.calendars is not None and found.contacts is None
    with pytest.raises(Invalid):
        await dav_provider.link(scoped, ensure_access=True)


async def test_tls_and_certificates(authority: Authority, dav_settings: ProviderSettings) -> None:
    from dataclasses import replace

    with Radicale() as radicale, DavFront(radicale.direct, authority.issue()) as front:
        user = radicale.new_user()
        for settings, trust, works in (
            (replace(dav_settings, ca_bundle=str(authority.bundle)), False, True),
            (dav_settings, False, False),
            (dav_settings, True, True),
        ):
            provider = CaldavProvider(settings)
            try:
                given = body(user, serverUrl=front.url, trustServer=trust)
                if works:
                    linked = await provider.link(given, ensure_access=True)
                    assert str(linked.server_url).startswith("https://")
                else:
                    with pytest.raises(Unavailable, match="certificate"):
                        await provider.link(given, ensure_access=True)
            finally:
                await provider.close()
        assert all(one.login in (None, user.address) for one in front.asked)


async def test_a_proxy_that_the_server_does_not_know_of(authority: Authority, dav_settings: ProviderSettings) -> None:
    """It names itself with http in redirects and hrefs, and is asked by https where it was reached; another host with
    http is not."""
    from dataclasses import replace

    provider = CaldavProvider(replace(dav_settings, ca_bundle=str(authority.bundle)))
    with Radicale() as radicale, DavFront(radicale.direct, authority.issue()) as front:
        user, plain = radicale.new_user(), front.url.replace("https:", "http:")
        front.edits.append(lambda asked, body: body.replace(b"href>/", b"href>http://localhost/"))
        front.rules.append(lambda asked: Said(301, {"Location": f"{plain}/"}) if "well-known" in asked.path else None)
        try:
            linked = await provider.link(body(user, serverUrl=front.url), ensure_access=True)
            assert str(linked.grant["calendars"]["sets"][0]).startswith(front.url)
            front.rules[:] = [lambda asked: Said(301, {"Location": plain.replace("localhost", "127.0.0.1")})]
            with pytest.raises((Denied, Invalid)):
                await provider.link(body(user, serverUrl=front.url), ensure_access=True)
        finally:
            await provider.close()
        assert {one.login for one in front.asked} <= {None, user.address}


async def test_a_password_does_not_leave_without_tls(dav_server: DavServer, dav_settings: ProviderSettings) -> None:
    """Where private networks are not allowed, http is refused before anything is sent, and so are private addresses."""
    from dataclasses import replace

    provider = CaldavProvider(replace(dav_settings, allow_private_networks=False))
    user = dav_server.new_user()
    dav_server.front.asked.clear()
    try:
        with pytest.raises(Invalid) as caught:
            await provider.link(body(user, serverUrl=dav_server.url), ensure_access=False)
        assert caught.value.path == "serverUrl"
        with pytest.raises((Invalid, Denied)):
            await provider.link(body(user, serverUrl=dav_server.url.replace("http:", "https:")), ensure_access=False)
    finally:
        await provider.close()
    assert dav_server.front.asked == []


async def test_redirects_stay_within_a_service(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    """As iCloud does it: another host of the same domain is followed with the method kept, a foreign one is not."""
    user, front = dav_server.new_user(), dav_server.front
    with DavFront(dav_server.direct) as partition:
        partition.checks_passwords, partition.passwords = front.checks_passwords, front.passwords
        front.rules.append(
            lambda asked: (
                Said(308, {"Location": partition.url + asked.path}) if "well-known" not in asked.path else None
            )
        )
        linked = await dav_provider.link(body(user, serverUrl=dav_server.url), ensure_access=True)
        assert {one.method for one in partition.asked if one.login} >= {"PROPFIND"}
        assert str(linked.grant["calendars"]["sets"][0]).startswith(partition.url)
    with DavFront(dav_server.direct) as thief:
        foreign = thief.url.replace("localhost", "127.0.0.1")
        front.rules[:] = [lambda asked: Said(301, {"Location": foreign + asked.path})]
        with pytest.raises((Denied, Invalid), match="another service"):
            await dav_provider.link(body(user, serverUrl=dav_server.url), ensure_access=True)
        front.rules[:] = [lambda asked: Said(301, {"Location": asked.path})]
        with pytest.raises(Unavailable):
            await dav_provider.link(body(user, serverUrl=dav_server.url), ensure_access=True)
        assert thief.asked == []


async def test_home_sets_of_strangers_are_refused(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    import re

    def lie(asked: Asked, answer: bytes) -> bytes:
        return re.sub(rb"(home-set[^>]*>\s*<[^>]*href>)[^<]*", rb"\1https://thief.example/home/", answer)

    dav_server.front.edits.append(lie)
    with pytest.raises(Invalid, match=r"thief\.example"):
        await dav_provider.link(body(dav_server.new_user(), serverUrl=dav_server.url), ensure_access=False)


async def test_the_dns_of_a_mail_domain() -> None:
    records = {
        ("_caldavs._tcp.example.test", "SRV"): ["5 1 8443 low.example.test.", "1 1 443 dav.example.test."],
        ("_caldavs._tcp.example.test", "TXT"): ['"path=/dav/"'],
        ("_caldavs._tcp.forged.test", "SRV"): ["1 1 443 dav.thief.example."],
        ("_caldavs._tcp.hosted.test", "SRV"): ["1 1 443 caldav.mailhost.example."],
    }
    with NameServer(records) as names:
        found = await of_domain("example.test", Kind.CALENDARS, names.resolver)
        assert found == [
            "https://dav.example.test:443/dav/",
            "https://low.example.test:8443/dav/",
            "https://example.test/",
        ]
        assert await of_domain("other.test", Kind.CONTACTS, names.resolver) == ["https://other.test/"]
        with pytest.raises(Denied, match=r"dav\.thief\.example"):
            await of_domain("forged.test", Kind.CALENDARS, names.resolver)
        trusted = await of_domain("hosted.test", Kind.CALENDARS, names.resolver, ("imap.mailhost.example",))
        assert trusted[0] == "https://caldav.mailhost.example:443/"


async def test_presets() -> None:
    starts = await Search("sam@icloud.com").starts(Kind.CALENDARS)
    assert starts == ["https://caldav.icloud.com/"]
    assert await Search("sam@own.example", "iCloud").starts(Kind.CONTACTS) == ["https://contacts.icloud.com/"]
    assert await Search("sam@zoho.eu", "Zoho").starts(Kind.CALENDARS) == ["https://calendar.zoho.eu/"]
    assert presets.of("Google", "gmail.com") is None
    assert presets.of("Fastmail", "own.example") is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("caldav.icloud.com", "p42-caldav.icloud.com", True),
        ("icloud.com", "caldav.icloud.com", True),
        ("caldav.icloud.com", "caldav.icloud.com.thief.example", False),
        ("a.co.uk", "b.co.uk", False),
        ("dav.a.co.uk", "a.co.uk", True),
        ("10.0.0.1", "20.0.0.1", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("localhost", "otherhost", False),
        ("[::1]", "[::1]", True),
        ("", "", False),
        ("DAV.Example.com.", "example.COM", True),
    ],
)
def test_which_hosts_are_one_service(one: str, other: str, same: bool) -> None:
    assert service.same(one, other) is same


async def test_ping(dav_provider: CaldavProvider, dav_server: DavServer) -> None:
    from providers.base.provider import Mailbox

    linked = await dav_provider.link(body(dav_server.new_user(), serverUrl=dav_server.url), ensure_access=False)
    session = await dav_provider.open(Mailbox(1, 1, linked.email, linked.grant))
    await session.ping()
    dav_server.front.rules.append(lambda asked: Said(401))
    with pytest.raises(Unauthorized):
        await session.ping()
