"""Signatures of what is sent to receivers, and the signing secrets of applications (behaviour.md, section 13)."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from gateway.store.database import Database
from gateway.store.hashing import new_secret
from gateway.store.queries import applications
from gateway.store.vault import Vault
from providers.base.errors import NotFound

_OPENED = 10_000  # secrets that are kept open


class Signer:
    """Signs; the opened secrets stay in memory, since opening one costs more than all the rest of a delivery."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._opened: dict[bytes, bytes] = {}

    def headers(self, sealed: tuple[bytes, bytes | None], stamp: int, body: bytes) -> Mapping[str, str]:
        """The headers of a request with this body, signed at the Unix time `stamp` with the standard secret, and with
        the next one where there is one. Raises `WrongKey`."""
        standard, following = sealed
        base = b"v0:%d:%b" % (stamp, body)
        headers = {"X-Aurinko-Request-Timestamp": str(stamp), "X-Aurinko-Signature": self._sign(standard, base)}
        if following is not None:
            headers["X-Postroom-Next-Signature"] = self._sign(following, base)
        return headers

    def _sign(self, sealed: bytes, base: bytes) -> str:
        secret = self._opened.get(sealed)
        if secret is None:
            if len(self._opened) >= _OPENED:
                self._opened.clear()
            self._opened[sealed] = secret = self._vault.unseal_bytes(sealed)
        return hmac.digest(secret, base, "sha256").hex()


def in_use(sealed: bytes, following: bytes | None, at: datetime | None, now: datetime) -> tuple[bytes, bytes | None]:
    """The secret that signatures are made with, and the one that takes its place later (`at`), if any."""
    if following is None or at is None:
        return sealed, None
    return (following, None) if at <= now else (sealed, following)


class SigningSecrets:
    """Gives applications new signing secrets."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    async def rotate(self, name: str, overlap: timedelta) -> tuple[str, datetime]:
        """A new secret for the application of this name or client id, and when it becomes the standard one. Until then
        requests carry both signatures. One that was to follow before is forgotten. Raises `NotFound`."""
        secret, now = new_secret(), datetime.now(UTC)
        async with self._database.session() as session:
            row = await applications.by_name(session, name)
            if row is None:
                raise NotFound(f"there is no application named {name!r}: see `postroom apps list`")
            present, _ = in_use(row.sealed_signing_secret, row.sealed_next_signing_secret, row.next_signing_at, now)
            await applications.change(
                session,
                row.id,
                sealed_signing_secret=present,
                sealed_next_signing_secret=self._vault.seal_bytes(secret.encode()),
                next_signing_at=now + overlap,
            )
        return secret, now + overlap
