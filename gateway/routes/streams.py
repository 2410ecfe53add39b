"""The state of change logs (ours, beside the contract)."""

from gateway.http.route import Route
from gateway.identity import Account
from gateway.routes.scopes import ANY
from gateway.services.stream_status import StreamStates
from schemas.streams import StreamsStatus


async def states(account: Account, streams: StreamStates) -> StreamsStatus:
    """List the account's change logs: how far they are, what cannot be read, what the last audit found."""
    return await streams.of(account)


ROUTES = (Route("GET", "/v1/streams", "listStreams", ANY, states, StreamsStatus, tag="Streams"),)
