"""What a listener says to its server: IDLE on INBOX, and NOTIFY for all other folders where offered, else sweeps."""

from providers.base.errors import Unsupported
from providers.imap import names
from providers.imap.connection import Connection
from providers.imap.listening.steps import OVERFLOW, Ask, Finish, Rest, Routine, Signal, jittered
from providers.imap.listening.sweep import Sweep
from providers.imap.wire import Answer, Literal, astring

PROBE = 540.0  # seconds; RFC 2177 allows 29 minutes, address translators forget a silent connection after ten or so
PATIENCE = 20.0  # seconds for an answer; a connection that gives none is lost
_AFTERWARDS = 1.0  # seconds without IDLE after the server ended it, so that nobody is asked in a circle
_MESSAGES = b"(MessageNew MessageExpunge FlagChange)"
_ALL = b"(MessageNew MessageExpunge FlagChange MailboxName)"


def routine(connection: Connection) -> Routine:
    """What to do on a connection that is signed in and has no folder open. Raises `Unsupported`."""
    if not connection.can("IDLE", "IMAP4REV2"):
        raise Unsupported("this mail server does not tell of changes (IDLE)")
    modified = connection.enabled & {"CONDSTORE", "QRESYNC"}  # else flags of other folders would go unheard
    return _idling(_notify(connection) if connection.can("NOTIFY") and modified else None, Sweep(connection))


def _notify(connection: Connection) -> bytes:
    """All folders, other users' and shared ones too (RFC 5465 section 6)."""
    groups = [b"(selected " + _MESSAGES + b") (personal " + _ALL + b")"]
    for space in connection.namespaces.others:
        name = astring(names.encode(space.prefix.removesuffix(space.separator), utf8=connection.utf8))
        if space.prefix and not isinstance(name, Literal):
            groups.append(b"(subtree " + name + b" " + _ALL + b")")
    return b"NOTIFY SET " + b" ".join(groups)


def _idling(notify: bytes | None, sweep: Sweep) -> Routine:
    """INBOX is open for reading. With NOTIFY the server tells of the others too, else they are looked at between two
    IDLEs. The end of an IDLE and its answer are the probe.

    INBOX is open and IDLE is on also with NOTIFY: Dovecot hears of mail that others put into the mail store only so.
    """
    tells_all = notify is not None and _is_ok((yield Ask(notify, PATIENCE)))
    _check((yield Ask(b"EXAMINE INBOX", PATIENCE)))
    while True:
        if not tells_all:
            yield from sweep.run()
        _check((yield Ask(b"IDLE", PATIENCE, until_ready=True)))
        yield Signal.LISTENING
        ended = yield Rest(jittered(PROBE) if tells_all else sweep.pause())
        if ended is None:
            _check((yield Finish(PATIENCE)))
        elif ended.code == OVERFLOW and notify is not None:
            _check((yield Finish(PATIENCE)))
            tells_all = _is_ok((yield Ask(notify, PATIENCE)))
        else:
            _check(ended)
            yield Rest(_AFTERWARDS)


def _is_ok(answer: Answer | None) -> bool:
    return answer is not None and answer.status == "OK"


def _check(answer: Answer | None) -> None:
    """Raises `Refused`."""
    if answer is not None:
        answer.check()
