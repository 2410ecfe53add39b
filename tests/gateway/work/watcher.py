"""A process of its own that watches accounts in memory and runs errands: `python -m tests.gateway.work.watcher
DATABASE_URL VAULT_KEY NAME TTL`. It says on its standard output what it does, and hears of news all the time."""

import asyncio
import signal
import sys
from pathlib import Path

import uvloop

from gateway.services.changelog import ChangeLog
from gateway.services.identity import Identity
from gateway.services.sessions import Sessions
from gateway.services.sources import Sources
from gateway.services.watching import Watching
from gateway.store.database import Database
from gateway.store.leases import Leases
from gateway.store.vault import Vault
from gateway.work.engine import Engine
from providers.base.provider import Hear, Listening, Mailbox, Notice, ProviderSettings, Session
from tests.gateway.services.mailbox_provider import MemorySession
from tests.gateway.services.memory_mail import MemoryMessages
from tests.gateway.services.telling_provider import MemoryListening, TellingProvider
from tests.gateway.work.ledger import Ledger

NEWS = 0.05  # seconds between two rounds of notices


def say(*words: object) -> None:
    print(*words, flush=True)


class SpokenListening(MemoryListening):
    async def close(self) -> None:
        say("close", self.mailbox.key)
        await super().close()


class SpokenProvider(TellingProvider):
    """Takes every password."""

    def check(self, login: str, password: str) -> None:
        pass

    async def open(self, mailbox: Mailbox) -> Session:
        session = await super().open(mailbox)
        assert isinstance(session, MemorySession)
        session.messages = _SpokenMessages(self, mailbox)
        return session

    async def listen(self, mailbox: Mailbox, hear: Hear) -> Listening:
        say("listen", mailbox.key)
        self.listening[mailbox.key].append(listening := SpokenListening(self, mailbox, hear))
        return listening

    async def give_news(self) -> None:
        while True:
            await asyncio.sleep(NEWS)
            for listening in [each for found in self.listening.values() for each in found]:
                listening.hear(Notice())


class _SpokenMessages(MemoryMessages):
    def __init__(self, provider: SpokenProvider, mailbox: Mailbox) -> None:
        super().__init__(provider.mail[mailbox.key])
        self.key = mailbox.key

    async def changes(self, *arguments: object, **options: object):  # type: ignore[no-untyped-def]
        say("changes", self.key)
        return await super().changes(*arguments, **options)  # type: ignore[arg-type]


async def main(url: str, key: str, name: str, ttl: float) -> None:
    database = Database(url)
    provider = SpokenProvider(ProviderSettings(Path()))
    identity = Identity(database)
    await identity.start()
    sessions = Sessions(dict.fromkeys(provider.services, provider), Vault([key]), database, identity)
    ledger = Ledger(database, "errand", who=name, takes=0.2)
    await ledger.setup()
    engine = Engine(database, [ledger.pump(every=0.5, at_once=2)])
    changelog = ChangeLog(database, told=engine.told)
    watching = Watching(Leases(database, name, ttl), sessions, changelog, Sources(sessions))
    identity.watch(watching.hear)
    identity.watch(engine.hear)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    news = asyncio.create_task(provider.give_news())
    await engine.start()
    await watching.start()
    say("ready")
    await stop.wait()
    news.cancel()
    await watching.close()
    await engine.close()
    await changelog.close()
    await sessions.close()
    await identity.close()
    await database.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:4], float(sys.argv[4])))
