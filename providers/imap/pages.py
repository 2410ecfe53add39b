"""Pages of records: candidates in order, read in groups until the page is full."""

from collections.abc import Iterable, Iterator
from itertools import islice

from providers.base.collection import Page, PageRequest
from providers.base.ports import MessageView
from providers.imap import convert, cursor
from providers.imap.account import Account
from providers.imap.ids import MessageId
from providers.imap.reader import Known
from providers.imap.snapshot import Position, Snapshot
from schemas.mail import EmailMessage, Omitted


def page(
    account: Account, snapshot: Snapshot, candidates: Iterable[Position], view: MessageView, request: PageRequest
) -> Page[EmailMessage]:
    """The first records of the candidates that are still there; messages flagged \\Deleted are passed over."""
    found = _filled(account, snapshot, iter(candidates), view, request.limit + 1)
    shown = found[: request.limit]
    more = cursor.encode(shown[-1][0]) if len(found) > len(shown) else None
    return Page(records(account, snapshot, shown, view), more)


def _filled(
    account: Account, snapshot: Snapshot, candidates: Iterator[Position], view: MessageView, wanted: int
) -> list[tuple[Position, Known]]:
    found: list[tuple[Position, Known]] = []
    while group := list(islice(candidates, wanted - len(found))):
        found += present(account, snapshot, group, view)
    return found


def present(
    account: Account, snapshot: Snapshot, positions: Iterable[Position], view: MessageView
) -> list[tuple[Position, Known]]:
    """What a list needs of the messages that are still there."""
    positions = list(positions)
    known = account.reader.load(
        snapshot,
        [(position.folder, position.uid) for position in positions],
        header=bool(view.native_properties),
        snippet=view.body_type is not None,
    )
    pairs = [(position, known.get((position.folder, position.uid))) for position in positions]
    return [(position, found) for position, found in pairs if found is not None and not found.deleted]


def records(
    account: Account, snapshot: Snapshot, found: Iterable[tuple[Position, Known]], view: MessageView
) -> list[EmailMessage]:
    """The records of a list."""
    return [_record(account, snapshot, position, known, view) for position, known in found]


def _record(account: Account, snapshot: Snapshot, position: Position, known: Known, view: MessageView) -> EmailMessage:
    place = MessageId(position.folder, snapshot.contents[position.folder].uidvalidity, position.uid)
    more: dict[str, object] = {"thread_id": account.threads.id_of(snapshot, place, known.facts)}
    if view.body_type is not None:
        more["body_snippet"] = known.facts.snippet
    if view.native_properties:
        more["native_properties"] = convert.native_properties(known.facts.header or b"", view.native_properties)
    omitted = convert.LIST_OMITS if more["thread_id"] else (*convert.LIST_OMITS, Omitted.THREAD_ID)
    role = snapshot.role_of(position.folder)
    return convert.record(known.facts, place, position.time, role, known.flags, omitted, **more)
