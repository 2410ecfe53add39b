"""A small SMTP submission server that misbehaves on demand.

    with ScriptedSmtp(extensions=["SIZE 1000", "AUTH PLAIN"]) as server:
        server.on("RCPT", "452 4.2.2 try later", times=1)
        server.on(".", DROP)          # the message is taken, the answer is lost

`on` takes the verb (`AUTH`, `MAIL`, `RCPT`, `DATA`, `.` for the end of the message, `CONNECT` for the greeting) and a
reply, `DROP`, `HANG` or (for `.`) `LOSE`. What was accepted is in `messages`; `seen` has every command,
`done` every scripted reply.
"""

import base64
import re
import socket
import ssl
import threading
from collections import defaultdict
from dataclasses import dataclass, field

from tests.servers.certificates import Certificate
from tests.servers.ports import hang_up

DROP = "drop"  # cut the connection
HANG = "hang"  # never answer
LOSE = "lose"  # after the final dot: cut the connection without having taken the message
EXTENSIONS = ("PIPELINING", "SIZE 40000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN XOAUTH2")


@dataclass
class Accepted:
    """A message that the server took: its envelope, and the octets after dot-unstuffing."""

    sender: str
    recipients: list[str] = field(default_factory=list)
    data: bytes = b""
    options: str = ""


class ScriptedSmtp:
    """`tls`: implicit TLS; `starttls`: offered."""

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        extensions: tuple[str, ...] = EXTENSIONS,
        password: str = "secret",
        tls: Certificate | None = None,
        starttls: Certificate | None = None,
    ) -> None:
        self.extensions, self.password, self.tls, self.starttls = extensions, password, tls, starttls
        self.messages: list[Accepted] = []
        self.seen: list[str] = []
        self.done: list[str] = []  # the scripted replies that were given
        self._scripts: dict[str, list[tuple[str, list[int], str]]] = defaultdict(list)
        self._open: list[_Conversation] = []
        self._closing = threading.Event()

    def on(self, verb: str, reply: str, *, times: int = 1 << 30, only: str = "") -> None:
        """Answer `verb` so, the next `times` times, when its line contains `only`."""
        self._scripts[verb].append((reply, [times], only))

    def forget(self) -> None:
        """Begin anew: nothing was accepted or seen, everything is answered as usual."""
        self.forget_scripts()
        self.messages.clear()
        self.seen.clear()
        self.done.clear()

    def forget_scripts(self) -> None:
        """Answer everything as usual again."""
        self._scripts.clear()

    def script(self, verb: str, line: str) -> str | None:
        """The reply that is due, if one was prescribed."""
        for reply, left, only in self._scripts[verb]:
            if left[0] > 0 and only in line:
                left[0] -= 1
                self.done.append(reply)
                return reply
        return None

    def __enter__(self) -> "ScriptedSmtp":
        self._listener = socket.create_server((self.host, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.close()
        for conversation in self._open:
            hang_up(conversation.connection)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls:
                connection = self.tls.context().wrap_socket(connection, server_side=True)
            conversation = _Conversation(self, connection)
            self._open.append(conversation)
            try:
                conversation.run()
            finally:
                hang_up(conversation.connection)
        except (OSError, _Gone):
            connection.close()

    def wait(self) -> None:
        """Until the server is stopped: what `HANG` does."""
        self._closing.wait(60)


class _Gone(Exception):
    """The conversation is over."""


class _Conversation:
    def __init__(self, server: ScriptedSmtp, connection: socket.socket) -> None:
        self.server, self.connection = server, connection
        self.stream = connection.makefile("rb")
        self.secured = isinstance(connection, ssl.SSLSocket)
        self.signed_in = False
        self.message: Accepted | None = None

    def send(self, *lines: str) -> None:
        self.connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def run(self) -> None:
        self.reply("CONNECT", "", "220 scripted server ready")
        while line := self.stream.readline():
            text = line.rstrip(b"\r\n").decode("utf-8", "replace")
            verb, _, rest = text.partition(" ")
            self.server.seen.append(text)
            getattr(self, "do_" + verb.lower(), self.unknown)(rest)

    def reply(self, verb: str, line: str, usual: str) -> bool:
        """Send the prescribed reply, or the usual one; whether it is a success."""
        return self.say(self.server.script(verb, line) or usual)

    def say(self, text: str) -> bool:
        """Do what a script says; whether it is a success."""
        if text in (DROP, LOSE):
            raise _Gone
        if text == HANG:
            self.server.wait()
            raise _Gone
        self.send(text)
        return text[0] in "23"

    def unknown(self, _rest: str) -> None:
        self.send("500 5.5.1 what?")

    def do_ehlo(self, rest: str) -> None:
        if script := self.server.script("EHLO", rest):
            self.send(script)
            return
        offered = [*self.server.extensions, *(["STARTTLS"] if self.server.starttls and not self.secured else [])]
        lines = ["scripted", *offered]
        self.send(*(f"250{'-' if at < len(lines) else ' '}{line}" for at, line in enumerate(lines, 1)))

    def do_helo(self, _rest: str) -> None:
        self.send("250 scripted")

    def do_starttls(self, _rest: str) -> None:
        if self.reply("STARTTLS", "", "220 go ahead") and self.server.starttls:
            self.connection = self.server.starttls.context().wrap_socket(self.connection, server_side=True)
            self.stream, self.secured = self.connection.makefile("rb"), True

    def do_auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if mechanism == "LOGIN":
            secret = self._login()
        else:
            decoded = base64.b64decode(initial or self._ask("334 ")).decode()
            secret = decoded.rsplit("\0", 1)[-1] if "\0" in decoded else decoded.partition("Bearer ")[2].rstrip("\x01")
        self.signed_in = secret == self.server.password
        usual = "235 2.7.0 welcome" if self.signed_in else "535 5.7.8 Error: authentication failed"
        if mechanism == "XOAUTH2" and not self.signed_in:
            self._ask("334 eyJzdGF0dXMiOiI0MDEifQ==")
        self.reply("AUTH", rest, usual)

    def _login(self) -> str:
        self._ask("334 VXNlcm5hbWU6")
        return base64.b64decode(self._ask("334 UGFzc3dvcmQ6")).decode()

    def _ask(self, challenge: str) -> str:
        self.send(challenge)
        return self.stream.readline().decode().strip()

    def do_mail(self, rest: str) -> None:
        match = re.match(r"FROM:<([^>]*)>\s*(.*)", rest)
        if not match:
            self.send("501 5.5.4 FROM:<address>")
        elif self.reply("MAIL", rest, "250 2.1.0 ok"):
            self.message = Accepted(match[1], options=match[2])

    def do_rcpt(self, rest: str) -> None:
        match = re.match(r"TO:<([^>]*)>", rest)
        if not match or not self.message:
            self.send("503 5.5.1 MAIL first")
        elif self.reply("RCPT", rest, "250 2.1.5 ok"):
            self.message.recipients.append(match[1])

    def do_data(self, _rest: str) -> None:
        if not self.message:
            self.send("503 5.5.1 MAIL first")
            return
        if not self.reply("DATA", "", "354 go on"):
            return
        lines: list[bytes] = []
        while (line := self.stream.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if not line:
            raise _Gone
        message, self.message = self.message, None
        message.data = b"".join(lines)
        text = self.server.script(".", "") or "250 2.0.0 queued"
        if text in (DROP, HANG) or text.startswith("2"):
            self.server.messages.append(message)
        self.say(text)

    def do_rset(self, _rest: str) -> None:
        self.message = None
        self.send("250 2.0.0 ok")

    def do_noop(self, _rest: str) -> None:
        self.send("250 2.0.0 ok")

    def do_quit(self, _rest: str) -> None:
        self.send("221 2.0.0 bye")
        raise _Gone
