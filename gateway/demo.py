"""`postroom demo`: a first application and an account with mail in it, made once and shown again each time."""

import json
import os
from argparse import Namespace
from pathlib import Path

from gateway.commands import Failed, Store, opened
from gateway.services.accounts import Accounts
from gateway.services.identity import Identity
from gateway.services.sessions import Sessions
from schemas.accounts import ApiAccountInDto, ServiceType

FILE = "demo.json"
_EMAIL = "demo@example.com"

_TEXT = """\
A first application and an account to try:
  client id      {clientId}
  client secret  {clientSecret}
  access token   {accessToken}

Three requests, once the gateway runs:
  curl -H 'Authorization: Bearer {accessToken}' '{url}/v1/email/messages?limit=3'
  curl -H 'Authorization: Bearer {accessToken}' '{url}/v1/email/messages?limit=3&q=is:unread'
  curl -u '{clientId}:{clientSecret}' '{url}/v1/am/accounts'
"""


async def run(_: Namespace) -> str:
    """Make them in an empty database, and say how to use them. Raises `Failed` when their secrets are lost."""
    async with opened() as store:
        path = store.settings.var_dir / FILE
        if not await store.applications.every():
            _keep(path, await _make(store))
        url = store.settings.public_url
    if not path.exists():
        raise Failed(
            f"the database has applications already, and {path} with the first one's secrets is not there: make "
            "another application with `postroom apps create NAME`"
        )
    return _TEXT.format(url=url, **json.loads(path.read_text()))


async def _make(store: Store) -> dict[str, str]:
    from providers import registry  # every adapter with its libraries: other commands need not wait for them

    application, secret, signing_secret = await store.applications.create("demo")
    providers = registry.load(store.settings.provider_settings())
    identity = Identity(store.database)
    sessions = Sessions(providers, store.vault, store.database, identity)
    accounts = Accounts(store.database, store.vault, providers, sessions, identity)
    body = ApiAccountInDto(service_type=ServiceType.SANDBOX, active=True, email=_EMAIL, name="Demo")
    saved = await accounts.upsert(application, body)
    for provider in set(providers.values()):
        await provider.close()
    return {
        "clientId": application.client_id,
        "clientSecret": secret,
        "signingSecret": signing_secret,
        "accessToken": saved.access_token,
    }


def _keep(path: Path, secrets: dict[str, str]) -> None:
    """Write the secrets for their owner's eyes only."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(secrets, file)
