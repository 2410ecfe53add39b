"""What cannot be linked says what was wrong and where, within the deadline; the password goes nowhere else."""

import time
from dataclasses import replace
from typing import Any

import pytest

from providers.base.errors import Invalid, ProviderError, Timeout, Unauthorized, Unavailable
from providers.base.provider import ProviderSettings
from providers.imap.link import link
from tests.providers.imap_send.forms import body
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.ports import free_port
from tests.servers.postfix import Postfix
from tests.servers.scripted_imap import ScriptedImap, answer, bye, drop_after, refuse
from tests.servers.scripted_smtp import DROP, ScriptedSmtp

SOMEBODY = User("somebody@example.test", "secret")


def failure(settings: ProviderSettings, user: User = SOMEBODY, **fields: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        link(body(user, **fields), settings, ensure_access=True)
    assert user.password not in str(caught.value)
    assert user.password not in repr(caught.value.original)
    return caught.value


def test_wrong_imap_password(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    error = failure(imap_settings, User(user.address, "not-" + user.password), server_url=f"localhost:{dovecot.imaps}")
    assert isinstance(error, Unauthorized)
    assert f"localhost:{dovecot.imaps}" in error.message
    assert "IMAP" in error.message


def test_expired_access_token(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    error = failure(imap_settings, user, password=None, auth_string2="stale", server_url=f"localhost:{dovecot.imaps}")
    assert isinstance(error, Unauthorized)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"email": None}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": None, "login_string": "nobody", "server_url": None}, "email"),
        ({"email": "a@b@c"}, "email"),
        ({"password": None}, "password"),
        ({"password": ""}, "password"),
        ({"server_url": "mail example.org"}, "serverUrl"),
        ({"server_url": "https://mail.example.org"}, "serverUrl"),
        ({"server_url": "mail.example.org:99999"}, "serverUrl"),
        ({"server_url": "mail.example.org:0"}, "serverUrl"),
        ({"server_url": "mail.example.org/inbox"}, "serverUrl"),
        ({"server_url": "user@mail.example.org"}, "serverUrl"),
        ({"server_url": "-bad-.example.org"}, "serverUrl"),
        ({"server_url": "a" * 64 + ".example.org"}, "serverUrl"),
        ({"server_url": "no-such-host.invalid"}, "serverUrl"),
    ],
)
def test_bad_fields_are_named(fields: dict[str, Any], path: str, imap_settings: ProviderSettings) -> None:
    error = failure(imap_settings, **{"server_url": "127.0.0.1:1"} | fields)
    assert isinstance(error, Invalid)
    assert error.path == path


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"server_url2": "imap://localhost"}, "serverUrl2"),
        ({"server_url2": "no-such-host.invalid"}, "serverUrl2"),
        ({"server_info": '{"smtp": 25}'}, "serverInfo"),
        ({"server_info": "smtp=no-such-host.invalid:465"}, "serverInfo"),
    ],
)
def test_bad_smtp_fields_are_named(
    fields: dict[str, Any], path: str, dovecot: Dovecot, user: User, imap_settings: ProviderSettings
) -> None:
    error = failure(imap_settings, user, server_url=f"localhost:{dovecot.imaps}", **fields)
    assert isinstance(error, Invalid)
    assert error.path == path


def test_refused_connection(imap_settings: ProviderSettings) -> None:
    port = free_port()
    error = failure(imap_settings, server_url=f"imaps://127.0.0.1:{port}")
    assert type(error) is Unavailable
    assert f"127.0.0.1:{port} refused the connection" in error.message


def test_silent_server_is_given_up_within_the_deadline(imap_settings: ProviderSettings) -> None:
    settings = replace(imap_settings, connect_timeout=0.6)
    with ScriptedImap(silent=True) as server:
        began = time.monotonic()
        error = failure(settings, server_url=f"127.0.0.1:{server.port}")
    assert isinstance(error, Timeout)
    assert f"127.0.0.1:{server.port}" in error.message
    assert "TLS handshake" in error.message
    assert time.monotonic() - began < 10


def test_slow_greeting_is_no_tls(imap_settings: ProviderSettings) -> None:
    class Late(ScriptedImap):
        @property
        def greeting(self) -> str:
            time.sleep(0.5)
            return "* OK at last"

        @greeting.setter
        def greeting(self, _: str) -> None:
            pass

    with Late() as server:
        found = link(body(SOMEBODY, server_url=f"127.0.0.1:{server.port}"), imap_settings, ensure_access=True)
    assert found.grant["imap"]["security"] == "plain"


def test_tls_is_asked_of_a_port_without_it(dovecot: Dovecot, imap_settings: ProviderSettings) -> None:
    error = failure(imap_settings, server_url=f"imaps://localhost:{dovecot.imap}")
    assert isinstance(error, Invalid)
    assert error.path == "serverUrl"
    assert "does not speak TLS" in error.message


def test_another_protocol_answers(postfix: Postfix, imap_settings: ProviderSettings) -> None:
    error = failure(imap_settings, server_url=f"localhost:{postfix.plain}")
    assert isinstance(error, Invalid)
    assert "does not speak IMAP" in error.message


@pytest.mark.parametrize(
    ("names", "expired", "why"),
    [(("localhost",), True, "expired"), (("other.example.test",), False, "mismatch")],
)
def test_invalid_certificate(
    names: tuple[str, ...], expired: bool, why: str, authority: Authority, imap_settings: ProviderSettings
) -> None:
    with ScriptedImap(tls=authority.issue(*names, expired=expired)) as server:
        error = failure(imap_settings, server_url=f"localhost:{server.port}")
        assert server.seen == []
    assert isinstance(error, Invalid)
    assert error.path == "serverUrl"
    assert why in error.message


def test_unknown_authority(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    error = failure(replace(imap_settings, ca_bundle=None), user, server_url=f"localhost:{dovecot.imaps}")
    assert isinstance(error, Invalid)
    assert "certificate" in error.message


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.1.1", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]"]
)
def test_private_networks_are_refused_unless_allowed(host: str, imap_settings: ProviderSettings) -> None:
    error = failure(replace(imap_settings, allow_private_networks=False), server_url=f"{host}:993")
    assert isinstance(error, Invalid)
    assert error.path == "serverUrl"
    assert "private" in error.message


def test_no_password_before_tls(imap_settings: ProviderSettings, authority: Authority) -> None:
    """A server whose STARTTLS is refused after it was offered must not see the password."""
    with ScriptedImap(capabilities="IMAP4rev1 STARTTLS AUTH=PLAIN", starttls=authority.issue()) as server:
        server.on("STARTTLS", refuse("not today"))
        failure(imap_settings, server_url=f"localhost:{server.port}")
        assert not [line for line in server.seen if line.startswith(("LOGIN", "AUTHENTICATE"))]


def test_login_disabled(imap_settings: ProviderSettings) -> None:
    with ScriptedImap(capabilities="IMAP4rev1 LOGINDISABLED") as server:
        error = failure(imap_settings, server_url=f"localhost:{server.port}")
        assert not [line for line in server.seen if line.startswith(("LOGIN", "AUTHENTICATE"))]
    assert isinstance(error, Unavailable)
    assert "LOGINDISABLED" in error.message


@pytest.mark.parametrize(
    "reply", [drop_after(), bye("too busy"), refuse("[UNAVAILABLE] later"), answer("* OK hm", "no tag")]
)
def test_server_in_trouble(reply: Any, imap_settings: ProviderSettings) -> None:
    with ScriptedImap() as server:
        server.on("AUTHENTICATE", reply)
        error = failure(replace(imap_settings, connect_timeout=1.0), server_url=f"localhost:{server.port}")
    assert isinstance(error, Unavailable)
    assert f"localhost:{server.port}" in error.message


def test_inbox_that_cannot_be_opened(imap_settings: ProviderSettings) -> None:
    with ScriptedImap() as server:
        server.on("SELECT", refuse("[NOPERM] not yours"))
        account = body(SOMEBODY, server_url=f"localhost:{server.port}")
        link(account, imap_settings, ensure_access=False)
        error = failure(imap_settings, server_url=f"localhost:{server.port}")
    assert "not yours" in error.message


def test_named_smtp_server_that_refuses_the_password(
    dovecot: Dovecot, user: User, imap_settings: ProviderSettings
) -> None:
    with ScriptedSmtp(password="another") as smtp:
        error = failure(
            imap_settings,
            user,
            server_url=f"localhost:{dovecot.imaps}",
            server_url2=f"localhost:{smtp.port}",
        )
    assert isinstance(error, Unauthorized)
    assert "SMTP" in error.message
    assert f"localhost:{smtp.port}" in error.message


def test_named_smtp_server_that_is_down(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    port = free_port()
    error = failure(
        imap_settings, user, server_url=f"localhost:{dovecot.imaps}", server_url2=f"smtps://localhost:{port}"
    )
    assert type(error) is Unavailable
    assert f"localhost:{port}" in error.message


def test_smtp_server_that_hangs_up(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp() as smtp:
        smtp.on("CONNECT", DROP)
        servers = {"server_url": f"localhost:{dovecot.imaps}", "server_url2": f"smtp://localhost:{smtp.port}"}
        error = failure(imap_settings, user, **servers)
    assert isinstance(error, Unavailable)
    assert f"localhost:{smtp.port}" in error.message
