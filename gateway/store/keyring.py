"""Where the sealing keys live: in POSTROOM_SECRET_KEYS, or else in a file of the var folder, one key a line."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet

from gateway.settings import Settings

FILE = "secret_keys"


def load(settings: Settings) -> tuple[str, ...]:
    """The keys, newest first; the first process that finds none makes one. Raises `OSError` for an unusable folder."""
    if settings.secret_keys:
        return settings.secret_keys
    path = settings.var_dir / FILE
    if not path.exists():
        _create(path)
    return tuple(path.read_text().split())


def add(settings: Settings) -> bool:
    """Put a new key first in the file; False when the keys come from the environment, which only its owner changes."""
    if settings.secret_keys:
        return False
    _replace(settings.var_dir / FILE, [_new_key(), *load(settings)])
    return True


def retire(settings: Settings) -> bool:
    """Drop every key but the first from the file; False when the keys come from the environment."""
    if settings.secret_keys:
        return False
    _replace(settings.var_dir / FILE, load(settings)[:1])
    return True


def _new_key() -> str:
    return Fernet.generate_key().decode()


def _create(path: Path) -> None:
    """Link a finished file into place: of several processes that start at once one wins, the others read its key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = _written(path.parent, [_new_key()])
    with suppress(FileExistsError):
        os.link(written, path)
    written.unlink()


def _replace(path: Path, keys: Sequence[str]) -> None:
    _written(path.parent, keys).replace(path)


def _written(folder: Path, keys: Sequence[str]) -> Path:
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=f".{FILE}")  # mode 600 (mkstemp's promise)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{key}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
