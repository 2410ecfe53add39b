"""The verb `changes`: every folder compared with what the cursor says was told of it.

The index tells which messages there are, in one round trip; so removals and new messages are found without asking.
Flags come from `FETCH … (CHANGEDSINCE n)` (RFC 7162 3.1.4.1), `n` being the HIGHESTMODSEQ that was seen before the
last round began to read; without CONDSTORE all flags of a folder are read and compared. A folder in the state of the
cursor costs nothing. A renamed folder, or one whose UIDVALIDITY changed, has messages with new ids: the old ones are
removed, and told before the new ones, whose `kin` says which they were.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from math import inf
from typing import NamedTuple

from providers.base.collection import Change, Delta
from providers.imap import ids, told, visits
from providers.imap.account import Account
from providers.imap.contents import Contents
from providers.imap.convert import labels, version
from providers.imap.ids import MessageId
from providers.imap.reader import Place
from providers.imap.snapshot import Snapshot
from providers.imap.threads import Threads
from providers.imap.told import Told
from providers.imap.visits import Found, Identity, Visit
from schemas.mail import SysLabel


def delta(account: Account, parent: str | None, cursor: str | None, since: datetime | None, limit: int) -> Delta:
    """At most `limit` changes and removals. Raises `CursorExpired`, `NotFound` when the parent is gone."""
    only = ids.folder_name(parent) if parent is not None else None
    before = told.decode(parent, cursor)
    snapshot = account.index.refresh(only)
    names = [only] if only is not None else snapshot.mailboxes(trash_and_junk=True)
    links = account.threads.wants_links(snapshot)
    comparison = _Comparison(snapshot, since.timestamp() if since is not None else -inf, limit)
    due = comparison.plan(before, names)
    if only is None and any(_may_have_moved(snapshot, visit) for visit in due):
        snapshot = account.index.refresh()
        comparison = comparison.looked_again(snapshot)
        due = comparison.plan(before, snapshot.mailboxes(trash_and_junk=True))
    found = account.pool.read(partial(visits.read, visits=due, links=links), due[0].folder) if due else {}
    for visit in due:
        comparison.settle(visit, found.get(visit.folder))
    if nameless := comparison.nameless():
        comparison.name(account.pool.read(partial(visits.identities, snapshot=snapshot, wanted=nameless, links=links)))
    changed = comparison.changes(account.threads)
    return Delta(changed, comparison.removed, told.encode(parent, comparison.after), comparison.more)


def _may_have_moved(snapshot: Snapshot, visit: Visit) -> bool:
    """Whether a message that came was received in the same second as one of another folder: it may be that one. The
    server tells the state of one folder after the other, so a move in the midst of that shows the message twice."""
    others = [contents for name, contents in snapshot.contents.items() if name != visit.folder]
    received = {visit.contents.time(uid) for uid in visit.new}
    return any(contents.has(time) for time in received if time is not None for contents in others)


class _News(NamedTuple):
    """A message to tell of; `identity` is None where it still has to be asked for."""

    folder: str
    uid: int
    version: str
    draft: bool
    identity: Identity | None


class _Comparison:
    """One round, with room for `limit` changes and removals; `since` in seconds of 1970. What came after the snapshot
    `first` is left to the next round.

    `after` becomes what the next cursor says.
    """

    def __init__(self, snapshot: Snapshot, since: float, limit: int, first: Snapshot | None = None) -> None:
        self.snapshot, self.since, self.limit, self.left = snapshot, since, limit, limit
        self.first = first or snapshot
        self.news: list[_News] = []
        self.removed: list[str] = []
        self.after: dict[str, Told] = {}
        self.more = False

    def looked_again(self, snapshot: Snapshot) -> "_Comparison":
        """The same with a later snapshot, which has lost whatever was only on its way to where this one saw it."""
        return _Comparison(snapshot, self.since, self.limit, self.snapshot)

    def forget(self, before: Mapping[str, Told], present: set[str]) -> None:
        """Folders that are gone or were rebuilt: all that was told of them is removed."""
        for name, known in before.items():
            contents = self.snapshot.contents.get(name)
            if contents is None and self._is_listed(name):
                self.after[name] = known  # it cannot be opened just now
            elif contents is None or name not in present or contents.uidvalidity != known.uidvalidity:
                messages = known.messages()
                if late := self._remove(name, known.uidvalidity, sorted(messages)):
                    rest = {uid: messages[uid] for uid in late}
                    self.after[name] = Told.of(Contents(known.uidvalidity), 1, -1, rest)

    def _is_listed(self, name: str) -> bool:
        folder = self.snapshot.folders.get(name)
        return folder is not None and folder.selectable

    def _remove(self, name: str, uidvalidity: int, uids: Sequence[int]) -> Sequence[int]:
        """Tell of removals while there is room; those that are left to the next round."""
        now, late = uids[: self.left], uids[self.left :]
        self.removed += [str(MessageId(name, uidvalidity, uid)) for uid in now]
        self.left -= len(now)
        self.more = self.more or bool(late)
        return late

    def plan(self, before: Mapping[str, Told], names: Iterable[str]) -> list[Visit]:
        """The folders to look into; those that are gone, or as they were told of, are settled."""
        names = list(names)
        self.forget(before, set(names))
        found = []
        for name in names:
            contents = self.snapshot.contents[name]
            known = before.get(name)
            if name in self.after:
                continue  # its former messages are still being removed
            if known is None or known.uidvalidity != contents.uidvalidity:
                known = Told(contents.uidvalidity)
            if known.is_true_of(contents):
                self.after[name] = known
            else:
                found.append(self._visit(name, known, contents))
        self._share(found)
        return found

    def _visit(self, name: str, known: Told, contents: Contents) -> Visit:
        messages = known.messages()
        gone = sorted(messages.keys() - set(contents.uids))
        late = self._remove(name, contents.uidvalidity, gone)
        for uid in gone[: len(gone) - len(late)]:
            del messages[uid]
        upto = self._seen_upto(name, contents)
        start, end = bisect_left(contents.uids, known.uidnext), bisect_left(contents.uids, upto)
        arrived = zip(contents.uids[start:end], contents.times[start:end], strict=True)
        new = [uid for uid, received in arrived if received >= self.since or uid in messages]
        return Visit(name, known, contents, messages, new, upto, bool(late))

    def _seen_upto(self, name: str, contents: Contents) -> int:
        """The UID behind what this round tells of a folder."""
        first = self.first.contents.get(name)
        if first is None or first.uidvalidity != contents.uidvalidity:
            return 1
        return min(told.beyond(first), told.beyond(contents))

    def _share(self, planned: Iterable[Visit]) -> None:
        """No more new messages are read than there is room for."""
        room = self.left
        for visit in planned:
            visit.upto = visit.new[room] if room < len(visit.new) else visit.upto
            visit.new = visit.new[:room]
            room -= len(visit.new)

    def settle(self, visit: Visit, found: Mapping[int, Found] | None) -> None:
        """Choose what to tell of a folder's messages; what there is no room for is read again in the next round."""
        if found is None:  # the folder went in the meantime
            self.after[visit.folder] = visit.known
            return
        shown = [(uid, one) for uid, one in sorted(found.items()) if self._is_news(visit, uid, one)]
        if self.left < len(shown):
            visit.upto = shown[self.left][0]
        for uid, one in shown[: self.left]:
            self._tell(visit, uid, one)
        self.left -= min(self.left, len(shown))
        count = -1 if visit.late else len(visit.contents)
        self.after[visit.folder] = Told.of(visit.contents, visit.upto, count, visit.told)
        self.more = self.more or visit.upto < told.beyond(visit.contents)

    def _is_news(self, visit: Visit, uid: int, one: Found) -> bool:
        received = visit.contents.time(uid)
        if received is None or uid >= visit.upto:
            return False
        if uid in visit.told:
            return one.hidden or (one.flags is not None and version(one.flags) != visit.told[uid])
        return not one.hidden and received >= self.since

    def _tell(self, visit: Visit, uid: int, one: Found) -> None:
        if one.hidden:
            del visit.told[uid]
            self.removed.append(str(MessageId(visit.folder, visit.contents.uidvalidity, uid)))
        else:
            visit.told[uid] = version(one.flags)
            draft = SysLabel.DRAFT in labels(self.snapshot.role_of(visit.folder), one.flags, False)
            self.news.append(_News(visit.folder, uid, visit.told[uid], draft, one.identity))

    def nameless(self) -> dict[str, list[int]]:
        """The messages of which flags alone were read, by folder."""
        found = defaultdict(list)
        for news in self.news:
            if news.identity is None:
                found[news.folder].append(news.uid)
        return found

    def name(self, identities: Mapping[Place, Identity]) -> None:
        """Say what was missing; what is not known now stays so."""
        self.news = [
            news._replace(identity=news.identity or identities.get((news.folder, news.uid))) for news in self.news
        ]

    def changes(self, threads: Threads) -> list[Change]:
        """What to tell of messages that are there; links that were read along go into `threads`."""
        linked: defaultdict[str, dict[int, tuple[int, ...]]] = defaultdict(dict)
        for news in self.news:
            if news.identity is not None and news.identity.links is not None:
                linked[news.folder][news.uid] = news.identity.links
        for name, links in linked.items():
            threads.learn(self.snapshot, name, links)
        return [self._change(news, threads) for news in self.news]

    def _change(self, news: _News, threads: Threads) -> Change:
        place = MessageId(news.folder, self.snapshot.contents[news.folder].uidvalidity, news.uid)
        told: dict[str, object] = {"draft": True} if news.draft else {}
        if news.identity is None:
            return Change(str(place), news.version, ids.folder_id(news.folder), attributes=told or None)
        message_id, kin, thread_id, links = news.identity
        if links is not None:
            thread_id = threads.find(place, links)
        if thread_id is not None:
            told["threadId"] = thread_id
        return Change(str(place), news.version, ids.folder_id(news.folder), message_id or None, kin, told or None)
