"""Fixtures of the suite: each provider with its counterpart, and a fresh mailbox at it."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from providers.base.provider import ProviderSettings
from tests.conformance.backend_dav import DavBackend
from tests.conformance.backend_google import GoogleBackend
from tests.conformance.backend_imap import ImapBackend
from tests.conformance.backend_sandbox import SandboxBackend
from tests.conformance.backends import Backend, Subject, subject
from tests.servers.google.server import GoogleSimulator

#: Each counterpart, and the name of its provider in the golden matrix.
PROVIDERS = {"sandbox": "sandbox", "imap": "imap", "radicale": "caldav", "xandikos": "caldav", "google": "google"}
MATRIX: dict[str, list[str]] = json.loads(Path(__file__).with_name("matrix.json").read_text())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about a port (`PORT` of the module) that a provider lacks by the golden matrix."""
    lacking = {item for item in items if not _fits(item)}
    config.hook.pytest_deselected(items=list(lacking))
    items[:] = [item for item in items if item not in lacking]


def _fits(item: pytest.Item) -> bool:
    port = getattr(getattr(item, "module", None), "PORT", None)
    name = getattr(getattr(item, "callspec", None), "params", {}).get("backend")
    if port is None or name not in PROVIDERS:
        return True
    return any(ability.startswith(f"{port}.") for ability in MATRIX[PROVIDERS[name]])


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def sandbox_backend(tmp_path_factory: pytest.TempPathFactory) -> SandboxBackend:
    return SandboxBackend(ProviderSettings(var_dir=tmp_path_factory.mktemp("sandbox")))


@pytest.fixture(scope="session")
def imap_backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ImapBackend:
    settings = ProviderSettings(
        var_dir=tmp_path_factory.mktemp("imap"),
        allow_private_networks=True,
        ca_bundle=str(request.getfixturevalue("authority").bundle),
        connect_timeout=5.0,
        read_timeout=10.0,
    )
    return ImapBackend(settings, request.getfixturevalue("dovecot"), request.getfixturevalue("postfix"))


def _dav_settings(tmp_path_factory: pytest.TempPathFactory) -> ProviderSettings:
    return ProviderSettings(var_dir=tmp_path_factory.mktemp("dav"), allow_private_networks=True, read_timeout=10.0)


@pytest.fixture(scope="session")
def radicale_backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DavBackend:
    return DavBackend(_dav_settings(tmp_path_factory), request.getfixturevalue("radicale"))


@pytest.fixture(scope="session")
def xandikos_backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DavBackend:
    return DavBackend(_dav_settings(tmp_path_factory), request.getfixturevalue("xandikos"))


@pytest.fixture(scope="session")
def google_backend(google: GoogleSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleBackend]:
    settings = google.settings(tmp_path_factory.mktemp("google"))
    yield GoogleBackend(settings, google)
    assert google.faults == [], "an exchange that Google's documents do not allow"


@pytest.fixture(scope="session", params=list(PROVIDERS))
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each provider in turn."""
    found: Backend = request.getfixturevalue(f"{request.param}_backend")
    return found


@pytest.fixture
async def box(backend: Backend, anyio_backend: str) -> AsyncIterator[Subject]:
    """A fresh mailbox with nothing in it, opened."""
    fresh = await subject(backend)
    yield fresh
    await fresh.close()


@pytest.fixture
async def other(backend: Backend, anyio_backend: str) -> AsyncIterator[Subject]:
    """Somebody else's mailbox at the same provider."""
    fresh = await subject(backend)
    yield fresh
    await fresh.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print who can do what; `test_matrix.py` holds the table to the code."""
    terminalreporter.section("abilities of the providers")
    for ability in sorted(set().union(*MATRIX.values())):
        terminalreporter.line(
            f"{ability:24}" + "".join(f"{name if ability in MATRIX[name] else '-':10}" for name in MATRIX)
        )
