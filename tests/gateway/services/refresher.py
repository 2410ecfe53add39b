"""A process that wants a fresh token of an account, and prints it: `python -m tests.gateway.services.refresher`.

Arguments: database URL, key of the vault, token endpoint, account id.
"""

import asyncio
import sys
from pathlib import Path

from gateway.services.registrations import Registrations
from gateway.services.token_keeping import TokenKeeper
from gateway.store.database import Database
from gateway.store.vault import Vault
from providers.base.provider import ProviderSettings
from providers.google.provider import GoogleProvider


def provider(token_url: str) -> GoogleProvider:
    """The adapter, at a token endpoint of the test's own."""
    settings = ProviderSettings(Path(), allow_private_networks=True, endpoints={"google_token_url": token_url})
    return GoogleProvider(settings)


async def refresh(url: str, key: str, token_url: str, account_id: int) -> str:
    """A token that is good."""
    database, vault, google = Database(url), Vault([key]), provider(token_url)
    keeper = TokenKeeper(database, vault, Registrations(database, vault))
    try:
        assert google.auth is not None
        grant = await keeper.renewed(account_id, google.auth, None)
        return str(grant["access_token"])
    finally:
        await keeper.close()
        await google.close()
        await database.close()


if __name__ == "__main__":
    print(asyncio.run(refresh(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))), flush=True)
