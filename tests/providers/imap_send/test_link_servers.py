"""Linking to a real Dovecot and Postfix: every way to name the servers, and every protection."""

from dataclasses import replace

import pytest

from providers.base.provider import ProviderSettings
from providers.imap.grant import ImapGrant, Security
from providers.imap.link import link
from tests.providers.imap_send.forms import body
from tests.servers.dovecot import Dovecot, User
from tests.servers.postfix import Postfix


def linked(account: object, settings: ProviderSettings) -> ImapGrant:
    return ImapGrant.model_validate(link(account, settings, ensure_access=True).grant)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "port", "security"),
    [
        ("localhost:{}", "imaps", Security.TLS),
        ("imaps://localhost:{}", "imaps", Security.TLS),
        ("127.0.0.1:{}", "imaps", Security.TLS),
        ("localhost:{}", "imap", Security.STARTTLS),
        ("imap://localhost:{}/", "imap", Security.STARTTLS),
        (" LOCALHOST:{} ", "imap", Security.STARTTLS),
    ],
)
def test_imap_server_in_every_form(
    form: str, port: str, security: Security, dovecot: Dovecot, user: User, imap_settings: ProviderSettings
) -> None:
    number = getattr(dovecot, port)
    grant = linked(body(user, server_url=form.format(number)), imap_settings)
    assert (grant.imap.port, grant.imap.security, grant.login) == (number, security, user.address)


@pytest.mark.parametrize(
    ("fields", "port", "security"),
    [
        ({"server_url2": "localhost:{}"}, "submissions", Security.TLS),
        ({"server_url2": "smtps://localhost:{}"}, "submissions", Security.TLS),
        ({"server_url2": "localhost:{}"}, "submission", Security.STARTTLS),
        ({"server_url2": "smtp://localhost:{}"}, "plain", Security.STARTTLS),
        ({"server_info": "smtp=localhost:{}"}, "submissions", Security.TLS),
        ({"server_info": '{{"smtp": "localhost:{}"}}'}, "submission", Security.STARTTLS),
    ],
)
def test_smtp_server_in_every_form(
    fields: dict[str, str],
    port: str,
    security: Security,
    dovecot: Dovecot,
    postfix: Postfix,
    user: User,
    imap_settings: ProviderSettings,
) -> None:
    number = getattr(postfix, port)
    filled = {name: text.format(number) for name, text in fields.items()}
    grant = linked(body(user, server_url=f"localhost:{dovecot.imaps}", **filled), imap_settings)
    assert grant.smtp is not None
    assert (grant.smtp.port, grant.smtp.security) == (number, security)


@pytest.mark.parametrize("key", ["localhost", "LocalHost:{}"])
def test_the_operator_can_name_the_smtp_server(
    key: str, dovecot: Dovecot, postfix: Postfix, user: User, imap_settings: ProviderSettings
) -> None:
    servers = {key.format(dovecot.imaps): f"localhost:{postfix.submissions}"}
    settings = replace(imap_settings, smtp_servers=servers)
    grant = linked(body(user, server_url=f"localhost:{dovecot.imaps}"), settings)
    assert grant.smtp is not None
    assert grant.smtp.port == postfix.submissions


def test_no_smtp_server_found_links_without_one(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    found = link(body(user, server_url=f"localhost:{dovecot.imaps}"), imap_settings, ensure_access=False)
    assert found.grant["smtp"] is None
    assert (found.server_url, found.server_url2) == (f"localhost:{dovecot.imaps}", None)


def test_access_token_signs_in_to_both(
    dovecot: Dovecot, postfix: Postfix, user: User, imap_settings: ProviderSettings
) -> None:
    servers = {"server_url": f"localhost:{dovecot.imaps}", "server_url2": f"localhost:{postfix.submission}"}
    token = dovecot.issue_token(user)
    grant = linked(body(user, password=None, auth_string2=token, **servers), imap_settings)
    assert (grant.access_token, grant.password) == (token, None)
    assert grant.smtp is not None


def test_auth_string1_is_a_password_too(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    account = body(user, password=None, auth_string1=user.password, server_url=f"localhost:{dovecot.imaps}")
    assert linked(account, imap_settings).password == user.password


def test_login_string_replaces_the_email_address(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    only_login = body(user, email=None, login_string=user.address, server_url=f"localhost:{dovecot.imaps}")
    assert link(only_login, imap_settings, ensure_access=False).email == user.address
    other = body(user, email="me@example.org", login_string=user.address, server_url=f"localhost:{dovecot.imaps}")
    found = link(other, imap_settings, ensure_access=False)
    assert (found.email, found.login) == ("me@example.org", user.address)


def test_password_with_unusual_characters(dovecot: Dovecot, imap_settings: ProviderSettings) -> None:
    user = dovecot.new_user(password='p"ä\\ß {3} 密')
    assert linked(body(user, server_url=f"localhost:{dovecot.imaps}"), imap_settings).password == user.password


def test_trusted_server_needs_no_valid_certificate(
    dovecot: Dovecot, postfix: Postfix, user: User, imap_settings: ProviderSettings
) -> None:
    untrusting = replace(imap_settings, ca_bundle=None)
    servers = {"server_url": f"localhost:{dovecot.imaps}", "server_url2": f"localhost:{postfix.submissions}"}
    grant = linked(body(user, trust_server=True, **servers), untrusting)
    assert grant.smtp is not None
    assert (grant.imap.verify, grant.smtp.verify) == (False, False)


def test_secrets_do_not_show(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> None:
    grant = linked(body(user, server_url=f"localhost:{dovecot.imaps}"), imap_settings)
    assert user.password not in repr(grant)
