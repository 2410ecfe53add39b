"""How this process treats the mail hosts: so many sign-ins at once, rest for those that are down, so many connections
to each account. Shared by all sessions and listeners."""

import asyncio
import threading
import time
from functools import partial
from weakref import WeakValueDictionary

from providers.base.errors import RateLimited, Timeout
from providers.base.provider import ProviderSettings
from providers.imap import presets
from providers.imap.budget import Budget
from providers.imap.circuit import Circuit
from providers.imap.connection import Connection
from providers.imap.grant import Endpoint, ImapGrant

SIGN_INS = 32  # at once to one host, those for requests and those for listening together
LISTENERS = 16  # of them
_RETRIES = (0.1, 0.4, 1.0)  # seconds; a server takes a moment to see that a connection was given up


class Host:
    """One server. `turn` is held by a listener while it signs in."""

    def __init__(self, name: str) -> None:
        self.circuit = Circuit(name)
        self.sign_ins = threading.BoundedSemaphore(SIGN_INS)
        self.turn = asyncio.Semaphore(LISTENERS)


class Hosts:
    """The hosts and accounts that are known to the process. Safe for several threads."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._hosts: dict[tuple[str, int], Host] = {}
        self._budgets: WeakValueDictionary[tuple[str, int, str], Budget] = WeakValueDictionary()

    def host(self, endpoint: Endpoint) -> Host:
        """The server at an endpoint."""
        key = endpoint.host.lower(), endpoint.port
        with self._lock:
            if (found := self._hosts.get(key)) is None:
                found = self._hosts[key] = Host(f"{endpoint.host}:{endpoint.port}")
            return found

    def budget(self, grant: ImapGrant) -> Budget:
        """The connections of an account; kept while somebody holds it."""
        key = grant.imap.host.lower(), grant.imap.port, grant.login
        with self._lock:
            if (found := self._budgets.get(key)) is None:
                found = self._budgets[key] = Budget(presets.connections(grant.imap.host))
            return found

    def open(self, grant: ImapGrant, *, listening: bool = False) -> Connection:
        """A connection within the account's budget. Raises `RateLimited` when there is no place for one more, and what
        `Connection.open` raises."""
        budget = self.budget(grant)
        try:
            return self._open(grant, budget, listening=listening)
        except RateLimited:
            if listening or not budget.make_way():
                raise
        return self._open_in_time(grant, budget)

    def _open_in_time(self, grant: ImapGrant, budget: Budget) -> Connection:
        """Requests go before listening: a connection in the place of the listener's."""
        for pause in _RETRIES:
            time.sleep(pause)
            try:
                return self._open(grant, budget, listening=False)
            except RateLimited as error:
                refused = error
        raise refused

    def _open(self, grant: ImapGrant, budget: Budget, *, listening: bool) -> Connection:
        budget.enter(listening=listening)
        try:
            connection = self._signed_in(grant)
        except BaseException as error:
            budget.leave(listening=listening)
            if isinstance(error, RateLimited):
                budget.learn()
            raise
        connection.gone = partial(budget.leave, listening=listening)
        return connection

    def _signed_in(self, grant: ImapGrant) -> Connection:
        host, settings = self.host(grant.imap), self._settings
        patience = settings.connect_timeout + settings.read_timeout
        if not host.sign_ins.acquire(timeout=patience):
            raise Timeout(f"{grant.imap.host} is slow: too many sign-ins wait for it", retry_after=patience)
        try:
            with host.circuit.trying(patience):
                connection = Connection.connect(grant, settings)
            connection.sign_in(grant)
        finally:
            host.sign_ins.release()
        return connection
