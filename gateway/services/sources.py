"""What streams read from: for each port, how its changes and its records are asked for. Changes come in the provider's
names, records are asked for and come under the ids of the stream."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from gateway.identity import Account
from gateway.metrics import PROVIDER, PROVIDER_ERRORS
from gateway.services.growing import Growing, Window
from gateway.services.parents import known_calendar, known_task_list
from gateway.services.renamed import MAIL, Names
from gateway.services.sessions import Sessions
from gateway.services.source import Open, Source
from gateway.store.streams import Filter, Stream
from providers.base.errors import ProviderError, Unsupported
from providers.base.ports import EventQuery, MessageQuery, MessageView, TaskQuery
from providers.base.provider import Session

P = TypeVar("P")
R = TypeVar("R")

MESSAGES, EVENTS, CONTACTS, TASKS = MAIL, "events", "contacts", "tasks"


def _messages(session: Session, names: Names, parent: str | None, filter: Filter, view: Any) -> Source[Any]:
    if session.messages is None:
        raise Unsupported("This account's provider has no messages")
    since = filter.get("receivedSince")
    view = view or MessageView()
    query = MessageQuery(view=view, received_since=datetime.fromisoformat(since) if since else None)
    port = session.messages
    read = partial(names.read, partial(port.get_many, parent, view=view))
    return Source(partial(port.changes, parent, query=query), read)


def _events(session: Session, names: Names, parent: str | None, filter: Filter, view: Any) -> Source[Any]:
    if session.events is None:
        raise Unsupported("This account's provider has no events")
    port = session.events
    read = partial(port.get_many, parent)
    if "timeMin" not in filter:
        return Source(partial(port.changes, parent, query=EventQuery()), read)
    times = (datetime.fromisoformat(filter[name]) for name in ("timeMin", "timeMax", "began"))
    return Source(Growing(partial(port.changes, parent), Window(*times), EventQuery()).changes, read)


def _contacts(session: Session, names: Names, parent: str | None, filter: Filter, view: Any) -> Source[Any]:
    if session.contacts is None:
        raise Unsupported("This account's provider has no contacts")
    port = session.contacts
    return Source(partial(port.changes, parent, query=None), partial(port.get_many, parent))


def _tasks(session: Session, names: Names, parent: str | None, filter: Filter, view: Any) -> Source[Any]:
    if session.tasks is None:
        raise Unsupported("This account's provider has no tasks")
    port, since = session.tasks, filter.get("completedSince")
    query = TaskQuery(datetime.fromisoformat(since) if since else None)
    return Source(partial(port.changes, parent, query=query), partial(port.get_many, parent))


_PORTS: Mapping[str, Callable[[Session, Names, str | None, Filter, Any], Source[Any]]] = {
    MESSAGES: _messages,
    EVENTS: _events,
    CONTACTS: _contacts,
    TASKS: _tasks,
}


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

    async def parent(self, account: Account, port: str, name: str | None) -> str | None:
        """The parent of a stream of this port, by the name that a caller gave (`primary`, `default`, an id).

        Raises `Unsupported` when there can be no such stream, `NotFound` for a parent that is not there, and as
        `Sessions.use`."""
        if port not in _PORTS:
            raise Unsupported(f"Changes of {port} are not offered for this account yet")
        async with self._sessions.native(account) as session:
            _PORTS[port](session, self._sessions.names(account, port), name, {}, None)
            if port == EVENTS and session.calendars is not None and name is not None:
                return await known_calendar(session.calendars, name)
            if port == TASKS and session.task_lists is not None and name is not None:
                return await known_task_list(session.task_lists, name)
        return name


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
