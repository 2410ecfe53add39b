"""Google accounts of a running gateway, on the simulator."""

from dataclasses import dataclass

import httpx

from tests.servers.gateway import Gateway
from tests.servers.google.server import GoogleSimulator
from tests.servers.google.world import User


@dataclass(frozen=True)
class Linked:
    """A Google user whose account is linked."""

    gateway: Gateway
    user: User
    number: int
    bearer: str

    def call(self, method: str, path: str, **given: object) -> httpx.Response:
        """As the account; `path` as it stands, nothing of it is put in order."""
        headers = {"authorization": self.bearer, **given.pop("headers", {})}  # type: ignore[dict-item]
        url = httpx.URL(f"http://127.0.0.1:{self.gateway.port}").copy_with(raw_path=path.encode())
        return httpx.request(method, url, headers=headers, timeout=30, **given)  # type: ignore[arg-type]


def settings(google: GoogleSimulator) -> dict[str, str]:
    """What makes a gateway use the simulator."""
    return {
        "POSTROOM_GOOGLE_API_URL": google.url,
        "POSTROOM_GOOGLE_AUTH_URL": f"{google.url}authorize",
        "POSTROOM_GOOGLE_TOKEN_URL": f"{google.url}token",
        "POSTROOM_GOOGLE_KEYS_URL": f"{google.url}oauth2/v3/certs",
    }


def register(gateway: Gateway, topic: str | None = None, name: str = "first") -> None:
    """An application's registration at Google."""
    more = ["--topic-name", topic] if topic else []
    gateway.postroom("apps", "provider", name, "google", "--client-id", "cid", "--client-secret", "s", *more)


def link(gateway: Gateway, google: GoogleSimulator, user: User | None = None, **account: object) -> Linked:
    """Connect a fresh user, or this one once more; by tokens that were got elsewhere."""
    user = user or google.world.new_user()
    tokens = {"authString1": user.email, "authString2": user.token}
    body = {"serviceType": "Google", "active": True, "email": user.email, **tokens, **account}
    made = gateway.call("POST", "/v1/am/accounts", body)
    return Linked(gateway, user, made["accountId"], f"Bearer {made['accessToken']}")
