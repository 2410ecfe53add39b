"""The `postroom` command, on a real database."""

import base64
import io
import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from cryptography.fernet import Fernet

from gateway.cli import main
from gateway.commands import CONTRACT_OPERATIONS
from gateway.store.vault import Vault
from tests.gateway.database import fresh_database
from tests.servers.ports import free_port, wait_port


@pytest.fixture
def var(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A var folder, beside the module's database."""
    monkeypatch.setenv("POSTROOM_DATABASE_URL", database_url)
    monkeypatch.setenv("POSTROOM_VAR_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


@pytest.fixture
def run(var: Path, capsys: pytest.CaptureFixture[str]) -> "Run":
    return Run(capsys)


class Run:
    """Runs a command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, line: str) -> str:
        """What it prints."""
        main(shlex.split(line))
        return self._capsys.readouterr().out

    def failing(self, line: str) -> tuple[object, str]:
        """Its exit status, and what it says of the failure."""
        with pytest.raises(SystemExit) as left:
            main(shlex.split(line))
        if isinstance(left.value.code, str):  # printed by the interpreter, which then exits with 1
            return 1, left.value.code
        return left.value.code, self._capsys.readouterr().err


def test_a_new_application_is_printed_once_as_exactly_three_fields(run: Run) -> None:
    made = json.loads(run("apps create one --json"))
    assert list(made) == ["clientId", "clientSecret", "signingSecret"]
    assert len(set(made.values())) == 3
    listed = run("apps list")
    assert made["clientId"] in listed
    assert made["clientSecret"] not in listed + run("apps list --json")
    text = run("apps create two")
    assert re.search(r"^clientSecret: +\S{43}$", text, re.MULTILINE)


def test_a_new_signing_secret_follows_the_present_one(run: Run, database_url: str, var: Path) -> None:
    made = json.loads(run("apps create signer --json"))
    following = json.loads(run(f"apps signing-secret {made['clientId']} --overlap 2 --json"))
    assert list(following) == ["signingSecret", "standardFrom"]
    at = datetime.fromisoformat(following["standardFrom"]) - datetime.now(UTC)
    assert timedelta(hours=1.9) < at <= timedelta(hours=2)
    at_once = json.loads(run("apps signing-secret signer --overlap 0 --json"))["signingSecret"]
    last = json.loads(run("apps signing-secret signer --json"))["signingSecret"]
    vault = Vault([(var / "secret_keys").read_text().split()[0]])
    for column, secret in (("sealed_signing_secret", at_once), ("sealed_next_signing_secret", last)):
        [sealed] = _column(database_url, f"select {column} from application where name = 'signer'")
        assert vault.unseal_bytes(sealed).decode() == secret
    assert run.failing("apps signing-secret signer --overlap -1")[0] == 2
    assert run.failing("apps signing-secret signer --overlap soon")[0] == 2
    assert "postroom apps list" in run.failing("apps signing-secret nobody")[1]


def test_a_second_application_of_the_name_is_refused(run: Run) -> None:
    run("apps create twice")
    assert run.failing("apps create twice") == (1, "postroom: there is an application named 'twice' already")


def test_trusted_domains_and_return_urls_are_changed(run: Run) -> None:
    client_id = json.loads(run("apps create web --json"))["clientId"]
    assert run("apps domains web") == "none\n"
    assert run("apps domains web add app.example.com http://localhost:3000").split() == [
        "https://app.example.com",
        "http://localhost:3000",
    ]
    assert json.loads(run(f"apps domains {client_id} remove https://app.example.com --json")) == [
        "http://localhost:3000"
    ]
    assert run("apps urls web add https://app.example.com/done") == "https://app.example.com/done\n"
    assert run.failing("apps domains web add")[0] == 1
    assert run.failing("apps domains web list x")[0] == 1
    assert "no origin" in run.failing("apps domains web add https://x/y")[1]
    assert "postroom apps list" in run.failing("apps domains nobody")[1]


def test_a_registration_takes_its_secret_from_the_line_or_from_standard_input(
    run: Run, monkeypatch: pytest.MonkeyPatch, database_url: str, var: Path
) -> None:
    run("apps create reg")
    out = run("apps provider reg google --client-id g --client-secret hunter2 --topic-name t")
    assert "hunter2" not in out
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
    run("apps provider reg Office365 --client-id o --client-secret - --daemon")
    vault = Vault([(var / "secret_keys").read_text().strip()])
    sealed = _column(database_url, "select sealed_secrets from oauth_client order by id")
    assert [vault.unseal(value) for value in sealed] == [{"clientSecret": "hunter2"}, {"clientSecret": "from a pipe"}]
    status, message = run.failing("apps provider reg nosuch --client-id g --client-secret s")
    assert status == 2
    assert "'nosuch' is not one of Google, " in message


def _column(url: str, query: str) -> list[bytes]:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        found = [row[0] for row in connection.execute(sa.text(query))]
    engine.dispose()
    return found


@pytest.fixture
def alone(postgres_url: str, template: str, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[str]:
    """A database of the test's own in place of the module's."""
    for url in fresh_database(postgres_url, f"template {template}"):
        monkeypatch.setenv("POSTROOM_DATABASE_URL", url)
        yield url


def test_keys_rotate_and_retire(run: Run, alone: str, var: Path) -> None:
    secrets = {json.loads(run(f"apps create a{number} --json"))["signingSecret"] for number in range(3)}
    old = (var / "secret_keys").read_text().split()
    assert json.loads(run("keys rotate --json")) == {
        "keysAdded": 1,
        "valuesResealed": 6,  # two secrets of each application
        "earlierKeysForgotten": False,
    }
    keys = (var / "secret_keys").read_text().split()
    assert keys[1:] == old
    assert stat.S_IMODE((var / "secret_keys").stat().st_mode) == 0o600
    assert json.loads(run("keys rotate --retire --json"))["earlierKeysForgotten"]
    assert (var / "secret_keys").read_text().split() == keys[:1]
    sealed = _column(alone, "select sealed_signing_secret from application")
    assert {Vault(keys[:1]).unseal_bytes(value).decode() for value in sealed} == secrets


def test_keys_of_the_environment_are_put_there_by_hand(
    run: Run, alone: str, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = run("keys new").strip(), run("keys new").strip()
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", old)
    run("apps create a")
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", f"{new},{old}")
    result = json.loads(run("keys rotate --json"))
    assert (result["keysAdded"], result["valuesResealed"]) == (0, 2)
    assert "POSTROOM_SECRET_KEYS" in result["note"]
    assert json.loads(run("keys rotate --json"))["valuesResealed"] == 0
    monkeypatch.setenv("POSTROOM_SECRET_KEYS", Fernet.generate_key().decode())
    status, message = run.failing("keys rotate")
    assert status == 1
    assert "the key that sealed it is missing" in message
    assert not (var / "secret_keys").exists()


def test_many_values_are_resealed_in_batches(run: Run, alone: str, var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.reseal._BATCH", 2)
    for number in range(5):
        run(f"apps create a{number}")
    assert json.loads(run("keys rotate --json"))["valuesResealed"] == 10


def test_a_database_that_is_not_migrated_is_left_alone(
    run: Run, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in fresh_database(postgres_url):
        monkeypatch.setenv("POSTROOM_DATABASE_URL", url)
        status, message = run.failing("apps list")
        assert status == 1
        assert "run `postroom migrate`" in message
        assert run("migrate") == "The database is up to date.\n"
        assert run("apps list") == "none\n"


def test_failures_are_told_without_secrets_and_without_a_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:9/mail")
    for command in ("apps list", "migrate", "demo", "keys rotate"):
        status, message = run.failing(command)
        assert status == 1
        assert message.startswith("postroom: PostgreSQL cannot be reached at 127.0.0.1, database mail: ")
        assert "hunter2" not in message
    monkeypatch.setenv("POSTROOM_LOG_LEVEL", "loud")
    assert run.failing("apps list")[1].startswith("postroom: POSTROOM_LOG_LEVEL cannot be used")
    assert run("settings").startswith("| variable |")


def test_what_is_served_can_be_listed_and_described(run: Run) -> None:
    rows = json.loads(run("routes --json"))
    assert "GET /v1/account account" in rows
    assert run("routes").endswith(f"\n{len(rows)} of 165 operations of the contract are served\n")
    document = json.loads(run("openapi"))
    assert "get" in document["paths"]["/v1/account"]


def test_the_contract_has_as_many_operations_as_is_said() -> None:
    contract = yaml.safe_load(Path(__file__).parents[2].joinpath("docs/contract/aurinko.openapi.yaml").read_text())
    methods = {"get", "put", "post", "delete", "patch"}
    assert sum(len(methods & set(path)) for path in contract["paths"].values()) == CONTRACT_OPERATIONS


@pytest.mark.parametrize("line", ["", "nonsense", "apps", "apps create", "serve --workers 0", "serve --port x"])
def test_wrong_usage_exits_with_2(run: Run, line: str) -> None:
    status, message = run.failing(line)
    assert status == 2
    assert "usage: postroom" in message


def test_a_var_folder_that_cannot_be_used_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POSTROOM_VAR_DIR", str(tmp_path / "file"))
    status, message = run.failing("apps create x")
    assert status == 1
    assert str(tmp_path / "file") in message


def test_the_demo_says_the_same_again(run: Run, alone: str, var: Path) -> None:
    first = run("demo")
    assert run("demo") == first
    assert stat.S_IMODE((var / "demo.json").stat().st_mode) == 0o600
    kept = json.loads((var / "demo.json").read_text())
    for name in ("clientId", "clientSecret", "accessToken"):
        assert kept[name] in first
    assert first.count("curl ") == 3
    (var / "demo.json").unlink()
    assert "postroom apps create NAME" in run.failing("demo")[1]


def test_a_gateway_of_its_own_serves_the_demo_and_takes_its_database_along(var_dir: Path) -> None:
    """Embedded database, two workers: the printed requests work, and nothing is left when it is told to stop."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "POSTROOM_VAR_DIR": str(var_dir),
        "POSTROOM_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "gateway.cli"]
    printed = subprocess.run([*command, "demo"], env=environment, capture_output=True, text=True, check=True)
    assert printed.stderr == ""
    serving = [*command, "serve", "--port", str(port), "--workers", "2"]
    process = subprocess.Popen(serving, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_port(port, 30)
        requests = re.findall(r"curl (-H|-u) '([^']+)' '([^']+)'", printed.stdout)
        assert [_status(*request) for request in requests] == [200] * 3
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not (var_dir / "pg" / "postmaster.pid").exists()


def _status(option: str, value: str, url: str) -> int:
    request = urllib.request.Request(url)
    if option == "-u":
        encoded = base64.b64encode(value.encode()).decode()
        request.add_header("authorization", f"Basic {encoded}")
    else:
        request.add_header(*value.split(": ", 1))
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)
