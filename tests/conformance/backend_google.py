"""Gmail as the simulator has it; the truth is its own memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from providers.base.provider import Grant, ProviderSettings
from providers.google.provider import GoogleProvider
from tests.conformance.backends import DRAFT, FLAGGED, SEEN, Place, Truth
from tests.servers.google import gmail
from tests.servers.google.mailbox import Mail, Stored
from tests.servers.google.server import GoogleSimulator
from tests.servers.google.world import User

_PLACES = {"inbox": "INBOX", "sent": "SENT", "draft": "DRAFT", "trash": "TRASH", "junk": "SPAM"}


class GoogleBackend:
    """A fresh user for each mailbox."""

    full_bodies_in_lists = True
    refused_address = gmail.REFUSED
    lacks = frozenset(
        {"answered", "archive folder", "sent mark", "partial refusal", "identity", "merging threads", "substrings"}
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

    def read_only_calendar(self) -> str | None:
        return None

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
