"""Service accounts that are made with a key: the key, and whether their administrator lets them act for people."""

from collections.abc import Iterable

from providers.base.linked import Linked
from providers.base.oauth2 import Auth
from providers.base.provider import Provider
from schemas.accounts import ApiAccountInDto, Scope


def native(provider: Provider, scopes: Iterable[Scope]) -> str:
    """What the administrator has to allow, in the provider's words. Raises `Unsupported`."""
    return str(provider.delegated({}, "", frozenset(scopes)).get("scope") or "")


async def tried(provider: Provider, auth: Auth, body: ApiAccountInDto, scopes: Iterable[Scope]) -> Linked:
    """The service account of the key in `authString1`, once it could act for the person in `email`.

    Raises `Invalid` for what is no key, `Unauthorized` where it may not, `Unavailable`."""
    linked = await provider.link_service(body)
    delegated = provider.delegated(linked.grant, body.email or "", frozenset(scopes))
    await auth.identify(None, {**linked.grant, **delegated})
    return linked
