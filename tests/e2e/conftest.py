"""A running gateway (its own process, its own embedded database) and a client generated from the contract."""

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.servers.certificates import Authority
from tests.servers.gateway import Gateway
from tests.servers.packages import require

CONTRACT = Path(__file__).parents[2] / "docs" / "contract" / "aurinko.openapi.yaml"


@pytest.fixture(scope="session")
def gateway(authority: Authority) -> Iterator[Gateway]:
    """A gateway that may reach loopback servers and trusts the test CA."""
    settings = {"CA_BUNDLE": str(authority.bundle), "LOG_FORMAT": "json", "LOG_LEVEL": "info"}
    settings |= {"TRUSTED_PROXIES": "127.0.0.1"}
    with Gateway(**{f"POSTROOM_{name}": value for name, value in settings.items()}) as it:
        yield it


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The Python client that openapi-generator makes of the contract, unmodified.

    The contract's `webhooks` (requests that we send) are left out: the generator writes invalid Python for them.
    """
    require("java")
    folder = tmp_path_factory.mktemp("client")
    contract = yaml.load(CONTRACT.read_text(), yaml.CSafeLoader)
    del contract["webhooks"]
    (folder / "contract.json").write_text(json.dumps(contract))
    program = shutil.which("openapi-generator-cli", path=str(Path(sys.executable).parent)) or "openapi-generator-cli"
    made = subprocess.run(
        [
            program,
            "generate",
            "-i",
            str(folder / "contract.json"),
            "-g",
            "python",
            "-o",
            str(folder),
            "--skip-validate-spec",
            "--additional-properties=packageName=aurinko_client",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("aurinko_client")
    sys.path.remove(str(folder))
