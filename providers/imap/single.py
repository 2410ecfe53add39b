"""One message, whole or in part: one round trip when its headers and structure are known, two when they are not."""

from providers.base.errors import NotFound
from providers.base.ports import MessageView
from providers.formats import body, envelope
from providers.formats.headers import Headers
from providers.formats.part import Part
from providers.formats.source import Source
from providers.imap import convert, fetch, parts
from providers.imap.account import Account
from providers.imap.connection import Connection
from providers.imap.content import Piece, piece
from providers.imap.facts import DESCRIPTION, Facts, facts, from_source
from providers.imap.fetch import Items
from providers.imap.ids import MessageId, message_id
from providers.imap.reader import HEADER_ITEM, thread_items
from providers.imap.structure import Malformed
from providers.imap.wire import Refused, lines
from schemas.mail import EmailMessage, Omitted


def read(account: Account, place: MessageId, view: MessageView) -> EmailMessage:
    """The message as the view asks for it. Raises `NotFound`."""
    return account.pool.read(lambda connection: _read(account, connection, place, view), place.folder)


def threaded(account: Account, message: EmailMessage) -> EmailMessage:
    """The message with its thread id, where that has become known."""
    place = message_id(message.id)
    known = account.reader.remembered(place.folder, place.uidvalidity, place.uid)
    thread_id = account.threads.id_of(account.index.snapshot, place, known) if known else None
    return message.model_copy(update={"thread_id": thread_id, "omitted": None}) if thread_id else message


def describe(account: Account, connection: Connection, place: MessageId) -> Facts:
    """Headers and structure, from memory or from the server. Raises `NotFound`."""
    known = account.reader.remembered(place.folder, place.uidvalidity, place.uid)
    return known or _describe(account, connection, place)[0]


def _read(account: Account, connection: Connection, place: MessageId, view: MessageView) -> EmailMessage:
    known, state = account.reader.remembered(place.folder, place.uidvalidity, place.uid), None
    if known is None:
        known, state = _describe(account, connection, place)
    wanted = parts.WHOLE_ITEM if known.broken else parts.items(known.plan, view).strip()
    if known.header is None:
        wanted = wanted + b" " + HEADER_ITEM
    if state is None or wanted:
        state = _one(connection, place, (_state(connection) + b" " + wanted).strip())
    if isinstance(header := state.get(b"BODY[HEADER]"), bytes):
        known = known.knowing(header=header)
        account.reader.remember(place.folder, place.uidvalidity, place.uid, known)
    return _message(account, place, view, known, state)


def _describe(account: Account, connection: Connection, place: MessageId) -> tuple[Facts, Items]:
    """What is not known yet, and the flags on the same way."""
    wanted = _state(connection) + b" " + DESCRIPTION + b" " + HEADER_ITEM + thread_items(connection.capabilities)
    try:
        state = _one(connection, place, wanted)
        known = facts(state)
    except (Malformed, Refused):
        state = _one(connection, place, _state(connection) + b" " + parts.WHOLE_ITEM)
        known = from_source(state)
    account.reader.remember(place.folder, place.uidvalidity, place.uid, known)
    return known, state


def _state(connection: Connection) -> bytes:
    return fetch.flag_items(connection.capabilities) + b" INTERNALDATE"


def _one(connection: Connection, place: MessageId, items: bytes) -> Items:
    """Items of one message. Raises `NotFound` when it is gone, flagged \\Deleted included; `Refused`."""
    answers = connection.on(place.folder, fetch.commands([place.uid], items), uidvalidity=place.uidvalidity)
    found = fetch.read(lines(answers), {place.uid}).get(place.uid)
    if found is None:
        answers[0].check()
    if found is None or "\\Deleted" in (fetch.flags(found) or ()):
        raise NotFound("the message does not exist any more")
    return found


def _message(account: Account, place: MessageId, view: MessageView, known: Facts, state: Items) -> EmailMessage:
    snapshot = account.index.snapshot
    loaded = (parts.from_source if known.broken else parts.from_items)(known.plan, view, state)
    thread_id = account.threads.id_of(snapshot, place, known)
    header = known.header or b""
    more: dict[str, object] = {
        "thread_id": thread_id,
        "body": body.render(known.plan, loaded.texts, parts.body_type(view), strip_quoted=view.strip_quoted),
        "attachments": parts.attachments(known.plan, view, loaded),
        "internet_headers": envelope.internet_headers(Headers.parse(header)),
    }
    if view.native_properties:
        more["native_properties"] = convert.native_properties(header, view.native_properties)
    received = state.get(b"INTERNALDATE")
    return convert.record(
        known,
        place,
        fetch.seconds(received if isinstance(received, bytes) else b""),
        snapshot.role_of(place.folder),
        fetch.flags(state),
        () if thread_id else (Omitted.THREAD_ID,),
        **more,
    )


def attachment(account: Account, connection: Connection, place: MessageId, section: str) -> tuple[Part, Piece | bytes]:
    """An attachment and its first piece; its whole content where the structure is ours. Raises `NotFound`."""
    known = describe(account, connection, place)
    part = next((one for one in known.plan.attachments if one.section == section), None)
    if part is None:
        raise NotFound(f"the message has no attachment with the id {section[:80]!r}")
    if known.broken:
        whole = _one(connection, place, parts.WHOLE_ITEM).get(b"BODY[]")
        return part, Source(whole or b"").content(section)
    return part, piece(connection, place, section.encode(), 0)
