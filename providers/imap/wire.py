"""Commands and answers of one connection, pipelined where there are several (RFC 3501 section 5.5).

Written beneath imapclient for what it and imaplib cannot do: several commands in one round trip, answers of any
length (imaplib gives up at a line of 1,000,000 octets), a limit on the time of the whole answer, and results that are
not filtered through `int()`. imapclient keeps greeting, STARTTLS and IDLE.
"""

import imaplib
import io
import itertools
import re
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

MAX_LINE = 64 * 1024 * 1024  # octets; a SEARCH answer over a million messages has 8 MB
MAX_LITERAL = 64 * 1024 * 1024  # octets; nothing larger is ever asked for in one piece
_STEP = 65536  # octets read between two looks at the clock
_LITERAL_MINUS = 4096  # RFC 7888 section 5
_EAGER = 256 * 1024  # octets; a larger stream asks for leave first, so that a full mailbox refuses it unsent

LITERAL = re.compile(rb"\{(\d+)\+?\}\r?\n\Z")
TAGGED = re.compile(rb"(\S+) (OK|NO|BAD)(?: \[([^ \]]+) ?([^\]]*)\])? ?(.*)", re.IGNORECASE | re.DOTALL)
BYE = re.compile(rb"BYE(?: \[([^ \]]+)[^\]]*\])? ?(.*)", re.IGNORECASE | re.DOTALL)
_QUOTABLE = re.compile(rb"[\x20-\x7e]*\Z")


class Refused(Exception):
    """The server answered NO or BAD; `code` is its response code (RFC 5530), `text` what it says to people."""

    def __init__(self, status: str, code: str, text: str) -> None:
        super().__init__(f"{status} [{code}] {text}" if code else f"{status} {text}")
        self.status, self.code, self.text = status, code, text


class Lost(Exception):
    """The connection ended in the middle, by BYE (then with its `code`) or without a word."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.text, self.code = text, code


@dataclass(frozen=True, slots=True)
class Literal:
    """A part of a command that is sent as a literal: any octets but NUL."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Stream:
    """A literal of `size` octets that is never in memory as a whole; `chunks` is used up by sending it."""

    size: int
    chunks: Iterable[bytes]


Command = Sequence[bytes | Literal | Stream]  # the parts of one command without tag and line end, joined as they are


@dataclass(slots=True)
class Line:
    """One untagged response without `* `; the contents of its literals stand apart, in order of their `{n}`."""

    text: bytes
    literals: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """What a command got: OK, NO or BAD, the response code with its argument, and the untagged responses before it."""

    lines: list[Line]
    tag: bytes = b""
    status: str = ""
    code: str = ""
    argument: bytes = b""
    text: str = ""

    def check(self) -> "Answer":
        """Itself when it is OK. Raises `Refused`."""
        if self.status != "OK":
            raise Refused(self.status, self.code, self.text)
        return self


def astring(value: bytes) -> bytes | Literal:
    """`value` as a quoted string where that can hold it, else as a literal (RFC 3501 section 4.3)."""
    if not _QUOTABLE.match(value):
        return Literal(value)
    return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


class Wire:
    """The two directions of one connection. Not safe for several threads at once."""

    def __init__(self, imap: imaplib.IMAP4, time_limit: float) -> None:
        self._imap = imap
        self._time_limit = time_limit  # seconds for everything one call waits for
        self._tags = itertools.count(1)
        self._deadline = 0.0
        self.free_literals = 0  # literals up to this many octets need no leave of the server (LITERAL+, LITERAL-)

    @property
    def _file(self) -> io.BufferedReader:
        """imaplib's, asked for each time: STARTTLS replaces it."""
        return cast(io.BufferedReader, self._imap.file)

    def allow_literals(self, capabilities: frozenset[str]) -> None:
        """Take note of RFC 7888."""
        limits = {"LITERAL+": MAX_LITERAL, "LITERAL-": _LITERAL_MINUS, "IMAP4REV2": _LITERAL_MINUS}
        self.free_literals = max((limits[name] for name in limits if name in capabilities), default=0)

    def pipeline(self, commands: Iterable[Command]) -> list[Answer]:
        """Send all commands at once and wait for their answers, which may be refusals.

        Untagged responses belong to the first command that was not yet finished when they came.
        Raises `Lost`, `TimeoutError` and other `OSError`s; the connection is of no use after any of them.
        """
        self._deadline = time.monotonic() + self._time_limit
        waiting: dict[bytes, Answer] = {}
        answers: list[Answer] = []
        buffer: list[bytes] = []
        for command in commands:
            tag = b"P%d" % next(self._tags)
            waiting[tag] = Answer([], tag)
            answers.append(waiting[tag])
            self._write(tag, command, buffer, waiting)
        self._imap.send(b"".join(buffer))
        self._finish(waiting)
        return answers

    def run(self, *parts: bytes | Literal) -> Answer:
        """One command. Raises `Refused` too."""
        return self.pipeline([parts])[0].check()

    def authenticate(self, mechanism: bytes, response: bytes, *, initial: bool) -> Answer:
        """A SASL exchange whose client speaks once; `initial` sends the response with the command (RFC 4959).

        A second challenge tells of a failure (XOAUTH2: JSON in base64) and gets the empty response that makes the
        server go on to its NO. Raises `Refused`.
        """
        self._deadline = time.monotonic() + self._time_limit
        replies = itertools.chain([] if initial else [b64encode(response)], itertools.repeat(b""))
        words = [b"A%d" % next(self._tags), b"AUTHENTICATE", mechanism] + ([b64encode(response)] if initial else [])
        self._imap.send(b" ".join(words) + b"\r\n")
        answer = Answer([])
        while not answer.status:
            line = self._response()
            if line.text.startswith(b"+"):
                self._imap.send(next(replies) + b"\r\n")
            else:
                _take(line, {words[0]: answer})
        return answer.check()

    def _write(self, tag: bytes, command: Command, buffer: list[bytes], waiting: dict[bytes, Answer]) -> None:
        buffer += (tag, b" ")
        for part in command:
            if isinstance(part, bytes):
                buffer.append(part)
            elif isinstance(part, Stream):
                if not self._pour(part, tag, buffer, waiting):
                    return  # refused, as below
            elif len(part.data) <= self.free_literals:
                buffer.append(b"{%d+}\r\n%b" % (len(part.data), part.data))
            elif self._leave(b"{%d}\r\n" % len(part.data), tag, buffer, waiting):
                buffer.append(part.data)
            else:
                return  # refused: the answer is there already
        buffer.append(b"\r\n")

    def _pour(self, stream: Stream, tag: bytes, buffer: list[bytes], waiting: dict[bytes, Answer]) -> bool:
        """Send a stream, whose every chunk has the time limit for itself; False when the server refuses it."""
        if stream.size <= min(self.free_literals, _EAGER):
            self._imap.send(b"".join(buffer) + b"{%d+}\r\n" % stream.size)
            buffer.clear()
        elif not self._leave(b"{%d}\r\n" % stream.size, tag, buffer, waiting):
            return False
        for chunk in stream.chunks:
            self._imap.send(chunk)
        self._deadline = time.monotonic() + self._time_limit
        return True

    def _leave(self, announcement: bytes, tag: bytes, buffer: list[bytes], waiting: dict[bytes, Answer]) -> bool:
        """Send what is there up to a literal, and wait for the server's `+`; False when it refuses the command."""
        self._imap.send(b"".join(buffer) + announcement)
        buffer.clear()
        while tag in waiting:
            line = self._response()
            if line.text.startswith(b"+"):
                return True
            _take(line, waiting)
        return False

    def _finish(self, waiting: dict[bytes, Answer]) -> None:
        while waiting:
            _take(self._response(), waiting)

    def _response(self) -> Line:
        """One response, with its literals."""
        text = self._line()
        match = LITERAL.search(text) if text.endswith((b"}\r\n", b"}\n")) else None
        if match is None:
            return Line(text.rstrip(b"\r\n"))
        literals, pieces = [], []
        while match:
            literals.append(self._octets(int(match[1])))
            pieces.append(text.rstrip(b"\r\n"))
            text = self._line()
            match = LITERAL.search(text)
        return Line(b"".join(pieces) + text.rstrip(b"\r\n"), literals)

    def _line(self) -> bytes:
        line = self._file.readline(MAX_LINE)
        if time.monotonic() > self._deadline:
            raise TimeoutError("the answer took too long")
        if not line.endswith(b"\n"):
            raise Lost(
                "the server closed the connection" if len(line) < MAX_LINE else "the server sent an endless line"
            )
        return line

    def _octets(self, size: int) -> bytes:
        if size > MAX_LITERAL:
            raise Lost(f"the server announced a literal of {size} octets")
        data = bytearray()
        while len(data) < size:
            piece = self._file.read1(min(size - len(data), _STEP))
            if not piece:
                raise Lost("the server closed the connection")
            if time.monotonic() > self._deadline:
                raise TimeoutError("the answer took too long")
            data += piece
        return bytes(data)


def _take(line: Line, waiting: dict[bytes, Answer]) -> None:
    """File a response with the command it belongs to; a finished command leaves `waiting`."""
    text = line.text
    if text.startswith(b"* "):
        line.text = text[2:]
        if match := BYE.match(line.text):
            raise Lost(plain(match[2]), plain(match[1] or b"").upper())
        next(iter(waiting.values())).lines.append(line)
    elif (match := TAGGED.match(text)) and (answer := waiting.pop(match[1], None)) is not None:
        answer.status, answer.code = plain(match[2]).upper(), plain(match[3] or b"").upper()
        answer.argument, answer.text = match[4] or b"", plain(match[5])
    elif not text.startswith(b"+"):
        raise Lost("the server sent an answer that is not IMAP")


def plain(data: bytes) -> str:
    """What the server says to people; never fails."""
    return data.decode("utf-8", "replace")


def lines(answers: Iterable[Answer]) -> Iterator[Line]:
    """All untagged responses of several answers."""
    return itertools.chain.from_iterable(answer.lines for answer in answers)
