"""A small IMAP server that misbehaves on demand.

    with ScriptedImap(capabilities="IMAP4rev1 UIDPLUS") as server:
        server.folders["INBOX"].add(b"Subject: x\\r\\n\\r\\nbody\\r\\n")
        server.on("UID FETCH", drop_after(b'* 1 FETCH (UID 1 BODY[] {500}\\r\\nonly this'), times=1)

Without scripts it serves `folders` correctly enough for one client at a time; `seen` has every command it got.
"""

import socket
import threading
import time
from collections import defaultdict

from tests.servers.certificates import Certificate
from tests.servers.imap_conversation import Conversation, Gone, Reply
from tests.servers.imap_mailbox import Folder, default_folders
from tests.servers.imap_tokens import Token
from tests.servers.ports import hang_up

CAPABILITIES = "IMAP4rev1 LITERAL+ UIDPLUS MOVE SPECIAL-USE AUTH=PLAIN SASL-IR"


def answer(*lines: str) -> Reply:
    """These lines, `{tag}` replaced; without a `{tag}` among them nothing completes the command."""
    return lambda talk, tag, _: talk.send(*(line.replace("{tag}", tag) for line in lines))


def refuse(text: str, status: str = "NO") -> Reply:
    """Complete the command with NO (or BAD) and this text, e.g. `[BADCHARSET (US-ASCII)] no`."""
    return answer(f"{{tag}} {status} {text}")


def drop_after(data: bytes = b"") -> Reply:
    """Write these raw bytes, then cut the connection."""

    def reply(talk: Conversation, _tag: str, _arguments: list[Token]) -> None:
        talk.write(data)
        raise Gone

    return reply


def bye(text: str = "server is going down", before: bytes = b"") -> Reply:
    """Write `before`, say BYE, cut the connection."""
    return drop_after(before + f"* BYE {text}\r\n".encode())


def slow(data: bytes, pieces: int, pause: float) -> Reply:
    """Write the bytes in so many pieces with pauses (seconds) between, then cut the connection if they ran out."""

    def reply(talk: Conversation, tag: str, _arguments: list[Token]) -> None:
        whole = data.replace(b"{tag}", tag.encode())
        size = -(-len(whole) // pieces)
        for start in range(0, len(whole), size):
            talk.write(whole[start : start + size])
            time.sleep(pause)

    return reply


class ScriptedImap:
    """`tls`: implicit TLS; `starttls`: offered (add it to `capabilities`); `silent`: never says anything."""

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        capabilities: str = CAPABILITIES,
        greeting: str = "* OK scripted server ready",
        password: str = "secret",
        tls: Certificate | None = None,
        starttls: Certificate | None = None,
        silent: bool = False,
    ) -> None:
        self.capabilities, self.greeting, self.password = capabilities, greeting, password
        self.tls, self.starttls, self.silent = tls, starttls, silent
        self.folders: dict[str, Folder] = default_folders()
        self.seen: list[str] = []
        self.connections = 0
        self.omit_flags = False  # leave FLAGS out of FETCH answers
        self.structure: str | None = None  # sent as BODYSTRUCTURE of every message
        self._scripts: dict[str, list[tuple[Reply, list[int]]]] = defaultdict(list)
        self._open: list[Conversation] = []

    def on(self, command: str, *replies: Reply, times: int | None = None) -> None:
        """Answer `command` (`SELECT`, `UID FETCH`, ...) so, the next `times` times (None: always)."""
        self._scripts[command].extend((reply, [times if times is not None else 1 << 30]) for reply in replies)

    def script(self, command: str) -> Reply | None:
        """The reply that is due for the command, if one was prescribed."""
        for reply, left in self._scripts[command]:
            if left[0] > 0:
                left[0] -= 1
                return reply
        return None

    def __enter__(self) -> "ScriptedImap":
        self._listener = socket.create_server((self.host, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def push(self, *lines: str) -> None:
        """Say these lines to every client, unasked; not over TLS, whose connections bear one thread only."""
        for conversation in self._open:
            conversation.send(*lines)

    def cut(self) -> None:
        """Drop every open connection without a word."""
        for conversation in self._open:
            hang_up(conversation.connection)
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls:
                connection = self.tls.context().wrap_socket(connection, server_side=True)
            conversation = Conversation(self, connection)
            self._open.append(conversation)
            try:
                conversation.run()
            finally:
                hang_up(conversation.connection)
        except (OSError, Gone, ValueError):
            connection.close()
