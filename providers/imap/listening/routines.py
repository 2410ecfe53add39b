"""What a listener says to its server: NOTIFY for all folders where that is offered, else IDLE on INBOX and sweeps."""

from providers.base.errors import Unsupported
from providers.imap import names
from providers.imap.connection import Connection
from providers.imap.listening.steps import Ask, Finish, Rest, Routine, Signal, jittered
from providers.imap.listening.sweep import Sweep
from providers.imap.wire import Answer, Literal, astring

PROBE = 540.0  # seconds; RFC 2177 allows 29 minutes, address translators forget a silent connection after ten or so
PATIENCE = 20.0  # seconds for an answer; a connection that gives none is lost
_AFTERWARDS = 1.0  # seconds without IDLE after the server ended it, so that nobody is asked in a circle
_EVENTS = b"(MessageNew MessageExpunge FlagChange MailboxName)"


def routine(connection: Connection) -> Routine:
    """What to do on a connection that is signed in and has no folder open. Raises `Unsupported`."""
    idling = _idling(Sweep(connection)) if connection.can("IDLE", "IMAP4REV2") else None
    if connection.can("NOTIFY") and connection.enabled & {"CONDSTORE", "QRESYNC"}:  # else flags would go unheard
        return _notified(_notify(connection), idling)
    if idling is None:
        raise Unsupported("this mail server offers neither IDLE nor NOTIFY")
    return idling


def _notify(connection: Connection) -> bytes:
    """All folders, other users' and shared ones too (RFC 5465 section 6)."""
    groups = [b"(personal " + _EVENTS + b")"]
    for space in connection.namespaces.others:
        name = astring(names.encode(space.prefix.removesuffix(space.separator), utf8=connection.utf8))
        if space.prefix and not isinstance(name, Literal):
            groups.append(b"(subtree " + name + b" " + _EVENTS + b")")
    return b"NOTIFY SET " + b" ".join(groups)


def _notified(command: bytes, otherwise: Routine | None) -> Routine:
    """Nothing is selected: the server tells of every folder by STATUS, of INBOX too."""
    answer = yield Ask(command, PATIENCE)
    if not _is_ok(answer) and otherwise is not None:
        yield from otherwise
    while True:
        _check(answer)
        yield Signal.LISTENING
        answer = yield Rest(jittered(PROBE))
        answer = yield Ask(b"NOOP" if answer is None else command, PATIENCE)


def _idling(sweep: Sweep) -> Routine:
    """INBOX is open for reading; a look at the other folders between two IDLEs, whose end and answer is the probe."""
    _check((yield Ask(b"EXAMINE INBOX", PATIENCE)))
    while True:
        yield from sweep.run()
        _check((yield Ask(b"IDLE", PATIENCE, until_ready=True)))
        yield Signal.LISTENING
        ended = yield Rest(sweep.pause())
        if ended is None:
            _check((yield Finish(PATIENCE)))
        else:
            _check(ended)
            yield Rest(_AFTERWARDS)


def _is_ok(answer: Answer | None) -> bool:
    return answer is not None and answer.status == "OK"


def _check(answer: Answer | None) -> None:
    """Raises `Refused`."""
    if answer is not None:
        answer.check()
