"""Providers that call the gateway when something changed. A call is a hint to ask for `changes`, and nothing more: it
may come late, twice or never, so that polling goes on below it.

A provider says by its `doors` where it calls (`POST /push/{provider}/{door}`), each for what one port tells.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from schemas.base import Model


@dataclass(frozen=True, slots=True)
class Channel:
    """What was agreed with the provider, to be kept until it is stopped; before `expires_at` another has to be made.

    `id` names it in calls where the provider says it, `resource` is the provider's own name of what is watched."""

    port: str
    parent: str | None
    id: str
    resource: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What a call says: either of which channel and with which secret, or of which address (of any number of accounts).

    `begins`: the provider only says that the channel works."""

    port: str
    channel: str | None = None
    secret: str | None = None
    email: str | None = None
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """Where a provider calls for one port; `body` is what it sends, where that is JSON. Who calls is known by the
    channel's secret, or where it is `signed` by an identity token."""

    name: str
    port: str
    body: type[Model] | None = None
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """The identity tokens (JWT, RS256) by which calls are known: of one of these issuers, signed with a key that is
    published at `keys` (a JSON Web Key Set), for the address that was called. `signers`: the addresses of whoever may
    have asked the issuer for one; none: anybody."""

    issuers: frozenset[str]
    keys: str
    signers: frozenset[str] = frozenset()


class Push(ABC):
    """The channels of one account."""

    #: The ports that it tells of.
    ports: frozenset[str]

    @abstractmethod
    async def watch(self, port: str, parent: str | None, address: str, secret: str, name: str) -> Channel:
        """Ask to be called at `address` (https) with `secret`; what a provider calls otherwise is in its registration.
        `name` (unique, up to 64 characters) is what the channel is called where the provider lets others choose.

        Raises `Unsupported` for ports that it does not tell of, `Invalid` (the registration lacks something),
        `Denied`."""

    @abstractmethod
    async def stop(self, channel: Channel) -> None:
        """End a channel; one that ended already is no error. After a renewal stop the old one: both call meanwhile."""
