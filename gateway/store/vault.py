"""Sealing of what must be read back: grants, signing secrets, stored answers (Fernet: AES-128-CBC and HMAC-SHA256)."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from gateway.settings import Settings
from gateway.store import keyring

Load = Callable[[], Sequence[str]]


class WrongKey(Exception):
    """Something stored was sealed with a key that this process does not have."""


class Vault:
    """Seals with the first key, opens with any. `load` reads the keys anew: another process may have rotated them."""

    def __init__(self, keys: Sequence[str], load: Load | None = None) -> None:
        self._load = load
        self._use(keys)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """The vault with the keys that the settings name. Raises `OSError` when the key file cannot be used."""
        return cls(keyring.load(settings), lambda: keyring.load(settings))

    def _use(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._fernets = MultiFernet([Fernet(key) for key in keys])
        self._newest = Fernet(keys[0])

    def seal(self, value: Any) -> bytes:
        """`value` (any JSON) as sealed bytes."""
        return self.seal_bytes(json.dumps(value, separators=(",", ":")).encode())

    def unseal(self, sealed: bytes) -> Any:
        """The JSON value that was sealed. Raises `WrongKey`."""
        return json.loads(self.unseal_bytes(sealed))

    def seal_bytes(self, value: bytes) -> bytes:
        """`value` as sealed bytes, under the newest key: one that was just retired must not be used again."""
        self.refresh()
        return self._fernets.encrypt(value)

    def unseal_bytes(self, sealed: bytes) -> bytes:
        """The bytes that were sealed. Raises `WrongKey`."""
        return self._opened(lambda: self._fernets.decrypt(sealed))

    def reseal(self, sealed: bytes) -> bytes | None:
        """`sealed` under the first key; None when it is so already. Raises `WrongKey`."""
        try:
            self._newest.decrypt(sealed)
        except InvalidToken:
            return self._opened(lambda: self._fernets.rotate(sealed))
        return None

    def refresh(self) -> bool:
        """Read the keys anew; whether they had changed."""
        keys = tuple(self._load()) if self._load else self._keys
        changed = keys != self._keys
        if changed:
            self._use(keys)
        return changed

    def _opened(self, attempt: Callable[[], bytes]) -> bytes:
        try:
            return attempt()
        except InvalidToken:
            if self.refresh():
                return self._opened(attempt)
            raise WrongKey(
                "a stored secret cannot be opened: the key that sealed it is missing. Put the earlier key back, behind "
                "the current ones, in POSTROOM_SECRET_KEYS or in the secret_keys file of the var folder"
            ) from None
