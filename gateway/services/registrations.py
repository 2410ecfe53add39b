"""Applications' registrations at providers, opened for use."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.store.database import Database
from gateway.store.queries import applications
from gateway.store.tables import OAuthClientRow
from gateway.store.vault import Vault
from providers.base.oauth2 import OAuthClient


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration; `relay` is the application's own page to which the provider sends browsers back."""

    client: OAuthClient
    relay: str | None = None


class Registrations:
    """Finds them."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    async def find(self, application_id: int, service_type: str, *, daemon: bool = False) -> Registered | None:
        """The application's registration for a service type. Raises `WrongKey`."""
        async with self._database.read() as session:
            row = await applications.oauth_client(session, application_id, service_type, daemon=daemon)
        return self._opened(row) if row else None

    async def client(self, application_id: int, service_type: str, *, daemon: bool = False) -> OAuthClient | None:
        """Its client. Raises `WrongKey`."""
        found = await self.find(application_id, service_type, daemon=daemon)
        return found.client if found else None

    async def of(self, session: AsyncSession, application_id: int, service_type: str) -> OAuthClient | None:
        """As `client`, within a transaction. Raises `WrongKey`."""
        row = await applications.oauth_client(session, application_id, service_type, daemon=False)
        return self._opened(row).client if row else None

    def _opened(self, row: OAuthClientRow) -> Registered:
        secret = self._vault.unseal(row.sealed_secrets)["clientSecret"]
        options = {"topicName": row.topic_name} if row.topic_name else {}
        return Registered(OAuthClient(row.client_id, secret, {**row.options, **options}), row.intermediate_callback_url)
