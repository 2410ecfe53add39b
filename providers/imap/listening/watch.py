"""One connection that listens: what comes in is sorted into answers and news, what goes out is said by its routine."""

import time
from collections.abc import Callable
from typing import Protocol

from providers.base.errors import ProviderError, Unavailable
from providers.imap.errors import translate
from providers.imap.listening.channel import Channel
from providers.imap.listening.hints import Hints, is_listed, is_overflow
from providers.imap.listening.splitter import Splitter
from providers.imap.listening.steps import OVERFLOW, Ask, Finish, Rest, Routine, Signal, Step
from providers.imap.listening.switchboard import Switchboard
from providers.imap.wire import BYE, TAGGED, Answer, Line, Lost, Refused, plain

_OVERFLOW = Answer([], status="OK", code=OVERFLOW)


class Ear(Protocol):
    """Who wants to know; called on the switchboard's thread."""

    closed: bool  # and nobody listens any more

    def began(self) -> None:
        """From now on nothing is missed; may be said more than once."""

    def hint(self) -> None:
        """Something may have changed."""

    def ended(self, error: ProviderError | None) -> None:
        """The connection is gone: lost by this error, or closed as wished. Said once."""


class Watch:
    """See `Watched`; `gone` is called once, when the socket is closed."""

    __slots__ = (
        *("_channel", "_count", "_ear", "_gone", "_hints", "_lines", "_overflown", "_routine", "_splitter", "_step"),
        *("_switchboard", "_tag", "due", "over", "scheduled", "was_blocked"),
    )

    def __init__(self, channel: Channel, routine: Routine, ear: Ear, gone: Callable[[], None]) -> None:
        self._channel, self._routine, self._ear, self._gone = channel, routine, ear, gone
        self._splitter, self._hints = Splitter(), Hints()
        self._switchboard: Switchboard | None = None
        self._step: Step = Rest(0)
        self._count = 0
        self._tag = b""  # of the command that has no answer yet
        self._lines: list[Line] = []  # of its answer
        self._overflown = self.over = self.was_blocked = False
        self.due = self.scheduled = float("inf")

    def begin(self, switchboard: Switchboard, ahead: bytes) -> None:
        """Be watched from now on; `ahead` was read from the socket already. On the switchboard's thread."""
        self._switchboard = switchboard
        try:
            if self._ear.closed:
                self.close()
                return
            switchboard.add(self)
            self._take(ahead)
            self._go_on(None)
        except Exception as error:
            self.fail(error)
        switchboard.settle(self)

    @property
    def blocked(self) -> bool:
        """See `Watched`."""
        return self._channel.blocked

    def fileno(self) -> int:
        """See `Watched`."""
        return self._channel.socket.fileno()

    def ready(self) -> None:
        """See `Watched`. Raises `Lost`, `Refused`, `OSError`."""
        self._channel.flush()
        self._take(self._channel.receive())
        if self._channel.ended:
            raise Lost("")

    def expire(self) -> None:
        """A rest is over; or an answer did not come in time: `TimeoutError`."""
        if not isinstance(self._step, Rest):
            raise TimeoutError
        self._go_on(None)

    def fail(self, error: Exception) -> None:
        """See `Watched`: the connection is lost."""
        known = isinstance(error, (Refused, Lost, OSError))
        self._end(translate(error) if known else Unavailable(f"listening to the mail server failed: {error!r}"))

    def lose(self, error: ProviderError) -> None:
        """Give the connection up for a reason that its owner should hear."""
        self._farewell()
        self._end(error)

    def close(self) -> None:
        """Give the connection up, as its owner wished."""
        self._farewell()
        self._end(None)

    def _farewell(self) -> None:
        """Goodbye without waiting for an answer, so that the server counts one connection less at once."""
        is_open = isinstance(self._step, Rest) and self._tag
        try:
            self._channel.send(b"DONE\r\nZ LOGOUT\r\n" if is_open else b"Z LOGOUT\r\n")
        except (OSError, ValueError):  # ValueError: TLS is shut down already
            pass

    def _end(self, error: ProviderError | None) -> None:
        if self.over:
            return
        self.over = True
        if self._switchboard is not None:
            self._switchboard.remove(self)
        self._channel.close()
        self._routine.close()
        self._gone()
        self._ear.ended(error)

    def _take(self, data: bytes) -> None:
        """What came at once is one hint, however many responses it holds."""
        news = False
        for line in self._splitter.feed(data):
            text = line.text
            if text.startswith(b"* "):
                line.text = text[2:]
                news |= self._hear(line)
            elif text.startswith(b"+"):
                if isinstance(self._step, Ask) and self._step.until_ready:
                    self._go_on(None)
            elif (match := TAGGED.match(text)) and match[1] == self._tag:
                lines, self._tag, self._lines = self._lines, b"", []
                code = plain(match[3] or b"").upper()
                self._go_on(Answer(lines, match[1], plain(match[2]).upper(), code, text=plain(match[5])))
        if news:
            self._ear.hint()

    def _hear(self, line: Line) -> bool:
        """An untagged response; whether it is news. Raises `Lost`."""
        if match := BYE.match(line.text):
            raise Lost(plain(match[2]), plain(match[1] or b"").upper())
        if isinstance(self._step, Ask) and self._step.lists and is_listed(line):
            self._lines.append(line)
            return False
        if is_overflow(line):
            self._overflown = True
            if isinstance(self._step, Rest):
                self._go_on(self._overflow())
        return self._hints.is_news(line)

    def _overflow(self) -> Answer | None:
        was, self._overflown = self._overflown, False
        return Answer([], status="OK", code=OVERFLOW) if was else None

    def _go_on(self, outcome: Answer | None) -> None:
        """Carry the routine on, up to a step that takes time."""
        while True:
            self._step = self._routine.send(outcome)
            outcome = None
            match self._step:
                case Signal.LISTENING:
                    self._ear.began()
                case Signal.HINT:
                    self._ear.hint()
                case Rest(seconds):
                    outcome = self._overflow()
                    if outcome is None:
                        return self._wait(seconds)
                case Ask(command, patience):
                    self._count += 1
                    self._tag = b"W%d" % self._count
                    self._channel.send(b"%b %b\r\n" % (self._tag, command))
                    return self._wait(patience)
                case Finish(patience) if self._tag:
                    self._channel.send(b"DONE\r\n")
                    return self._wait(patience)

    def _wait(self, seconds: float) -> None:
        self.due = time.monotonic() + seconds
