"""What the ports of a session share: the account, its lane, and transactions on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, TypeVar

from providers.base.collection import PageRequest
from providers.base.errors import Invalid
from providers.base.lane import Lane
from providers.base.provider import Mailbox
from providers.sandbox.box import Box
from providers.sandbox.cabinet import Cabinet, Kind
from providers.sandbox.client import Client

T = TypeVar("T")


class Port:
    """`number` is the account's in the SQLite file. Verbs are plain methods marked `@blocking`: they run on `lane`."""

    def __init__(self, client: Client, number: int, mailbox: Mailbox, lane: Lane) -> None:
        self.client, self.number, self.mailbox, self.lane = client, number, mailbox, lane

    @contextmanager
    def reading(self) -> Iterator[Box]:
        """The account as it is now."""
        with self.client.reading() as db:
            yield Box(db, self.number, self.mailbox.marks)

    @contextmanager
    def writing(self) -> Iterator[Box]:
        """The account, to be changed by nobody else meanwhile."""
        with self.client.writing() as db:
            yield Box(db, self.number, self.mailbox.marks)


class KeptPort(Port):
    """A port whose items are texts in the account's cabinet."""

    kind: ClassVar[Kind]

    @contextmanager
    def looking(self) -> Iterator[Cabinet]:
        """The texts as they are now."""
        with self.client.reading() as db:
            yield Cabinet(db, self.number, self.kind)

    @contextmanager
    def changing(self) -> Iterator[Cabinet]:
        """The texts, to be changed by nobody else meanwhile."""
        with self.client.writing() as db:
            yield Cabinet(db, self.number, self.kind)


def after(page: PageRequest) -> int:
    """The number of the last item of the page before, for lists in the order of creation. Raises `Invalid`."""
    if page.cursor is None:
        return 0
    if not (page.cursor.isascii() and page.cursor.isdigit() and len(page.cursor) < 18):
        raise Invalid("the page token is invalid: it names no position in a list", path="pageToken")
    return int(page.cursor)


def behind(items: list[T], ids: list[str], page: PageRequest) -> tuple[list[T], str | None]:
    """A page of a short list whose cursor is the id of the last item shown. Raises `Invalid`."""
    if page.cursor is not None and page.cursor not in ids:
        raise Invalid("the page token is invalid: it names nothing in the list", path="pageToken")
    start = ids.index(page.cursor) + 1 if page.cursor else 0
    end = start + page.limit
    return items[start:end], ids[end - 1] if len(items) > end else None
