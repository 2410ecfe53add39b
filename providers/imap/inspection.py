"""A look at single messages, for what SEARCH cannot tell: attachments, and words beyond the server's charset."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from providers.base.match import comparable
from providers.base.ports import MessageView
from providers.base.search import Contains, Is, Where
from providers.imap import fetch, parts
from providers.imap.connection import Connection
from providers.imap.criteria import Branch, Every, Look, Negated, Some
from providers.imap.facts import Facts
from providers.imap.pool import Pool
from providers.imap.reader import Place, Reader
from providers.imap.snapshot import Snapshot
from providers.imap.wire import lines
from schemas.mail import BodyType, EmailAddress

_TEXT = MessageView(body_type=BodyType.TEXT)


class Inspection:
    """What is known of the messages of one search."""

    def __init__(self, pool: Pool, reader: Reader, snapshot: Snapshot) -> None:
        self._pool, self._reader, self._snapshot = pool, reader, snapshot
        self._facts: dict[Place, Facts] = {}
        self._texts: dict[Place, str] = {}

    def prepare(self, places: Sequence[Place], branches: Iterable[Branch]) -> None:
        """Read what is needed to judge these messages."""
        self._facts = {place: known.facts for place, known in self._reader.load(self._snapshot, places).items()}
        self._texts = {}
        if any(_reads_text(branch) for branch in branches):
            for place, known in self._facts.items():
                self._texts[place] = self._pool.read(partial(self._text, place, known), place[0])

    def at(self, place: Place) -> Callable[[Is | Contains], bool]:
        """The judge of one message; a message that went in the meantime matches nothing."""
        known = self._facts.get(place)
        return lambda term: known is not None and self._judge(place, known, term)

    def _judge(self, place: Place, known: Facts, term: Is | Contains) -> bool:
        if isinstance(term, Is):
            return known.plan.has_attachments
        return comparable(term.value) in comparable(self._words(place, known, term.where))

    def _words(self, place: Place, known: Facts, where: Where) -> str:
        base = known.base
        fields = {
            Where.SUBJECT: base.subject or "",
            Where.FROM: _addresses([base.from_] if base.from_ else []),
            Where.TO: _addresses(base.to),
            Where.CC: _addresses(base.cc),
            Where.BCC: _addresses(base.bcc),
            Where.BODY: self._texts.get(place, ""),
        }
        return "\n".join(fields.values()) if where is Where.TEXT else fields[where]

    def _text(self, place: Place, known: Facts, connection: Connection) -> str:
        folder, uid = place
        wanted = parts.items(known.plan, _TEXT)
        if known.broken or not wanted:
            return ""
        found = fetch.read(lines(connection.on(folder, fetch.commands([uid], wanted.strip()))), {uid})
        return "\n".join(parts.from_items(known.plan, _TEXT, found.get(uid, {})).texts.values())


def _addresses(found: Sequence[EmailAddress] | None) -> str:
    return "\n".join(f"{one.name or ''} <{one.address or ''}>" for one in found or ())


def _reads_text(branch: Branch) -> bool:
    if isinstance(branch, Look):
        return isinstance(branch.term, Contains) and branch.term.where in (Where.BODY, Where.TEXT)
    if isinstance(branch, Negated):
        return _reads_text(branch.branch)
    return isinstance(branch, Every | Some) and any(_reads_text(inner) for inner in branch.branches)
