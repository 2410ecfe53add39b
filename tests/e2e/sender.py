"""A process that does nothing but what is due for sends: `python -m tests.e2e.sender`, to be killed."""

import asyncio

from gateway.services.dispatching import Dispatching
from gateway.services.identity import Identity
from gateway.services.sessions import Sessions
from gateway.services.submission import Submissions
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.due_sends import DueSends
from gateway.store.sends import Sends
from gateway.store.vault import Vault
from providers import registry


async def main() -> None:
    """Wired as the gateway is; the settings come from the environment."""
    settings = Settings.from_environment()
    database = await Database.open(settings)
    sessions = Sessions(registry.load(settings.provider_settings()), Vault.open(settings), database, Identity(database))
    pump = Dispatching(Submissions(Sends(database)), DueSends(database), sessions).pump()
    while True:
        await asyncio.gather(*(pump.run(key) for key in await pump.due(100)))
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main())
