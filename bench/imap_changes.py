"""What following a Dovecot mailbox costs: the first listing, a round without changes, rounds with some.

`python -m bench imap-changes` fills a fresh mailbox (five folders) on a Dovecot of its own and prints, per
round, milliseconds of the wall (p50) and of our CPU, round trips, and how long the cursor is.
"""

from bench.imap_list import FOLDERS, measured, run
from providers.base.collection import Delta
from providers.base.ports import MessageQuery
from providers.imap.provider import ImapSession
from tests.servers.dovecot import Dovecot, User


class Follower:
    """Asks until there is no more."""

    def __init__(self, session: ImapSession) -> None:
        self.session = session
        self.cursor: str | None = None
        self.last: list[Delta] = []

    async def follow(self) -> None:
        self.last = []
        while not self.last or self.last[-1].more:
            self.last.append(await self.session.messages.changes(None, self.cursor, MessageQuery()))
            self.cursor = self.last[-1].cursor

    def told(self) -> str:
        """How much the last round told."""
        changed, removed = (sum(len(getattr(one, name)) for one in self.last) for name in ("changed", "removed"))
        return f"{changed} changed, {removed} removed, {len(self.last)} deltas, cursor of {len(self.cursor or '')}"


async def bench(session: ImapSession, server: Dovecot, user: User) -> None:
    """All figures for one mailbox."""
    follower = Follower(session)

    async def round_(name: str, repeat: int = 1) -> None:
        await measured(name, repeat, follower.follow)
        print(f"{'':42} {follower.told()}")

    await session.ping()
    await round_("first listing")
    await round_("no change", 300)
    client = server.client(user)
    client.select_folder("INBOX")
    for number in range(3):
        client.add_flags([number + 1], rb"\Flagged")
        await round_("one flag")
    client.append(FOLDERS[1], b"Message-ID: <new@bench.example>\r\n\r\nnew\r\n")
    await round_("one new message")
    client.add_flags(client.search(), rb"\Seen")
    await round_("flags of one folder")
    client.delete_messages(client.search("1:200"))
    client.expunge()
    await round_("200 removed")
    client.logout()


def main() -> None:
    """Start, fill, measure."""
    run(bench)
