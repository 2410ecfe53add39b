"""One connection of `ScriptedImap`: the commands that clients of ours use, done plainly unless scripted."""

import base64
import socket
from collections.abc import Callable
from typing import BinaryIO, Protocol

from tests.servers.certificates import Certificate
from tests.servers.imap_mailbox import Folder, Stored, fetch_items
from tests.servers.imap_tokens import Commands, Token, text_of

Reply = Callable[["Conversation", str, list[Token]], None]  # (conversation, tag, arguments)


class Gone(Exception):
    """The conversation is over."""


class Server(Protocol):
    """What a conversation reads from its server."""

    capabilities: str
    greeting: str
    password: str
    silent: bool
    omit_flags: bool
    structure: str | None
    starttls: Certificate | None
    folders: dict[str, Folder]
    seen: list[str]

    def script(self, command: str) -> Reply | None:
        """The reply that is due for the command."""


class Conversation:
    """Reads commands until the client goes."""

    def __init__(self, server: Server, connection: socket.socket) -> None:
        self.server, self.connection = server, connection
        self.folder: Folder | None = None
        self._attach()

    def _attach(self) -> None:
        stream: BinaryIO = self.connection.makefile("rb")
        self.commands = Commands(stream)
        self.commands.go_ahead = lambda: self.send("+ go ahead")  # type: ignore[method-assign]

    def write(self, data: bytes) -> None:
        """Raw bytes to the client."""
        self.connection.sendall(data)

    def send(self, *lines: str) -> None:
        """Lines to the client, in one piece."""
        self.write("".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape"))

    def run(self) -> None:
        """Until the client goes."""
        if self.server.silent:
            while self.connection.recv(1 << 16):
                pass
            return
        self.send(self.server.greeting)
        while (command := self.commands.read()) is not None:
            tag, tokens = command
            self.perform(tag, tokens)

    def perform(self, tag: str, tokens: list[Token]) -> None:
        """Carry one command out, by its script where there is one."""
        if not tokens:
            self.send("* BAD what?")
            return
        name, arguments = text_of(tokens[0]).upper(), tokens[1:]
        if name == "UID":
            name, arguments = f"UID {text_of(arguments[0]).upper()}", arguments[1:]
        self.server.seen.append(" ".join([name, *map(text_of, arguments)]))
        if script := self.server.script(name):
            script(self, tag, arguments)
            return
        default = getattr(self, "do_" + name.lower().replace(" ", "_"), None)
        if default is None:
            self.send(f"{tag} BAD unknown command {name}")
        else:
            default(tag, arguments)

    def do_capability(self, tag: str, _: list[Token]) -> None:
        self.send(f"* CAPABILITY {self.server.capabilities}", f"{tag} OK done")

    def do_noop(self, tag: str, _: list[Token]) -> None:
        self.send(f"{tag} OK done")

    def do_idle(self, tag: str, _: list[Token]) -> None:
        self.send("+ idling")
        if self.commands.line().upper() != b"DONE":
            raise Gone
        self.send(f"{tag} OK done")

    do_close = do_unselect = do_check = do_enable = do_noop

    def do_id(self, tag: str, _: list[Token]) -> None:
        self.send("* ID NIL", f"{tag} OK done")

    def do_namespace(self, tag: str, _: list[Token]) -> None:
        self.send('* NAMESPACE (("" "/")) NIL NIL', f"{tag} OK done")

    def do_logout(self, tag: str, _: list[Token]) -> None:
        self.send("* BYE see you", f"{tag} OK done")
        raise Gone

    def do_starttls(self, tag: str, _: list[Token]) -> None:
        if not self.server.starttls:
            self.send(f"{tag} BAD no TLS here")
            return
        self.send(f"{tag} OK begin TLS")
        self.connection = self.server.starttls.context().wrap_socket(self.connection, server_side=True)
        self._attach()

    def do_login(self, tag: str, arguments: list[Token]) -> None:
        self._signed_in(tag, text_of(arguments[1]))

    def do_authenticate(self, tag: str, arguments: list[Token]) -> None:
        if len(arguments) > 1:
            initial = text_of(arguments[1]).encode()
        else:
            self.send("+ ")
            initial = self.commands.line()
        decoded = base64.b64decode(initial).decode()
        secret = decoded.rsplit("\0", 1)[-1] if "\0" in decoded else decoded.partition("Bearer ")[2].rstrip("\x01")
        self._signed_in(tag, secret)

    def _signed_in(self, tag: str, secret: str) -> None:
        good = secret == self.server.password
        self.send(f"{tag} OK logged in" if good else f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials")

    def do_list(self, tag: str, arguments: list[Token]) -> None:
        lines = [f'* LIST ({folder.attributes}) "/" "{folder.name}"' for folder in self.server.folders.values()]
        if wanted := next((group for group in reversed(arguments) if isinstance(group, list)), None):
            items = [text_of(item) for group in wanted if isinstance(group, list) for item in group]
            lines += [self._status(folder, items) for folder in self.server.folders.values() if items]
        self.send(*lines, f"{tag} OK done")

    def do_create(self, tag: str, arguments: list[Token]) -> None:
        name = text_of(arguments[0])
        self.server.folders[name] = Folder(name)
        self.send(f"{tag} OK done")

    def do_status(self, tag: str, arguments: list[Token]) -> None:
        folder = self._folder(tag, arguments[0])
        if folder and isinstance(arguments[1], list):
            self.send(self._status(folder, [text_of(item) for item in arguments[1]]), f"{tag} OK done")

    def _status(self, folder: Folder, items: list[str]) -> str:
        values = {
            "MESSAGES": len(folder.messages),
            "UIDNEXT": folder.highest + 1,
            "UIDVALIDITY": folder.uidvalidity,
            "UNSEEN": sum("\\Seen" not in message.flags for message in folder.messages),
            "RECENT": 0,
        }
        shown = " ".join(f"{item.upper()} {values[item.upper()]}" for item in items if item.upper() in values)
        return f'* STATUS "{folder.name}" ({shown})'

    def do_select(self, tag: str, arguments: list[Token]) -> None:
        self.folder = self._folder(tag, arguments[0])
        if self.folder:
            self.send(
                f"* {len(self.folder.messages)} EXISTS",
                "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)",
                "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] flags",
                f"* OK [UIDVALIDITY {self.folder.uidvalidity}] valid",
                f"* OK [UIDNEXT {self.folder.highest + 1}] next",
                f"{tag} OK [READ-WRITE] selected",
            )

    do_examine = do_select

    def _folder(self, tag: str, name: Token) -> Folder | None:
        found = self.server.folders.get("INBOX" if text_of(name).upper() == "INBOX" else text_of(name))
        if found is None:
            self.send(f"{tag} NO [NONEXISTENT] no such mailbox")
        return found

    def do_append(self, tag: str, arguments: list[Token]) -> None:
        folder = self._folder(tag, arguments[0])
        if folder:
            groups = [group for group in arguments if isinstance(group, list)]
            flags = [text_of(flag) for flag in groups[0]] if groups else []
            source = arguments[-1]
            uid = folder.add(source if isinstance(source, bytes) else text_of(source).encode(), *flags)
            code = f"[APPENDUID {folder.uidvalidity} {uid}] " if "UIDPLUS" in self.server.capabilities else ""
            self.send(f"{tag} OK {code}appended")

    def _chosen(self, uids: Token) -> list[tuple[int, Stored]]:
        return self.folder.selected(text_of(uids)) if self.folder else []

    def do_uid_fetch(self, tag: str, arguments: list[Token]) -> None:
        wanted = arguments[1] if isinstance(arguments[1], list) else [arguments[1]]
        items = [text_of(item) for item in wanted]
        for number, message in self._chosen(arguments[0]):
            shown = fetch_items(message, items, flags=not self.server.omit_flags, structure=self.server.structure)
            self.write(f"* {number} FETCH ".encode() + shown + b"\r\n")
        self.send(f"{tag} OK done")

    def do_uid_store(self, tag: str, arguments: list[Token]) -> None:
        given = arguments[2] if isinstance(arguments[2], list) else [arguments[2]]
        flags, action = {text_of(flag) for flag in given}, text_of(arguments[1])
        for _, message in self._chosen(arguments[0]):
            kept = message.flags - flags if action.startswith("-") else message.flags | flags
            message.flags = kept if action[0] in "+-" else flags
        self.send(f"{tag} OK done")

    def do_uid_expunge(self, tag: str, arguments: list[Token]) -> None:
        self._remove(tag, [number for number, m in self._chosen(arguments[0]) if "\\Deleted" in m.flags])

    def do_expunge(self, tag: str, _: list[Token]) -> None:
        messages = self.folder.messages if self.folder else []
        self._remove(tag, [number for number, m in enumerate(messages, 1) if "\\Deleted" in m.flags])

    def _remove(self, tag: str, numbers: list[int], *before: str) -> None:
        for number in reversed(numbers):
            if self.folder:
                del self.folder.messages[number - 1]
        self.send(*before, *(f"* {number} EXPUNGE" for number in reversed(numbers)), f"{tag} OK done")

    def do_uid_copy(self, tag: str, arguments: list[Token]) -> None:
        if (code := self._copied(tag, arguments)) is not None:
            self.send(f"{tag} OK [{code}] copied")

    def do_uid_move(self, tag: str, arguments: list[Token]) -> None:
        if (code := self._copied(tag, arguments)) is not None:
            self._remove(tag, [number for number, _ in self._chosen(arguments[0])], f"* OK [{code}] moved")

    def _copied(self, tag: str, arguments: list[Token]) -> str | None:
        target = self._folder(tag, arguments[1])
        if target is None:
            return None
        chosen = [message for _, message in self._chosen(arguments[0])]
        new = [target.add(message.source, *message.flags, received=message.received) for message in chosen]
        old = [message.uid for message in chosen]
        return f"COPYUID {target.uidvalidity} {','.join(map(str, old))} {','.join(map(str, new))}"

    def do_uid_search(self, tag: str, arguments: list[Token]) -> None:
        words = [text_of(word) for word in arguments]
        found = self.folder.messages if self.folder else []
        if "HEADER" in (upper := [word.upper() for word in words]):
            at = upper.index("HEADER")
            wanted = f"{words[at + 1]}: {words[at + 2]}".lower().encode()
            found = [message for message in found if wanted in message.source.lower()]
        self.send(f"* SEARCH {' '.join(str(message.uid) for message in found)}".rstrip(), f"{tag} OK done")
