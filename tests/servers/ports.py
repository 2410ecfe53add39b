"""Loopback ports: a free one, waiting until something listens on it, and hanging up."""

import socket
import time


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_port(port: int, timeout: float = 20.0) -> None:
    """Return once something accepts connections on the port; raise `TimeoutError` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 0.2):
                return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port} after {timeout:.0f} s")


def wait_closed(port: int, timeout: float = 20.0) -> None:
    """Return once nothing accepts connections on the port any more; raise `TimeoutError` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 0.2):
                time.sleep(0.02)
        except ConnectionError:
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"something listens on port {port} after {timeout:.0f} s")


def hang_up(connection: socket.socket) -> None:
    """Close a connection at once, also when a file made of it is still open."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()
