"""The resources that can be subscribed to and the ports behind them (behaviour.md, section 13)."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from providers.base.errors import Invalid
from schemas.accounts import Scope

#: What may read a port, and so be told of its changes; ports that are not named here are open to every account.
READERS: Mapping[str, tuple[Scope, ...]] = {
    "messages": (Scope.MAIL_READ, Scope.MAIL_READ_WRITE, Scope.MAIL_DRAFTS, Scope.MAIL_ALL),
    "events": (Scope.CALENDAR_READ, Scope.CALENDAR_READ_WRITE),
    "contacts": (Scope.CONTACTS_READ, Scope.CONTACTS_READ_WRITE),
    "tasks": (Scope.TASKS_READ, Scope.TASKS_READ_WRITE),
}
#: Who may read anything that can be told of.
ANY_READER: tuple[Scope, ...] = tuple(dict.fromkeys(scope for scopes in READERS.values() for scope in scopes))

#: Pattern of a resource, port. The one group, where there is one, is the port's parent.
_RESOURCES: Sequence[tuple[str, str]] = (
    ("/email/messages", "messages"),
    ("/email/tracking", "tracking"),
    ("/calendars/{}/events", "events"),
    ("/contacts", "contacts"),
    ("/tasklists/{}/tasks", "tasks"),
    ("/booking/{}", "bookings"),
)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as clients write it, and the port and parent that it stands for."""

    name: str
    port: str
    parent: str | None = None


def resource(name: str, path: str = "resource") -> Resource:
    """Read a resource's name. Raises `Invalid` for one that there is not; `path` is where it was given."""
    for pattern, port in _RESOURCES:
        if match := re.fullmatch(re.escape(pattern).replace(r"\{\}", "([^/]+)"), name):
            return Resource(name, port, match[1] if match.groups() else None)
    known = ", ".join(pattern.replace("{}", "{id}") for pattern, _ in _RESOURCES)
    raise Invalid(f"{path}: {name[:80]!r} is none that can be watched; there are {known}", path=path)


def name(port: str, parent: str | None) -> str:
    """How clients write a port and its parent."""
    pattern = next(pattern for pattern, known in _RESOURCES if known == port)
    return pattern.format(parent)


def readable(scopes: AbstractSet[Scope], port: str) -> bool:
    """Whether an account with these scopes may be told of a port."""
    return port not in READERS or not scopes.isdisjoint(READERS[port])
