"""Background work in processes of its own: `postroom work` beside `postroom serve --no-work`."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from tests.servers.gateway import Gateway, wait_until


@pytest.fixture(scope="module")
def serving() -> Iterator[Gateway]:
    with Gateway(serve=["--no-work"]) as gateway:
        yield gateway


def _url(gateway: Gateway) -> str:
    """Its embedded database, which the processes share."""
    socket = (Path(gateway.var.name) / "pg" / "postmaster.pid").read_text().splitlines()[4]
    return f"postgresql://postgres@/postgres?host={socket}"


def _ask(gateway: Gateway, statement: LiteralString) -> list[tuple[object, ...]]:
    with psycopg.connect(_url(gateway), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_serving_process_without_work_leaves_watching_to_a_worker_which_starts_at_once(serving: Gateway) -> None:
    token = serving.link(serviceType="Sandbox", password="any", email="ann@sandbox.test")
    assert serving.call("POST", "/v1/email/sync?daysWithin=3", authorization=token)
    assert _ask(serving, "select 1 from process") == []
    worker = serving.work()
    wait_until(lambda: _ask(serving, "select 1 from watch join process on name = owner"), 30)
    feeding = "select 1 from stream where filter = '{}' and ready"
    wait_until(lambda: _ask(serving, feeding), 30)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert _ask(serving, "select 1 from process") == []


def test_a_worker_does_only_the_kinds_of_work_that_it_was_told(serving: Gateway) -> None:
    unknown = serving.work("--queues", "nonsense")
    assert unknown.wait(30) == 1
    serving.link(serviceType="Sandbox", password="any", email="bob@sandbox.test")
    upkeep = serving.work("--queues", "upkeep")
    watching = serving.work("--queues", "watch,upkeep")
    wait_until(lambda: _ask(serving, "select 1 from process"), 30)
    assert len(_ask(serving, "select 1 from process")) == 1
    for worker in (upkeep, watching):
        worker.terminate()
        assert worker.wait(10) == 0


def test_a_worker_that_finds_no_current_schema_says_what_to_do() -> None:
    with Gateway(serve=["--no-work"]) as gateway:  # whose own work would hold on to what is dropped
        _ask(gateway, "drop schema procrastinate cascade")
        gateway.environment["POSTROOM_DATABASE_URL"] = _url(gateway)
        command = [sys.executable, "-m", "gateway.cli", "work"]
        failed = subprocess.run(command, env=gateway.environment, capture_output=True, text=True, check=False)
        assert failed.returncode == 1
        assert "run `postroom migrate`" in failed.stderr
        assert gateway.postroom("migrate") == "The database is up to date.\n"


def test_a_serving_process_with_work_stops_within_ten_seconds() -> None:
    with Gateway() as gateway:
        token = gateway.link(serviceType="Sandbox", password="any", email="ann@sandbox.test")
        gateway.call("POST", "/v1/email/sync?daysWithin=3", authorization=token)
        wait_until(lambda: _ask(gateway, "select 1 from watch join process on name = owner"), 30)
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(10) == 0
