"""Sealing, keys and their rotation."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from gateway.settings import Settings
from gateway.store import keyring
from gateway.store.hashing import fingerprint, matches, new_secret
from gateway.store.vault import Vault, WrongKey

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def test_what_was_sealed_can_be_opened_and_nothing_shows() -> None:
    vault = Vault([OLD])
    value = {"password": "pässword", "ports": [993, None], "nested": {"a": True}}
    sealed = vault.seal(value)
    assert vault.unseal(sealed) == value
    assert b"password" not in sealed
    assert vault.seal(value) != sealed
    assert vault.unseal_bytes(vault.seal_bytes(b"\0\xff")) == b"\0\xff"


def test_a_missing_key_is_said_so() -> None:
    with pytest.raises(WrongKey, match="POSTROOM_SECRET_KEYS"):
        Vault([NEW]).unseal(Vault([OLD]).seal("secret"))


def test_a_damaged_value_does_not_open() -> None:
    sealed = bytearray(Vault([OLD]).seal("secret"))
    sealed[20] ^= 1
    with pytest.raises(WrongKey):
        Vault([OLD]).unseal(bytes(sealed))


def test_earlier_keys_open_and_resealing_moves_to_the_newest() -> None:
    sealed = Vault([OLD]).seal("secret")
    both = Vault([NEW, OLD])
    resealed = both.reseal(sealed)
    assert resealed is not None
    assert both.reseal(resealed) is None
    assert Vault([NEW]).unseal(resealed) == "secret"


def test_a_running_process_notices_a_rotation(tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path)
    running = Vault.open(settings)
    before = running.seal("before")
    assert keyring.add(settings)
    other = Vault.open(settings)
    assert running.unseal(other.seal("under the new key")) == "under the new key"
    assert Vault([keyring.load(settings)[0]]).unseal(running.seal("after")) == "after"
    assert keyring.retire(settings)
    with pytest.raises(WrongKey):
        Vault.open(settings).unseal(before)


def test_nothing_is_sealed_under_a_retired_key(tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path)
    running = Vault.open(settings)
    keyring.add(settings)
    keyring.retire(settings)
    assert Vault.open(settings).unseal(running.seal("kept")) == "kept"


def test_keys_of_the_environment_are_left_to_its_owner(tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path, secret_keys=f"{NEW}, {OLD}")
    assert keyring.load(settings) == (NEW, OLD)
    assert not keyring.add(settings)
    assert not keyring.retire(settings)
    assert list(tmp_path.iterdir()) == []


def test_processes_that_start_at_once_agree_on_one_key_that_only_they_can_read(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from gateway.settings import Settings; from gateway.store import keyring\n"
        "sys.stdin.readline(); print(*keyring.load(Settings(var_dir=Path(sys.argv[1]))))"
    )
    folder = tmp_path / "var"
    command = [sys.executable, "-c", code, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(4)]  # type: ignore[call-overload]
    keys = {process.communicate("go\n", timeout=60)[0].strip() for process in processes}
    assert keys == {(folder / keyring.FILE).read_text().strip()}
    assert stat.S_IMODE((folder / keyring.FILE).stat().st_mode) == 0o600
    assert list(folder.iterdir()) == [folder / keyring.FILE]


def test_secrets_are_long_unlike_and_match_only_themselves() -> None:
    one, other = new_secret(), new_secret()
    assert len(one) == 43
    assert matches(one, fingerprint(one))
    assert not matches(other, fingerprint(one))
    assert one.encode() not in fingerprint(one)
