"""Gmail as the simulator has it; the truth is its own memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from providers.base.oauth2 import OAuthClient
from providers.base.provider import Grant, ProviderSettings
from providers.google.provider import GoogleProvider
from tests.conformance import google_texts
from tests.conformance.backends import DRAFT, FLAGGED, SEEN, Place, Truth
from tests.servers.google import gmail
from tests.servers.google.agenda import Agenda, Calendar, new_id
from tests.servers.google.mailbox import Mail, Stored
from tests.servers.google.people import Book
from tests.servers.google.server import GoogleSimulator
from tests.servers.google.tasks import Board
from tests.servers.google.world import User

_PLACES = {"inbox": "INBOX", "sent": "SENT", "draft": "DRAFT", "trash": "TRASH", "junk": "SPAM"}


class GoogleBackend:
    """A fresh user for each mailbox."""

    full_bodies_in_lists = True
    refused_address = gmail.REFUSED
    client = OAuthClient("suite", options={"gmailUnitsPerUser": "100000000", "gmailUnitsPerProject": "100000000"})
    #: What is otherwise at Google; see `Subject.lacks`.
    lacks = frozenset(
        """answered, archive folder, sent mark, partial refusal, identity, merging threads, substrings, busy kinds,
        categories, foreign properties, bombs, undone exceptions, contact keywords, display names, task fields,
        task states, guarded photos""".replace("\n", " ")
        .replace("        ", "")
        .split(", ")
    )

    def __init__(self, settings: ProviderSettings, google: GoogleSimulator) -> None:
        self._settings, self.google = settings, google
        self._provider: GoogleProvider | None = None

    @property
    def provider(self) -> GoogleProvider:
        """One for each test: its HTTP client belongs to the test's loop."""
        if self._provider is None:
            self._provider = GoogleProvider(self._settings)
        return self._provider

    async def after(self) -> None:
        if self._provider is not None:
            await self._provider.close()
        self._provider = None

    def place(self) -> Place:
        return GooglePlace(self.google, self.google.world.new_user())


@dataclass(frozen=True)
class GooglePlace:
    google: GoogleSimulator
    user: User

    @property
    def address(self) -> str:
        return self.user.email

    @property
    def grant(self) -> Grant:
        return {"access_token": self.user.token}

    @property
    def mail(self) -> Mail:
        found: Mail = self.user.shelf(Mail)
        return found

    def inject(self, source: bytes, folder: str, flags: Sequence[str], received: datetime) -> None:
        with self.google.world.lock:
            labels = {self._label(folder)} if folder != "archive" else set()
            labels |= {"UNREAD"} if SEEN not in flags else set()
            labels |= {"STARRED"} if FLAGGED in flags else set()
            labels |= {"DRAFT"} if DRAFT in flags else set()
            labels |= {"IMPORTANT"} if b"\r\nImportance: high" in source else set()
            labels |= {self.mail.label(flag) for flag in flags if flag[0] != "\\" and flag not in _FLAGS}
            stored = self.mail.add(source, labels, int(received.timestamp() * 1000))
            if "DRAFT" in labels:
                self.mail.drafts[f"r{len(self.mail.drafts)}{stored.id}"] = stored.id

    def truth(self, folder: str) -> list[Truth]:
        with self.google.world.lock:
            found = [stored for stored in self.mail.messages.values() if self._lies_in(stored, folder)]
            return [
                Truth(stored.source, self._flags(stored, folder), datetime.fromtimestamp(stored.received / 1000, UTC))
                for stored in sorted(found, key=lambda stored: (stored.received, stored.id))
            ]

    def expunge(self, folder: str, source: bytes) -> None:
        with self.google.world.lock:
            for stored in list(self.mail.messages.values()):
                if stored.source == source and self._lies_in(stored, folder):
                    self.mail.remove(stored.id)

    @property
    def agenda(self) -> Agenda:
        found: Agenda = self.user.shelf(Agenda)
        return found

    def put_text(self, kind: str, parent: str | None, uid: str, text: bytes) -> None:
        with self.google.world.lock:
            if kind == "contacts":
                google_texts.put_card(self.user.shelf(Book), uid, text)
            elif kind == "tasks":
                google_texts.put_task(self.user.shelf(Board), parent or "", uid, text)
            else:
                google_texts.put(self.agenda.calendar(parent or "primary"), uid, text)

    def texts(self, kind: str, parent: str | None) -> list[bytes]:
        with self.google.world.lock:
            return google_texts.texts(self.agenda.calendar(parent or "primary"))

    def remove_text(self, kind: str, parent: str | None, uid: str) -> None:
        with self.google.world.lock:
            if kind == "contacts":
                google_texts.remove_card(self.user.shelf(Book), uid)
            elif kind == "tasks":
                google_texts.remove_task(self.user.shelf(Board), parent or "", uid)
            else:
                google_texts.remove(self.agenda.calendar(parent or "primary"), uid)

    def read_only_calendar(self) -> str | None:
        shared = Calendar(f"{new_id()}@group.calendar.example", "somebody@example.test", "Shared")
        with self.google.world.lock:
            return self.agenda.add(shared, "reader").id

    def _label(self, folder: str) -> str:
        return _PLACES.get(folder) or self.mail.label(folder)

    def _lies_in(self, stored: Stored, folder: str) -> bool:
        if folder == "archive":
            return not stored.labels & set(_PLACES.values())
        return self._label(folder) in stored.labels

    def _flags(self, stored: Stored, folder: str) -> frozenset[str]:
        names = {name for item, name in self.mail.names.items() if item in stored.labels and name != folder}
        names |= {SEEN} if "UNREAD" not in stored.labels else set()
        names |= {FLAGGED} if "STARRED" in stored.labels else set()
        names |= {DRAFT} if "DRAFT" in stored.labels else set()
        return frozenset(names)


_FLAGS = {SEEN, FLAGGED, DRAFT, "answered"}
