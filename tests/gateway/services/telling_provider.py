"""A provider in memory whose accounts have mail and tell of changes."""

import asyncio
from collections import defaultdict
from typing import ClassVar

from providers.base.errors import ProviderError, Unsupported
from providers.base.provider import Hear, Listening, Mailbox, Notice, ProviderSettings, Session
from tests.gateway.services.mailbox_provider import MemoryProvider, MemorySession
from tests.gateway.services.memory_mail import Mail, MemoryMessages


class MemoryListening(Listening):
    """Open until closed or lost."""

    def __init__(self, provider: "TellingProvider", mailbox: Mailbox, hear: Hear) -> None:
        self.provider, self.mailbox, self.hear = provider, mailbox, hear

    async def close(self) -> None:
        if self in self.provider.listening[self.mailbox.key]:
            self.provider.listening[self.mailbox.key].remove(self)


class TellingProvider(MemoryProvider):
    """`mail` and `listening` by account; without `pushes` accounts can only be polled; `refuse`: why nobody is told."""

    polling_floor: ClassVar[float] = 300.0

    def __init__(self, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.mail: dict[int, Mail] = defaultdict(Mail)
        self.listening: dict[int, list[MemoryListening]] = defaultdict(list)
        self.pushes = True
        self.refuse: ProviderError | None = None
        self.listens: list[float] = []  # when somebody asked to be told
        self.most = 0  # listeners that one account ever had at a time

    async def open(self, mailbox: Mailbox) -> Session:
        session = await super().open(mailbox)
        assert isinstance(session, MemorySession)
        session.messages = MemoryMessages(self.mail[mailbox.key], step=100)
        return session

    async def listen(self, mailbox: Mailbox, hear: Hear) -> Listening:
        self.listens.append(asyncio.get_running_loop().time())
        if not self.pushes:
            raise Unsupported("nobody is told")
        self.check(mailbox.grant["login"], mailbox.grant["password"])
        if self.refuse:
            raise self.refuse
        self.listening[mailbox.key].append(listening := MemoryListening(self, mailbox, hear))
        self.most = max(self.most, len(self.listening[mailbox.key]))
        return listening

    def put(self, account_id: int, item: str, text: str = "x") -> None:
        """Something arrives, and whoever listens is told."""
        self.mail[account_id].put(item, text)
        self.tell(account_id)

    def tell(self, account_id: int, error: ProviderError | None = None) -> None:
        """Give everybody who listens a notice."""
        for listening in list(self.listening[account_id]):
            listening.hear(Notice(error=error))

    def watched(self) -> set[int]:
        """Accounts with a listener."""
        return {account_id for account_id, found in self.listening.items() if found}
