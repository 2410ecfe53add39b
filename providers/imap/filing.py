"""Changing messages: flags, moves, removal; never a bare EXPUNGE, which would take other people's deletions along."""

from collections.abc import Iterable, Sequence

from providers.base.errors import Denied, Invalid, NotFound
from providers.imap import fetch, names
from providers.imap.connection import Connection
from providers.imap.convert import is_chosen
from providers.imap.ids import MessageId
from providers.imap.listing import read_statuses
from providers.imap.selected import Selected
from providers.imap.sets import expand, read_search
from providers.imap.wire import Answer, Command, Line, astring, lines

_SPECIALS = frozenset('(){ %*"\\]')  # what an atom must not hold (RFC 3501 section 9)
INBOX_LABEL = "\\Inbox"  # Gmail: what is archived lacks it
_COPIED = b"OK [COPYUID "


def open_message(connection: Connection, place: MessageId) -> tuple[Selected, frozenset[str]]:
    """Select the folder of a message that is about to change; its flags. Raises `NotFound`, `Denied`."""
    answers = connection.on(
        place.folder,
        fetch.commands([place.uid], fetch.flag_items(connection.capabilities)),
        uidvalidity=place.uidvalidity,
    )
    found, selected = fetch.read(lines(answers), {place.uid}).get(place.uid), connection.selected
    if found is None or selected is None or "\\Deleted" in (flags := fetch.flags(found) or frozenset()):
        raise NotFound("the message does not exist any more")
    if selected.read_only:
        raise Denied(f"the folder {names.shown(place.folder)!r} is read-only for this account")
    return selected, flags


def store(connection: Connection, uid: int, add: Iterable[str], remove: Iterable[str]) -> None:
    """Set and take off flags of a message in the selected folder (Gmail: keywords are labels). Raises `Refused`."""
    gmail = connection.can("X-GM-EXT-1")
    plan: list[Command] = []
    for sign, flags in ((b"+", sorted(add)), (b"-", sorted(remove))):
        labels = [flag for flag in flags if gmail and (not flag.startswith("\\") or flag == INBOX_LABEL)]
        plan += _store(uid, sign + b"FLAGS", [flag for flag in flags if flag not in labels])
        plan += _store(uid, sign + b"X-GM-LABELS", labels)
    for answer in connection.pipeline(plan) if plan else ():
        answer.check()


def _store(uid: int, item: bytes, flags: Sequence[str]) -> list[Command]:
    return [(b"UID STORE %d %b.SILENT (%b)" % (uid, item, " ".join(flags).encode()),)] if flags else []


def keyword_changes(wanted: Sequence[str], flags: frozenset[str], selected: Selected) -> tuple[set[str], set[str]]:
    """Which flags to add and to remove so that the chosen keywords are the wanted ones, letters of any case alike.

    Raises `Invalid(keywords.N)` for what is no IMAP keyword, or a new one in a folder that takes no new ones.
    """
    for place, keyword in enumerate(wanted):
        _check_keyword(keyword, place)
    present = {flag.lower(): flag for flag in flags if not flag.startswith("\\")}
    new = {keyword.lower(): keyword for keyword in wanted}
    possible = {flag.lower() for flag in selected.permanent}
    for place, keyword in enumerate(wanted):
        if keyword.lower() not in present and keyword.lower() not in possible and "\\*" not in possible:
            raise Invalid(f"the folder does not take the new keyword {keyword!r}", path=f"keywords.{place}")
    gone = {flag for lower, flag in present.items() if lower not in new and is_chosen(flag)}
    return {keyword for lower, keyword in new.items() if lower not in present}, gone


def _check_keyword(keyword: str, place: int) -> None:
    if not keyword or len(keyword) > 200 or any(not "!" <= sign <= "~" or sign in _SPECIALS for sign in keyword):
        message = f'{keyword[:80]!r} cannot be a keyword in IMAP: ASCII without spaces and any of (){{%*"\\]'
        raise Invalid(message, path=f"keywords.{place}")


def move(connection: Connection, place: MessageId, target: str, *, message_id: str | None) -> MessageId | None:
    """Move a message of the selected folder; its new place, as far as the server lets it be known.

    Raises `Refused`, and `NotFound` when the message went in the meantime.
    """
    if not connection.can("UIDPLUS", "IMAP4REV2"):
        return _move_and_look(connection, place.uid, target, message_id)
    copied = _copied(_moved(connection, place.uid, target))
    if copied is None:
        raise NotFound("the message does not exist any more")
    return MessageId(target, *copied)


def _move_and_look(connection: Connection, uid: int, target: str, message_id: str | None) -> MessageId | None:
    """Move on a server that does not say where to; look among the messages that came to the target since."""
    [asked] = connection.pipeline([(b"STATUS ", connection.mailbox(target), b" (MESSAGES UIDNEXT UIDVALIDITY)")])
    status = read_statuses(asked.lines, utf8=connection.utf8).get(target)
    first = status.uidnext if status is not None else 1
    _moved(connection, uid, target)
    selected = connection.select(target)
    came = [one for one in read_search(connection.run(b"UID SEARCH UID %d:*" % first).lines) if one >= first]
    if len(came) == 1:
        return MessageId(target, selected.uidvalidity, came[0])
    return locate(connection, target, message_id)


def _moved(connection: Connection, uid: int, target: str) -> list[Answer]:
    if connection.can("MOVE", "IMAP4REV2"):
        return [connection.run(b"UID MOVE %d " % uid, connection.mailbox(target))]
    copied = connection.run(b"UID COPY %d " % uid, connection.mailbox(target))
    remove(connection, uid)
    return [copied]


def remove(connection: Connection, uid: int) -> None:
    """Take a message out of the selected folder; without UIDPLUS it stays, flagged \\Deleted and hidden from lists."""
    connection.run(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
    if connection.can("UIDPLUS", "IMAP4REV2"):
        connection.run(b"UID EXPUNGE %d" % uid)


def _copied(answers: Iterable[Answer]) -> tuple[int, int] | None:
    """UIDVALIDITY and UID of the copy: COPYUID in the answer (COPY), or in an untagged OK before it (MOVE)."""
    for answer in answers:
        arguments = [answer.argument] if answer.code == "COPYUID" else []
        arguments += [line.text[len(_COPIED) :].partition(b"]")[0] for line in answer.lines if _is_copied(line)]
        for argument in arguments:
            words = argument.split()
            if len(words) == 3 and words[0].isdigit() and (uids := expand(words[2], limit=1)):
                return int(words[0]), uids[0]
    return None


def _is_copied(line: Line) -> bool:
    return line.text[: len(_COPIED)].upper() == _COPIED


def locate(connection: Connection, folder: str, message_id: str | None) -> MessageId | None:
    """The newest message of a folder with that Message-ID."""
    if not message_id:
        return None
    selected = connection.select(folder)
    answer = connection.run(b"UID SEARCH HEADER MESSAGE-ID ", astring(message_id.encode("utf-8", "replace")))
    uids = read_search(answer.lines)
    return MessageId(folder, selected.uidvalidity, max(uids)) if uids else None
