"""One logged-in connection: opened safely, asked what it can do, and aware of the folder it has selected."""

import io
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from imapclient import IMAPClient

from providers.base import errors
from providers.base.provider import ProviderSettings
from providers.imap import names, net
from providers.imap.errors import translated
from providers.imap.grant import ImapGrant
from providers.imap.greeting import greeted
from providers.imap.selected import Selected, read_selected
from providers.imap.signin import sign_in
from providers.imap.tokens import parse
from providers.imap.wire import Answer, Command, Line, Literal, Wire, astring, lines

_STIR = re.compile(rb"\d+ (?:EXISTS|EXPUNGE)\b|VANISHED", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where folders of one kind lie (RFC 2342): the prefix of their names, and what separates levels."""

    prefix: str = ""
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The account's own folders, other users' and shared ones."""

    personal: tuple[Namespace, ...] = ()
    others: tuple[Namespace, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """Commands for one folder, of which `uidvalidity` is expected where it is given."""

    folder: str
    commands: Sequence[Command] = ()
    uidvalidity: int | None = None


class Connection:
    """A session with the server. One thread at a time; of no use after an error other than `Refused`."""

    def __init__(self, client: IMAPClient, settings: ProviderSettings) -> None:
        self.client = client
        self.wire = Wire(client._imap, settings.read_timeout)
        self.capabilities: frozenset[str] = frozenset()
        self.enabled: frozenset[str] = frozenset()
        self.namespaces = Namespaces()
        self.selected: Selected | None = None
        self.used_at = time.monotonic()
        self.fresh = True  # no command since it was opened
        self.gone: Callable[[], None] | None = None  # called once, when the socket is closed

    @classmethod
    def open(cls, grant: ImapGrant, settings: ProviderSettings) -> "Connection":
        """Connect, protect, sign in. Raises `Unauthorized`, `Unavailable`, `Timeout`, `Invalid`."""
        connection = cls.connect(grant, settings)
        connection.sign_in(grant)
        return connection

    @classmethod
    def connect(cls, grant: ImapGrant, settings: ProviderSettings) -> "Connection":
        """Connect, protect, be greeted. Raises `Unavailable`, `Timeout`, `Invalid`."""
        connected = net.connect(grant.imap, settings)
        connected.settimeout(settings.read_timeout)
        try:
            with translated():
                return cls(greeted(grant.imap, connected, settings), settings)
        except BaseException:
            connected.close()
            raise

    def sign_in(self, grant: ImapGrant) -> None:
        """Sign in and learn what can be done. Raises `Unauthorized`, `Unavailable`, `Timeout`; it is closed then."""
        try:
            with translated():
                self._sign_in(grant)
        except BaseException:
            self.drop()
            raise

    def _sign_in(self, grant: ImapGrant) -> None:
        self._learn()
        if self.client._imap.state != "AUTH":  # PREAUTH otherwise
            sign_in(self.client, self.wire, self.capabilities, grant)
        self._learn()  # what is offered differs before and after the sign-in
        self._enable()
        self._read_namespaces()

    def can(self, *capabilities: str) -> bool:
        """Whether the server offers one of these."""
        return not self.capabilities.isdisjoint(capabilities)

    @property
    def utf8(self) -> bool:
        """Whether names travel as UTF-8 (RFC 6855)."""
        return "UTF8=ACCEPT" in self.enabled

    def run(self, *parts: bytes | Literal) -> Answer:
        """One command. Raises `Refused` (NO, BAD), or `Lost` and `OSError` when the connection is gone."""
        return self.pipeline([parts])[0].check()

    def pipeline(self, commands: Sequence[Command]) -> list[Answer]:
        """Several commands in one round trip; each answer may be a refusal."""
        answers = self.wire.pipeline(commands)
        self.used_at = time.monotonic()
        return answers

    def mailbox(self, name: str) -> bytes | Literal:
        """A folder's name as an argument of a command."""
        return astring(names.encode(name, utf8=self.utf8))

    def on(self, folder: str, commands: Sequence[Command], *, uidvalidity: int | None = None) -> list[Answer]:
        """Commands in one folder; SELECT travels along when another one, or none, is open.

        They are carried out even when `uidvalidity` turns out to be another one: fit for reading only.
        Raises `NotFound` when the folder is gone or (where `uidvalidity` is given) not the one it was.
        """
        answers = self.tour([Stop(folder, commands, uidvalidity)])[folder]
        if isinstance(answers, errors.ProviderError):
            raise answers
        return answers

    def tour(self, stops: Iterable[Stop]) -> dict[str, list[Answer] | errors.ProviderError]:
        """Commands in several folders in one round trip; a folder that cannot be opened gives the reason instead.

        A server answers from the state that the connection knows, and then tells what came or went (Dovecot): in that
        case the commands in the open folder are repeated.
        """
        stops = list(stops)
        here = self.selected.name if self.selected is not None else None
        found = self._visit_all(stops, here)
        stirred = found.get(here, []) if here is not None else []
        if isinstance(stirred, list) and any(_STIR.match(line.text) for line in lines(stirred)):
            found |= self._visit_all((stop for stop in stops if stop.folder == here), None)
        return found

    def _visit_all(self, stops: Iterable[Stop], here: str | None) -> dict[str, list[Answer] | errors.ProviderError]:
        stops = sorted(stops, key=lambda stop: stop.folder != here)  # the open folder first: it needs no SELECT
        plan: list[Command] = []
        for stop in stops:
            plan += [] if stop.folder == here else [(b"SELECT ", self.mailbox(stop.folder))]
            plan += stop.commands
        answers = iter(self.pipeline(plan) if plan else ())
        return {stop.folder: self._visit(stop, answers, here) for stop in stops}

    def _visit(self, stop: Stop, answers: Iterator[Answer], here: str | None) -> list[Answer] | errors.ProviderError:
        opened = None if stop.folder == here else next(answers)
        mine = list(islice(answers, len(stop.commands)))
        try:
            if opened is not None:
                self.selected = None
                self.selected = read_selected(stop.folder, opened)
            self._check(stop)
        except errors.ProviderError as error:
            return error
        return mine

    def _check(self, stop: Stop) -> None:
        if stop.uidvalidity is not None and self.selected and self.selected.uidvalidity != stop.uidvalidity:
            raise errors.NotFound(
                f"the server rebuilt the folder {names.shown(stop.folder)!r}: its messages have new ids"
            )

    def select(self, folder: str, *, uidvalidity: int | None = None) -> Selected:
        """Open a folder, or catch up with what happened in it. Raises as `on`."""
        is_open = self.selected is not None and self.selected.name == folder
        self.on(folder, [(b"NOOP",)] if is_open else [], uidvalidity=uidvalidity)
        assert self.selected is not None
        return self.selected

    def is_alive(self) -> bool:
        """False when the server said something between commands: goodbye, or the end of the connection."""
        try:
            poll = select.poll()
            poll.register(self.client._imap.sock, select.POLLIN)
            return not poll.poll(0)
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Say goodbye without waiting for an answer."""
        try:
            self.client._imap.sock.settimeout(1.0)
            self.client._imap.send(b"Z LOGOUT\r\n")
        except (OSError, ValueError):
            pass
        self.drop()

    def drop(self) -> None:
        """Close the socket."""
        try:
            self.client._imap.shutdown()
        except (OSError, ValueError):
            pass
        gone, self.gone = self.gone, None
        if gone is not None:
            gone()

    def release(self) -> tuple[socket.socket, bytes]:
        """Give up the socket, which does not wait any more, and what was read from it and not used yet.

        Of all else, imaplib's and imapclient's objects too, nothing is needed any more. Raises `OSError`.
        """
        connected: socket.socket = self.client._imap.sock
        connected.setblocking(False)
        ahead = _read_ahead(self.client._imap.file)
        self.client._imap.file.close()  # which leaves the socket open
        return connected, ahead

    def _learn(self) -> None:
        answer = self.run(b"CAPABILITY")
        words = [
            word for line in answer.lines if line.text[:11].upper() == b"CAPABILITY " for word in line.text.split()
        ]
        self.capabilities = frozenset(word.decode("ascii", "replace").upper() for word in words[1:])
        self.wire.allow_literals(self.capabilities)

    def _enable(self) -> None:
        """CONDSTORE, so that modification counters are kept; UTF-8 names. Only possible before SELECT (RFC 5161)."""
        wanted = [name for name in ("CONDSTORE", "UTF8=ACCEPT") if self.can(name)]
        if not self.can("ENABLE") or not wanted:
            return
        [answer] = self.pipeline([(b"ENABLE " + " ".join(wanted).encode(),)])
        lists = [line.text.split()[1:] for line in answer.lines if line.text[:8].upper() == b"ENABLED "]
        self.enabled = frozenset(word.decode("ascii", "replace").upper() for words in lists for word in words)

    def _read_namespaces(self) -> None:
        if not self.can("NAMESPACE"):
            return
        [answer] = self.pipeline([(b"NAMESPACE",)])
        found = [line for line in answer.lines if line.text[:10].upper() == b"NAMESPACE "]
        if answer.status == "OK" and found:
            personal, users, shared = [*self._namespaces(found[0]), (), (), ()][:3]
            self.namespaces = Namespaces(personal, users + shared)

    def _namespaces(self, line: Line) -> list[tuple[Namespace, ...]]:
        kinds = parse(line)[1:]
        return [tuple(self._namespace(entry) for entry in kind or ()) for kind in kinds if not isinstance(kind, bytes)]

    def _namespace(self, entry: Sequence[bytes | None]) -> Namespace:
        prefix, separator = entry[0] or b"", entry[1] or b""
        return Namespace(names.decode(prefix, utf8=self.utf8), separator.decode("ascii", "replace"))


def _read_ahead(file: io.BufferedReader) -> bytes:
    """What is in the buffer, and what can be read without waiting."""
    pieces: list[bytes] = []
    try:
        while piece := file.read1(65536):  # None or nothing: no more
            pieces.append(piece)
    except (BlockingIOError, ssl.SSLWantReadError):
        pass
    return b"".join(pieces)
