"""The sandbox as the suite sees it; the truth is read through a client of our own on the same file."""

import asyncio
import itertools
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from providers.base.provider import Grant, ProviderSettings
from providers.sandbox.box import Box, Letter, Role
from providers.sandbox.cabinet import Cabinet, Kind
from providers.sandbox.client import Client
from providers.sandbox.provider import SandboxProvider
from schemas.accounts import ApiAccountInDto, ServiceType
from tests.conformance.backends import ANSWERED, DRAFT, FLAGGED, SEEN, Place, Truth


class SandboxBackend:
    """Mailboxes linked without mail."""

    full_bodies_in_lists = True
    refused_address = "bounce@sandbox.example"

    def __init__(self, settings: ProviderSettings) -> None:
        self.provider = SandboxProvider(settings)
        self.client = Client(settings.var_dir / "sandbox.sqlite3")
        self._numbers = itertools.count(1)

    def place(self) -> Place:
        address = f"s{next(self._numbers)}@sandbox.example"
        account = ApiAccountInDto(
            service_type=ServiceType.SANDBOX, active=True, email=address, password="any", server_info="empty"
        )
        linked = asyncio.run(self.provider.link(account, ensure_access=True))
        return SandboxPlace(self.client, address, linked.grant)


@dataclass(frozen=True)
class SandboxPlace:
    client: Client
    address: str
    grant: Grant

    def inject(self, source: bytes, folder: str, flags: Sequence[str], received: datetime) -> None:
        known = {SEEN, FLAGGED, ANSWERED, DRAFT}
        letter = Letter(
            source,
            received,
            **{flag: True for flag in flags if flag in known},
            keywords=tuple(flag for flag in flags if flag not in known),
        )
        with self.client.writing() as db:
            box = self._box(db)
            box.add(self._folder(box, folder), letter)

    def truth(self, folder: str) -> list[Truth]:
        with self.client.reading() as db:
            box = self._box(db)
            stored = list(box.newest([self._folder(box, folder)], None))
        return [
            Truth(
                item.source,
                frozenset(
                    [*item.keywords, *(flag for flag in (SEEN, FLAGGED, ANSWERED, DRAFT) if getattr(item, flag))]
                ),
                item.received,
            )
            for item in reversed(stored)
        ]

    def expunge(self, folder: str, source: bytes) -> None:
        with self.client.writing() as db:
            box = self._box(db)
            for item in list(box.newest([self._folder(box, folder)], None)):
                if item.source == source:
                    box.remove(item.id)

    def put_text(self, kind: str, parent: str | None, uid: str, text: bytes) -> None:
        with self.client.writing() as db:
            cabinet = self._cabinet(db, kind)
            shelf = parent or cabinet.standard().id
            known = cabinet.by_uid(shelf, uid)
            if known is not None:
                cabinet.put(known, text)
            else:
                cabinet.add(shelf, uid, text)

    def texts(self, kind: str, parent: str | None) -> list[bytes]:
        with self.client.reading() as db:
            return [entry.text for entry in self._cabinet(db, kind).entries(parent)]

    def remove_text(self, kind: str, parent: str | None, uid: str) -> None:
        with self.client.writing() as db:
            cabinet = self._cabinet(db, kind)
            known = cabinet.by_uid(parent or cabinet.standard().id, uid)
            assert known is not None
            cabinet.remove(known)

    def read_only_calendar(self) -> str | None:
        with self.client.reading() as db:
            [shared] = [shelf.id for shelf in self._cabinet(db, "events").shelves() if not shelf.writable]
        return shared

    def _cabinet(self, db: sqlite3.Connection, kind: str) -> Cabinet:
        return Cabinet(db, self._box(db).account, Kind(kind))

    def _box(self, db: sqlite3.Connection) -> Box:
        number = db.execute("SELECT id FROM account WHERE email = ?", (self.address,)).fetchone()["id"]
        return Box(db, number, {})

    def _folder(self, box: Box, name: str) -> str:
        if name in set(Role):
            return box.folder_for(Role(name))
        for folder in box.folders().values():
            if folder.path == name:
                return folder.id
        parent = None
        for step in name.split("/"):
            parent = box.add_folder(step, parent)
        return parent or ""
