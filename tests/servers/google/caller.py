"""Google as it calls when something changed: Pub/Sub for mail, channels for calendars."""

import base64
import json
import time
import uuid
from typing import Any

import httpx
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.servers.google.mailbox import Mail
from tests.servers.google.world import Channel, User

SERVICE_ACCOUNT = "push@project.iam.example"
ISSUER = "https://accounts.google.com"


class Caller:
    """Signs and calls. `key` is the one in use, `published` those that are told."""

    def __init__(self) -> None:
        self.published: dict[str, rsa.RSAPrivateKey] = {}
        self.fetched = 0  # how often the keys were asked for
        self.away = False  # whether they are told just now
        self.rotate()

    def rotate(self) -> None:
        """Sign with another key from now on; those before stay published."""
        self.key, self.kid = rsa.generate_private_key(65537, 2048), uuid.uuid4().hex
        self.published[self.kid] = self.key

    def certs(self) -> web.Response:
        """What is published (RFC 7517)."""
        self.fetched += 1
        if self.away:
            return web.Response(status=503)
        keys = [
            {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "alg": "RS256", "use": "sig"}
            for kid, key in self.published.items()
        ]
        return web.json_response({"keys": keys})

    def token(self, audience: str, *, key: Any = None, kid: str | None = None, **claims: Any) -> str:
        """An identity token of Pub/Sub's, valid unless told otherwise; a claim that is None is left out."""
        now = int(time.time())
        payload = {
            "iss": ISSUER, "aud": audience, "iat": now, "exp": now + 3600, "sub": "1",
            "email": SERVICE_ACCOUNT, "email_verified": True, **claims,
        }  # fmt: skip
        kept = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(kept, key or self.key, algorithm="RS256", headers={"kid": kid or self.kid})

    def publish(
        self, gateway: str, email: str, history: int = 1, *, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """What Pub/Sub sends for a mailbox; `gateway` is its public URL."""
        url = f"{gateway}/push/google/email"
        bearer = {"authorization": f"Bearer {token or self.token(url)}"}
        return httpx.post(url, json=envelope(email, history), headers={**bearer, **headers}, timeout=30)

    def mail(self, gateway: str, user: User) -> httpx.Response:
        """The mailbox of a user has changed."""
        mail: Mail = user.shelf(Mail)
        return self.publish(gateway, user.email, mail.counter)

    def events(self, channel: Channel, state: str = "exists", **headers: str) -> httpx.Response:
        """A calendar has changed."""
        said = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Token": channel.token,
            "X-Goog-Resource-ID": channel.resource,
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": "1",
            **headers,
        }
        return httpx.post(channel.address, headers=said, timeout=30)


def envelope(email: str, history: int) -> dict[str, object]:
    """A message of Pub/Sub's."""
    data = base64.urlsafe_b64encode(json.dumps({"emailAddress": email, "historyId": history}).encode()).decode()
    return {"message": {"data": data, "messageId": uuid.uuid4().hex}, "subscription": "projects/p/subscriptions/s"}
