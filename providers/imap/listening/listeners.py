"""Opening the connections that listen."""

from functools import partial

from providers.base.errors import RateLimited, Unavailable
from providers.base.lane import Lane
from providers.base.provider import Hear
from providers.imap.budget import REMEMBERED
from providers.imap.connection import Connection
from providers.imap.errors import translated
from providers.imap.grant import ImapGrant
from providers.imap.hosts import Hosts
from providers.imap.listening.channel import Channel
from providers.imap.listening.ear import ImapListening
from providers.imap.listening.routines import routine
from providers.imap.listening.switchboard import Switchboard
from providers.imap.listening.watch import Watch

_AT_ONCE = 64  # accounts signing in to listen, over all hosts: most threads are for requests


class Listeners:
    """All listeners of the process: they sign in on a lane, and then share one switchboard."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts, self._lane, self._switchboard = hosts, Lane(_AT_ONCE), Switchboard()

    async def listen(self, grant: ImapGrant, hear: Hear) -> ImapListening:
        """Returns when nothing is missed any more. Raises as `Provider.listen`."""
        listening = ImapListening(hear, self._switchboard)
        try:
            async with self._hosts.host(grant.imap).turn:
                await self._lane.run(partial(self._begin, grant, listening))
            await listening.started
        except BaseException:
            listening.forsake()
            raise
        return listening

    def close(self) -> None:
        """End them all; nothing is heard any more."""
        self._switchboard.close()

    def _begin(self, grant: ImapGrant, listening: ImapListening) -> None:
        """Sign in, and hand the connection over."""
        connection = self._hosts.open(grant, listening=True)
        try:
            with translated():
                watch, ahead = self._stripped(connection, grant, listening)
        except BaseException:
            connection.close()
            raise
        listening.watch = watch
        if not self._switchboard.post(partial(watch.begin, self._switchboard, ahead)):
            watch.close()
            raise Unavailable("the gateway is being shut down")

    def _stripped(self, connection: Connection, grant: ImapGrant, listening: ImapListening) -> tuple[Watch, bytes]:
        """The connection without all that is not needed for listening."""
        steps = routine(connection)
        socket, ahead = connection.release()
        budget, leave = self._hosts.budget(grant), connection.gone
        listening.budget = budget
        give_way = partial(self._give_way, listening)

        def gone() -> None:
            budget.listeners.discard(give_way)
            if leave is not None:
                leave()

        watch = Watch(Channel(socket), steps, listening, gone)
        budget.listeners.add(give_way)
        return watch, ahead

    def _give_way(self, listening: ImapListening) -> None:
        """The connection is needed for a request; on any thread."""
        if (watch := listening.watch) is not None:
            reason = "the mail server allows too few connections for one of them to listen"
            self._switchboard.post(partial(watch.lose, RateLimited(reason, retry_after=REMEMBERED)))
