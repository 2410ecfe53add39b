"""A socket that never waits: octets in, octets out, over TLS or without."""

import socket
import ssl
from contextlib import suppress

_BUFFER = memoryview(bytearray(65536))  # more than a TLS record holds; used by the one thread of the switchboard only
_AT_ONCE = 16  # reads before it is the others' turn
_LATER = (BlockingIOError, ssl.SSLWantReadError)

# Seconds, seconds, number: a peer that went away without a word is noticed within three minutes at most.
_KEEPALIVE = {"TCP_KEEPIDLE": 120, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3}
_UNACKNOWLEDGED = 60_000  # milliseconds (TCP_USER_TIMEOUT, RFC 5482)


class Channel:
    """`blocked`: the socket must become writable before anything goes on. `ended`: nothing comes any more."""

    __slots__ = ("_out", "blocked", "ended", "socket")

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._out = b""
        self.blocked = self.ended = False
        connected.setblocking(False)
        _keep_alive(connected)

    def send(self, data: bytes) -> None:
        """Send now what the socket takes, and the rest when it is ready. Raises `OSError`."""
        self._out += data
        self.flush()

    def flush(self) -> None:
        """Send what was left. Raises `OSError`."""
        self.blocked = False
        try:
            while self._out:
                self._out = self._out[self.socket.send(self._out) :]
        except ssl.SSLWantReadError:  # goes on with the next octets that come
            pass
        except (BlockingIOError, ssl.SSLWantWriteError):
            self.blocked = True

    def receive(self) -> bytes:
        """What has come, perhaps nothing. Raises `OSError`."""
        pieces: list[bytes] = []
        try:
            while not self.ended and (len(pieces) < _AT_ONCE or self._is_pending()):
                size = self.socket.recv_into(_BUFFER)
                pieces.append(bytes(_BUFFER[:size]))
                self.ended = not size
        except _LATER:
            pass
        except ssl.SSLWantWriteError:
            self.blocked = True
        return b"".join(pieces)

    def _is_pending(self) -> bool:
        """Whether TLS holds octets that were decrypted but not read: no selector would tell of them."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def _keep_alive(connected: socket.socket) -> None:
    """Have the system look whether the peer is still there; as far as the system can."""
    options = {**_KEEPALIVE, "TCP_USER_TIMEOUT": _UNACKNOWLEDGED}
    with suppress(OSError):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options.items():
            if (number := getattr(socket, name, None)) is not None:
                connected.setsockopt(socket.IPPROTO_TCP, number, value)
