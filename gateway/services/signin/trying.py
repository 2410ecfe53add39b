"""Whether data can really be read: asked of a provider before an account is kept (`ensureAccess`)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway.services.resources import READERS
from gateway.services.signin.outcome import Refused
from providers.base.collection import PageRequest
from providers.base.errors import Denied, NotFound, Unsupported
from providers.base.oauth2 import GivenToken, OAuthClient
from providers.base.ports import CalendarQuery
from providers.base.provider import Linked, Mailbox, Provider, Session
from schemas.accounts import Scope

_ONE = PageRequest(None, 1)
_FIRST: dict[str, Callable[[Session], Awaitable[Any]]] = {
    "messages": lambda session: _find(session.folders),
    "events": lambda session: _find(session.calendars, CalendarQuery()),
    "contacts": lambda session: _find(session.contacts),
    "tasks": lambda session: _find(session.task_lists),
}


async def try_out(provider: Provider, linked: Linked, scopes: Sequence[Scope], client: OAuthClient | None) -> None:
    """Read something of each kind that the scopes open. Raises `Refused`."""
    mailbox = Mailbox(0, 0, linked.email, linked.grant, tokens=GivenToken(linked.grant), client=client)
    session = await provider.open(mailbox)
    try:
        for kind, first in _FIRST.items():
            if set(READERS[kind]) & set(scopes):
                await first(session)
    except (Denied, NotFound) as error:
        raise Refused("insufficient_access", f"the account cannot be read: {error.message}") from None
    except Unsupported:  # the provider lacks what was asked of it, which is no question of access
        pass
    finally:
        await session.close()


async def _find(port: Any, query: Any = None) -> None:
    if port is not None:
        await port.find(None, query, _ONE)
