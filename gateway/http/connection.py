"""One connection of a client: what streamed answers need of it beyond ASGI."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LINGER = 2.0  # seconds that a stream may take to end once the server stops


class Connection(HttpToolsProtocol):
    """uvicorn's, with three more things in `scope["state"]`: `cut` breaks the connection off, unsent octets too;
    an answer without end sets `streaming`; and the application's `leave` is called when the server stops."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["cut"] = self.transport.abort

    def shutdown(self) -> None:
        """The server stops: have streams ended, and do not wait for those whose client does not read."""
        self.app_state.get("leave", lambda: None)()
        if self.scope is not None and self.scope["state"].get("streaming"):
            asyncio.get_running_loop().call_later(_LINGER, self.transport.abort)
        super().shutdown()
