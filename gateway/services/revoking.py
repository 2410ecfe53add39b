"""Taking grants back at their providers once the accounts are gone. That never holds up the deletion: it is noted with
it, and tried until the provider was reached."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from gateway.services.registrations import Registrations
from gateway.store.database import Database
from gateway.store.revocations import Revocation, Revocations
from gateway.store.vault import Vault, WrongKey
from gateway.work.pump import Pump
from providers.base.errors import ProviderError, Unavailable
from providers.base.provider import Provider

log = logging.getLogger("postroom.revoking")
_DEADLINE = 15.0  # seconds for the provider's answer


class Revoking:
    """Revokes what was noted; `providers` by serviceType."""

    def __init__(self, database: Database, vault: Vault, providers: Mapping[str, Provider]) -> None:
        self._rows, self._vault, self._providers = Revocations(database), vault, providers
        self._registrations = Registrations(database, vault)

    def pump(self) -> Pump:
        """The background work."""
        return Pump("revoke", self._rows.due, self.run, every=2.0, at_once=4)

    async def now(self, revocations: Sequence[int]) -> None:
        """Try these at once; what fails is tried again later."""
        for revocation in revocations:
            await self.run(revocation)

    async def run(self, revocation: int) -> None:
        """One try."""
        claimed = await self._rows.claim(revocation)
        if claimed is None:
            return
        try:
            async with asyncio.timeout(_DEADLINE):
                await self._revoke(claimed)
        except (TimeoutError, ProviderError, WrongKey) as error:
            if isinstance(error, (TimeoutError, Unavailable)) and not claimed.last:
                log.info("revocation %s is tried again later: %s", revocation, error)
                return
            log.warning("credentials of %s could not be revoked: %s", claimed.service_type, error)
        await self._rows.done(revocation)

    async def _revoke(self, claimed: Revocation) -> None:
        provider = self._providers.get(claimed.service_type)
        if provider is None or provider.auth is None:
            return
        client = await self._registrations.client(claimed.application_id, claimed.service_type)
        await provider.auth.revoke(client, self._vault.unseal(claimed.sealed_grant))
