"""IMAP on a real Dovecot and Postfix; the truth is read with imapclient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from imapclient import IMAPClient

from providers.base.provider import Grant, ProviderSettings
from providers.imap.provider import ImapProvider
from tests.conformance.backends import ANSWERED, DRAFT, FLAGGED, SEEN, Place, Truth
from tests.servers.dovecot import DOMAIN, Dovecot, User
from tests.servers.plugin import grant_of
from tests.servers.postfix import Postfix


class ImapBackend:
    """A fresh Dovecot user for each mailbox."""

    full_bodies_in_lists = False
    refused_address = f"refused-one@{DOMAIN}"

    def __init__(self, settings: ProviderSettings, dovecot: Dovecot, postfix: Postfix) -> None:
        self.provider = ImapProvider(settings)
        self.dovecot, self.postfix = dovecot, postfix

    def place(self) -> Place:
        user = self.dovecot.new_user()
        return ImapPlace(self.dovecot, user, user.address, grant_of(user, self.dovecot, self.postfix).model_dump())


_IMAP_FOLDERS = {
    "inbox": "INBOX",
    "sent": "Sent",
    "draft": "Drafts",
    "trash": "Trash",
    "junk": "Junk",
    "archive": "Archive",
}
_IMAP_FLAGS = {SEEN: b"\\Seen", FLAGGED: b"\\Flagged", ANSWERED: b"\\Answered", DRAFT: b"\\Draft"}
_FLAG_NAMES = {value.lower(): name for name, value in _IMAP_FLAGS.items()}


@dataclass(frozen=True)
class ImapPlace:
    dovecot: Dovecot
    user: User
    address: str
    grant: Grant

    def inject(self, source: bytes, folder: str, flags: Sequence[str], received: datetime) -> None:
        name = _IMAP_FOLDERS.get(folder, folder)
        with self.dovecot.client(self.user) as client:
            if not client.folder_exists(name):
                client.create_folder(name)
            client.append(name, source, [_IMAP_FLAGS.get(flag, flag) for flag in flags], received)

    def truth(self, folder: str) -> list[Truth]:
        with self.dovecot.client(self.user) as client:
            found = self._fetch(client, folder)
        return [
            Truth(
                data[b"BODY[]"],
                frozenset(
                    _FLAG_NAMES.get(flag.lower(), flag.decode()) for flag in data[b"FLAGS"] if flag != b"\\Recent"
                ),
                data[b"INTERNALDATE"],
            )
            for data in found.values()
        ]

    def expunge(self, folder: str, source: bytes) -> None:
        with self.dovecot.client(self.user) as client:
            for uid, data in self._fetch(client, folder, readonly=False).items():
                if data[b"BODY[]"] == source:
                    client.delete_messages([uid])
                    client.uid_expunge([uid])

    def _fetch(self, client: IMAPClient, folder: str, readonly: bool = True) -> dict[int, dict[bytes, object]]:
        name = _IMAP_FOLDERS.get(folder, folder)
        if not client.folder_exists(name):
            return {}
        client.select_folder(name, readonly=readonly)
        uids = client.search()
        return dict(sorted(client.fetch(uids, ["BODY.PEEK[]", "FLAGS", "INTERNALDATE"]).items())) if uids else {}
