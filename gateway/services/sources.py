"""What streams read from: for each port, how its changes and its records are asked for. Changes come in the provider's
names, records are asked for and come under the ids of the stream."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from gateway.identity import Account
from gateway.metrics import PROVIDER, PROVIDER_ERRORS
from gateway.services.renamed import MAIL, Names
from gateway.services.sessions import Sessions
from gateway.services.source import Open, Source
from gateway.store.streams import Filter, Stream
from providers.base.errors import ProviderError, Unsupported
from providers.base.ports import MessageQuery, MessageView
from providers.base.provider import Session

P = TypeVar("P")
R = TypeVar("R")

MESSAGES = MAIL


def _messages(session: Session, names: Names, parent: str | None, filter: Filter, view: Any) -> Source[Any]:
    if session.messages is None:
        raise Unsupported("This account's provider has no messages")
    since = filter.get("receivedSince")
    view = view or MessageView()
    query = MessageQuery(view=view, received_since=datetime.fromisoformat(since) if since else None)
    port = session.messages
    read = partial(names.read, partial(port.get_many, parent, view=view))
    return Source(partial(port.changes, parent, query=query), read)


_PORTS: Mapping[str, Callable[[Session, Names, str | None, Filter, Any], Source[Any]]] = {MESSAGES: _messages}


class Sources:
    """Opens what streams read from; `ports` are the kinds of things that can be followed."""

    ports = tuple(_PORTS)

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def open(self, account: Account, stream: Stream, view: Any = None) -> Open[Any]:
        """The source of a stream of the account; `view` says how records are to be read.

        Entering it raises `Unsupported` for a port that the provider lacks, and as `Sessions.use`."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Source[Any]]:
            # The account may be younger than its first alias, which a pull has just made: so the names are looked up.
            names, service = self._sessions.names(account, stream.port), account.service_type.value
            async with self._sessions.native(account) as session:
                source = _PORTS[stream.port](session, names, stream.parent, stream.filter, view)
                yield Source(
                    changes=_measured(source.changes, service, stream.port, "changes"),
                    read=_measured(source.read, service, stream.port, "get_many"),
                )

        return opened

    async def check(self, account: Account, port: str, parent: str | None) -> None:
        """Make sure that there can be a stream of this port of the account.

        Raises `Unsupported` when there cannot, and as `Sessions.use`."""
        if port not in _PORTS:
            raise Unsupported(f"Changes of {port} are not offered for this account yet")
        async with self._sessions.native(account) as session:
            _PORTS[port](session, self._sessions.names(account, port), parent, {}, None)


def _measured(
    verb: Callable[[P], Awaitable[R]], service: str, port: str, name: str
) -> Callable[[P], Coroutine[Any, Any, R]]:
    """The verb, with its time and its failures counted."""

    async def run(argument: P) -> R:
        with PROVIDER.labels(service, port, name).time():
            try:
                return await verb(argument)
            except ProviderError as error:
                PROVIDER_ERRORS.labels(service, port, type(error).__name__).inc()
                raise

    return run
