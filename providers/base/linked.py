"""What linking an account gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.accounts import Scope

Grant = Mapping[str, Any]  # JSON of the adapter's own making; sealed at rest, opaque to the gateway


@dataclass(frozen=True, slots=True)
class Linked:
    """An account that the provider accepted: its grant, and what the account record says of it.

    `scopes`: what was really granted, where the provider says so (people may untick scopes); None: all that was asked.
    `auth_user_id` is the provider's own unchanging id of the user, where it has one: addresses get renamed."""

    grant: Grant
    email: str
    login: str | None = None
    name: str | None = None
    server_url: str | None = None
    server_url2: str | None = None
    service_provider: str | None = None
    auth_user_id: str | None = None
    auth_org_id: str | None = None
    timezone: str | None = None
    scopes: frozenset[Scope] | None = None
