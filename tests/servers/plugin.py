"""Fixtures: one Dovecot and one Postfix per test process, a fresh user per test, settings that may reach them.

Loaded from `tests/conftest.py`. `dovecot.new_user()` makes more users; `grant_of(...)` an adapter's grant for one.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.base.provider import ProviderSettings
from providers.imap.grant import Endpoint, ImapGrant
from tests.servers.certificates import Authority
from tests.servers.dav import DavServer, Radicale, Xandikos
from tests.servers.dovecot import Dovecot, User
from tests.servers.google.server import GoogleSimulator
from tests.servers.postfix import Postfix


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The CA that signed the certificates of all test servers."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    """A running Dovecot, shared by the tests of this process; take a user of your own from `new_user()`."""
    with Dovecot(authority.issue()) as server:
        yield server


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot, authority: Authority) -> Iterator[Postfix]:
    """A running Postfix that delivers into `dovecot` and takes its users' passwords and tokens."""
    with Postfix(dovecot, authority.issue()) as server:
        yield server


@pytest.fixture(scope="session")
def google() -> Iterator[GoogleSimulator]:
    """Google's APIs, simulated; take a user of your own from `google.world.new_user()`."""
    with GoogleSimulator() as server:
        yield server


@pytest.fixture(scope="session")
def radicale() -> Iterator[Radicale]:
    """A running Radicale; take a user of your own from `new_user()`."""
    with Radicale() as server:
        yield server


@pytest.fixture(scope="session")
def xandikos() -> Iterator[Xandikos]:
    """A running Xandikos."""
    with Xandikos() as server:
        yield server


@pytest.fixture(params=["radicale", "xandikos"])
def dav_server(request: pytest.FixtureRequest) -> DavServer:
    """Each DAV server in turn, its front as it was made."""
    server: DavServer = request.getfixturevalue(request.param)
    server.front.reset()
    return server


@pytest.fixture
def user(dovecot: Dovecot) -> User:
    """A fresh mailbox."""
    return dovecot.new_user()


@pytest.fixture
def imap_settings(authority: Authority, tmp_path: Path) -> ProviderSettings:
    """Provider settings that trust the test CA and reach loopback addresses; short timeouts."""
    return ProviderSettings(
        var_dir=tmp_path,
        allow_private_networks=True,
        ca_bundle=str(authority.bundle),
        connect_timeout=5.0,
        read_timeout=10.0,
    )


def grant_of(user: User, dovecot: Dovecot, postfix: Postfix | None = None) -> ImapGrant:
    """The grant of a test user, over implicit TLS; without Postfix the account cannot send."""
    return ImapGrant(
        imap=Endpoint(host="localhost", port=dovecot.imaps),
        smtp=Endpoint(host="localhost", port=postfix.submissions) if postfix else None,
        login=user.address,
        smtp_login=user.address,
        password=user.password,
    )
