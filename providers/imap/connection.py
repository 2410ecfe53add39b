"""One logged-in connection: opened safely, asked what it can do, and aware of the folder it has selected."""

import imaplib
import re
import select
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from imapclient import IMAPClient

from providers.base import errors
from providers.base.provider import ProviderSettings
from providers.imap import names, net
from providers.imap.errors import refused_login, translate, translated
from providers.imap.grant import Endpoint, ImapGrant, Security
from providers.imap.tokens import parse
from providers.imap.wire import Answer, Command, Line, Literal, Refused, Wire, astring, lines

_NUMBER = re.compile(rb"OK \[(UIDVALIDITY|UIDNEXT) (\d+)\]", re.IGNORECASE)
_PERMANENT = re.compile(rb"OK \[PERMANENTFLAGS \(([^)]*)\)\]", re.IGNORECASE)
_STIR = re.compile(rb"\d+ (?:EXISTS|EXPUNGE)\b|VANISHED", re.IGNORECASE)
_EXISTS = re.compile(rb"(\d+) EXISTS\Z", re.IGNORECASE)


class _Imap(imaplib.IMAP4):
    """imaplib on a socket that is connected already."""

    def __init__(self, endpoint: Endpoint, connected: socket.socket) -> None:
        self._connected = connected
        super().__init__(endpoint.host, endpoint.port)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._connected


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient carries no types
    """imapclient on a socket that is connected already; silent, since its log would hold passwords."""

    def __init__(self, endpoint: Endpoint, connected: socket.socket) -> None:
        self._endpoint, self._connected = endpoint, connected
        super().__init__(endpoint.host, endpoint.port, ssl=False, timeout=connected.gettimeout())
        self.normalise_times = False  # else dates come naive, in the zone of this machine
        self._imap.debug = 0

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap(self._endpoint, self._connected)


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


@dataclass(slots=True)
class Selected:
    """The folder a connection has open, as SELECT described it."""

    name: str
    uidvalidity: int = 0
    uidnext: int = 0
    exists: int = 0
    permanent: frozenset[str] = field(default_factory=frozenset)  # flags that can be kept; `\\*`: new ones too
    read_only: bool = False


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

    @classmethod
    def open(cls, grant: ImapGrant, settings: ProviderSettings) -> "Connection":
        """Connect, protect, sign in. Raises `Unauthorized`, `Unavailable`, `Timeout`, `Invalid`."""
        connected = net.connect(grant.imap, settings)
        connected.settimeout(settings.read_timeout)
        try:
            with translated():
                return cls._greet(connected, grant, settings)
        except BaseException:
            connected.close()
            raise

    @classmethod
    def _greet(cls, connected: socket.socket, grant: ImapGrant, settings: ProviderSettings) -> "Connection":
        client = _Client(grant.imap, connected)
        if grant.imap.security is Security.STARTTLS:
            _protect(client, grant.imap, settings)
        connection = cls(client, settings)
        connection._learn()
        if client._imap.state != "AUTH":  # PREAUTH otherwise
            connection._sign_in(grant)
        connection._learn()  # what is offered differs before and after the sign-in
        connection._enable()
        connection._read_namespaces()
        return connection

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
                self.selected = _selected(stop.folder, opened)
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

    def unselect(self) -> None:
        """Have no folder open; never by CLOSE, which removes messages flagged \\Deleted."""
        if self.selected is not None and self.can("UNSELECT"):
            self.run(b"UNSELECT")
            self.selected = None

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

    def _learn(self) -> None:
        answer = self.run(b"CAPABILITY")
        words = [
            word for line in answer.lines if line.text[:11].upper() == b"CAPABILITY " for word in line.text.split()
        ]
        self.capabilities = frozenset(word.decode("ascii", "replace").upper() for word in words[1:])
        self.wire.allow_literals(self.capabilities)

    def _sign_in(self, grant: ImapGrant) -> None:
        if grant.imap.security is not Security.PLAIN and not _is_protected(self.client):
            raise errors.Unavailable(f"{grant.imap.host} offers no TLS: the password was not sent")
        try:
            self._authenticate(grant)
        except Refused as refused:
            secret = grant.access_token or grant.password or "\0"
            clean = Refused(refused.status, refused.code, refused.text.replace(secret, "***"))
            raise refused_login(clean) from None

    def _authenticate(self, grant: ImapGrant) -> None:
        initial = self.can("SASL-IR")
        if grant.access_token is not None:
            token = f"user={grant.login}\x01auth=Bearer {grant.access_token}\x01\x01"
            self.wire.authenticate(b"XOAUTH2", token.encode(), initial=initial)
        elif self.can("AUTH=PLAIN"):
            plain = f"\0{grant.login}\0{grant.password or ''}"
            self.wire.authenticate(b"PLAIN", plain.encode(), initial=initial)
        elif self.can("LOGINDISABLED"):
            raise errors.Unavailable(f"{grant.imap.host} takes no passwords on this connection (LOGINDISABLED)")
        else:
            password = (grant.password or "").encode()
            self.run(b"LOGIN ", astring(grant.login.encode()), b" ", astring(password))
        self.client._imap.state = "AUTH"

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


def _protect(client: IMAPClient, endpoint: Endpoint, settings: ProviderSettings) -> None:
    """STARTTLS; whatever came before it is forgotten, capabilities and read-ahead too (RFC 3501 6.2.1)."""
    imap = client._imap
    if "STARTTLS" not in imap.capabilities:
        raise errors.Unavailable(f"{endpoint.host}:{endpoint.port} does not offer STARTTLS: the password was not sent")
    Wire(imap, settings.read_timeout).run(b"STARTTLS")
    imap.sock = net.secure(imap.sock, endpoint, settings)
    imap.file = imap.sock.makefile("rb")
    client._starttls_done = True


def _is_protected(client: IMAPClient) -> bool:
    return isinstance(client._imap.sock, ssl.SSLSocket)


def _selected(folder: str, opened: Answer) -> Selected:
    """What SELECT said. Raises `NotFound` for a folder that cannot be opened."""
    if opened.status != "OK":
        raise _no_folder(folder, opened)
    selected = Selected(folder, read_only=opened.code == "READ-ONLY")
    for line in opened.lines:
        if match := _NUMBER.match(line.text):
            setattr(selected, match[1].decode().lower(), int(match[2]))
        elif match := _EXISTS.match(line.text):
            selected.exists = int(match[1])
        elif match := _PERMANENT.match(line.text):
            selected.permanent = frozenset(match[1].decode("utf-8", "replace").split())
    if not selected.uidvalidity:
        raise errors.Unavailable(f"the mail server gives no UIDVALIDITY for the folder {names.shown(folder)!r}")
    return selected


def _no_folder(folder: str, answer: Answer) -> errors.ProviderError:
    """A refusal with a code says why; one without means that there is no such folder (INBOX always exists)."""
    known = translate(Refused(answer.status, answer.code, answer.text))
    if answer.code or folder == "INBOX" or isinstance(known, errors.RateLimited):
        return known
    return errors.NotFound(f"the folder {names.shown(folder)!r} cannot be opened: {answer.text}", original=answer.text)
