"""Any history on a real Dovecot: whoever applies the deltas has what the server has, versions included, and can tell
which message is which when folders are renamed or rebuilt, and when messages move."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from imapclient.exceptions import IMAPClientError

from providers.base.collection import Change
from providers.base.ports import MessageQuery
from providers.base.provider import Mailbox, ProviderSettings
from providers.imap.ids import MessageId, folder_id
from providers.imap.provider import ImapProvider, ImapSession
from tests.providers.imap.conftest import mail
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.plugin import grant_of

FOLDERS = st.sampled_from(["INBOX", "Trash", "A", "A/C", "B", "Größe & Maß"])
FLAGS = st.sampled_from(
    [rb"\Seen", rb"\Flagged", rb"\Draft", rb"\Answered", rb"\Deleted", b"work", b"$Junk", b"NonJunk"]
)
SHOWN = (rb"\Seen", rb"\Flagged", rb"\Draft", b"work", b"$Junk")  # of these, what a record shows
CHOICE = st.integers(0, 30)

Known = dict[str, Change]
Truth = dict[str, tuple[str, str, frozenset[bytes]]]  # id -> folder id, Message-ID, flags that show


class History(RuleBasedStateMachine):
    """`client` acts as another program of the mailbox's owner; `known` is what the deltas said."""

    def __init__(self, dovecot: Dovecot, imap_settings: ProviderSettings) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.provider = ImapProvider(imap_settings)
        self.dovecot, self.user = dovecot, dovecot.new_user()
        self.mailbox = Mailbox(1, 1, self.user.address, grant_of(self.user, dovecot).model_dump())
        self.client = dovecot.client(self.user)
        self.session = self._opened()
        self.count = 0
        self.known: Known = {}
        self.cursor: str | None = None
        self.bookmarks: list[tuple[str | None, Known]] = [(None, {})]
        self.versions: dict[frozenset[bytes], str] = {}
        self.kins: dict[str | None, str | None] = {}  # Message-ID -> kin
        self.uidvalidity = 4_000_000_000

    def _opened(self) -> ImapSession:
        return self.runner.run(self.provider.open(self.mailbox))

    def teardown(self) -> None:
        self.follow(2000)
        self.runner.run(self.session.close())
        self.runner.close()
        self.client.logout()

    @rule(folder=FOLDERS, flags=st.sets(FLAGS, max_size=3), count=st.integers(1, 4))
    def append(self, folder: str, flags: set[bytes], count: int) -> None:
        if folder not in self._folders():
            self.client.create_folder(folder)
        for _ in range(count):
            self.count += 1
            self.client.append(folder, mail(f"m{self.count}"), sorted(flags))

    @rule(folder=FOLDERS, choice=CHOICE, flag=FLAGS, add=st.booleans())
    def flag(self, folder: str, choice: int, flag: bytes, add: bool) -> None:
        act = self.client.add_flags if add else self.client.remove_flags
        self._with_one(folder, choice, lambda uid: act([uid], [flag]))

    @rule(folder=FOLDERS, flag=FLAGS, add=st.booleans())
    def flag_all(self, folder: str, flag: bytes, add: bool) -> None:
        act = self.client.add_flags if add else self.client.remove_flags
        self._with_one(folder, 0, lambda _: act(self.client.search(), [flag]))

    @rule(folder=FOLDERS, choice=CHOICE, into=FOLDERS)
    def move(self, folder: str, choice: int, into: str) -> None:
        if into in self._folders():
            self._with_one(folder, choice, lambda uid: self.client.move([uid], into))

    @rule(folder=FOLDERS, choice=CHOICE)
    def expunge_one(self, folder: str, choice: int) -> None:
        def expunge(uid: int) -> None:
            self.client.delete_messages([uid])
            self.client.uid_expunge([uid])

        self._with_one(folder, choice, expunge)

    @rule(folder=FOLDERS)
    def expunge(self, folder: str) -> None:
        self._with_one(folder, 0, lambda _: self.client.expunge())

    def _with_one(self, folder: str, choice: int, act: Callable[[int], Any]) -> None:
        if folder in self._folders():
            self.client.select_folder(folder)
            if uids := self.client.search():
                act(uids[choice % len(uids)])
            self.client.unselect_folder()

    @rule(folder=FOLDERS)
    def create_folder(self, folder: str) -> None:
        if folder not in self._folders():
            self.client.create_folder(folder)

    @rule(folder=FOLDERS, again=st.booleans())
    def delete_folder(self, folder: str, again: bool) -> None:
        """`again`: with a new UIDVALIDITY under the same name."""
        if folder not in ("INBOX", "Trash") and folder in self._folders():
            self.client.delete_folder(folder)
            if again:
                self.client.create_folder(folder)

    @rule(folder=FOLDERS, into=FOLDERS)
    def rename_folder(self, folder: str, into: str) -> None:
        if "INBOX" not in (folder, into):
            with suppress(IMAPClientError):  # such as into itself, or over one that exists
                self.client.rename_folder(folder, into)

    @rule(folder=FOLDERS)
    def rebuild_folder(self, folder: str) -> None:
        """The same messages with another UIDVALIDITY."""
        if folder in self._folders():
            self.uidvalidity += 1
            self.dovecot.set_uidvalidity(self.user, folder, self.uidvalidity)

    @rule()
    def restart(self) -> None:
        """The adapter remembers nothing but the cursor."""
        self.runner.run(self.session.close())
        self.session = self._opened()

    @rule()
    def bookmark(self) -> None:
        self.bookmarks.append((self.cursor, dict(self.known)))

    @precondition(lambda self: self.bookmarks)
    @rule(choice=CHOICE)
    def go_back(self, choice: int) -> None:
        """As after a backup was restored: an old cursor with what was known then."""
        self.cursor, known = self.bookmarks[choice % len(self.bookmarks)]
        self.known = dict(known)

    @rule(limit=st.sampled_from([1, 2, 3, 2000]))
    def one_delta(self, limit: int) -> None:
        """One portion only; whatever happens next happens in the middle."""
        self._apply(limit)

    @rule(limit=st.sampled_from([1, 3, 2000]))
    def follow(self, limit: int) -> None:
        for _ in range(1000):
            if not self._apply(limit):
                break
        else:
            raise AssertionError("it never ends")
        assert {one.id: (one.parent, one.identity) for one in self.known.values()} == {
            id_: truth[:2] for id_, truth in self._truth().items()
        }
        self._check_versions()

    @rule()
    def nothing_changes(self) -> None:
        self.follow(2000)
        before = self.cursor
        delta = self.runner.run(self.session.messages.changes(None, self.cursor, MessageQuery()))
        assert (list(delta.changed), list(delta.removed), delta.more, delta.cursor) == ([], [], False, before)

    def _apply(self, limit: int) -> bool:
        self.session.messages.changes_at_once = limit
        delta = self.runner.run(self.session.messages.changes(None, self.cursor, MessageQuery()))
        assert len(delta.changed) + len(delta.removed) <= limit
        self.known |= {change.id: change for change in delta.changed}
        for gone in delta.removed:
            assert self.known.pop(gone, None), "only what was told of is removed"
        self._check_kin()
        self.cursor = delta.cursor
        return delta.more

    def _check_kin(self) -> None:
        """It stays with a message wherever it goes; and a removal is told before what came in its place."""
        for change in self.known.values():
            assert self.kins.setdefault(change.identity, change.kin) == change.kin is not None
        assert len({change.kin for change in self.known.values()}) == len(self.known)

    def _check_versions(self) -> None:
        for id_, (_, _, shown) in self._truth().items():
            assert self.versions.setdefault(shown, self.known[id_].version) == self.known[id_].version
        assert len(set(self.versions.values())) == len(self.versions)

    def _truth(self) -> Truth:
        found: Truth = {}
        for name in self._folders():
            uidvalidity = self.client.select_folder(name, readonly=True)[b"UIDVALIDITY"]
            uids = self.client.search("UNDELETED")
            for uid, data in self.client.fetch(uids, ["FLAGS", "ENVELOPE"]).items() if uids else ():
                shown = frozenset(flag for flag in data[b"FLAGS"] if flag in SHOWN)
                named = data[b"ENVELOPE"].message_id.decode()
                found[str(MessageId(name, uidvalidity, uid))] = (folder_id(name), named, shown)
            self.client.unselect_folder()
        return found

    def _folders(self) -> list[str]:
        closed = {rb"\Noselect", rb"\NonExistent"}
        return [name for attributes, _, name in self.client.list_folders() if closed.isdisjoint(attributes)]


def _try(dovecot: Dovecot, imap_settings: ProviderSettings) -> None:
    run_state_machine_as_test(
        lambda: History(dovecot, imap_settings),
        settings=settings(
            max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_any_history(dovecot: Dovecot, imap_settings: ProviderSettings) -> None:
    _try(dovecot, imap_settings)


def test_any_history_without_extensions(authority: Authority, imap_settings: ProviderSettings) -> None:
    """No CONDSTORE, LIST-STATUS and ESEARCH; what is left is for the other program."""
    poor = "imap_capability = IMAP4rev1 SASL-IR LITERAL+ AUTH=PLAIN NAMESPACE UIDPLUS MOVE UNSELECT"
    with Dovecot(authority.issue(), extra=f"protocol imap {{\n  {poor}\n}}\n") as dovecot:
        _try(dovecot, imap_settings)
