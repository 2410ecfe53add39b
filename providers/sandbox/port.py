"""What the three ports of a session share: the account, its lane, and transactions on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from providers.base.lane import Lane
from providers.base.provider import Mailbox
from providers.sandbox.box import Box
from providers.sandbox.client import Client


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
