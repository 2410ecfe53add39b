"""A process that books: `python -m tests.gateway.booking.claimants URL FOLDER APPLICATION PROFILES SEED`.

For each line on its standard input, a round's first slot, it starts visitors who book, hold, confirm and give up at
the same time, and answers with a line: what each of them was told.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import uvloop

from gateway.identity import Application
from gateway.services.booking.booking import Order
from gateway.services.booking.profile import Profile
from gateway.store.database import Database
from providers.base.errors import Denied, NotFound, ProviderError, Taken, Uncertain
from tests.gateway.booking.conftest import Practice, open_practice, wanted

VISITORS, SLOTS = 50, 6
STEP = timedelta(minutes=15)


async def main(url: str, folder: str, application: str, profiles: str, seed: str) -> None:
    database, chance = Database(url), random.Random(seed)
    async with open_practice(database, Path(folder)) as practice:
        practice.application = Application(int(application), "", "")
        loaded = [await practice.profiles.load_any(int(application), number) for number in json.loads(profiles)]
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            start = datetime.fromisoformat(line.strip())
            practice.faults.refuse.clear()
            practice.faults.lose.clear()
            told = await asyncio.gather(*(visit(practice, chance, loaded, start) for _ in range(VISITORS)))
            print(json.dumps(Counter(told)), flush=True)
    await database.close()


async def visit(practice: Practice, chance: random.Random, profiles: list[Profile], first: datetime) -> str:
    """What one visitor is told in the end."""
    profile, start = chance.choice(profiles), first + chance.randrange(SLOTS) * STEP
    order = Order(hold_minutes=5 if chance.random() < 0.4 else None)
    body = wanted(start, profile.rules().duration_minutes)
    if chance.random() < 0.05 and not practice.faults.refuse:
        practice.faults.refuse.append(chance.choice((Denied("no"), Uncertain("lost"))))
    if chance.random() < 0.05 and not practice.faults.lose:
        practice.faults.lose.append(Uncertain("lost"))
    try:
        made = await practice.booking.book(profile, body, order)
        if made.created:
            return "booked"
        meeting = await practice.meeting(made.reservation_id)
        if chance.random() < 0.3:
            await practice.booking.release(meeting)
            return "released"
        await practice.booking.confirm(meeting)
    except (Taken, NotFound, ProviderError) as error:
        return type(error).__name__
    return "booked"


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
