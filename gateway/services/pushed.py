"""What of one account its provider tells by calling, as whoever watches the account sees it."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

from gateway.identity import Account

Followed = tuple[str, str | None]  # port and parent of a stream
_MISSES = 2  # so often in a row a look found what no call had told: the channel is taken for dead


class Keeping(Protocol):
    """Whoever keeps channels (gateway/services/channel_keeping.py)."""

    async def covered(self, account: Account) -> Mapping[Followed, float]: ...
    def tells(self, account: Account) -> Collection[str]: ...
    def attend(self, account: Account) -> None: ...
    async def doubt(self, account: Account, followed: Followed) -> None: ...


class Pushed:
    """Remembers it between looks. Without anybody who keeps channels, nothing is told."""

    __slots__ = ("_ends", "_keeping", "_misses")

    def __init__(self, keeping: Keeping | None) -> None:
        self._keeping = keeping
        self._ends: dict[Followed, float] = {}  # loop time
        self._misses: dict[Followed, int] = {}

    async def look(self, account: Account, followed: Collection[Followed]) -> None:
        """Find out what is told of; what could be, and is not, is taken care of. Raises `Unavailable`."""
        if self._keeping is None:
            return
        now = asyncio.get_running_loop().time()
        self._ends = {one: now + left for one, left in (await self._keeping.covered(account)).items()}
        if self.lacks(account, followed):
            self._keeping.attend(account)

    def lacks(self, account: Account, followed: Collection[Followed]) -> bool:
        """Whether something of that could be told of, and is not, as far as we know."""
        ports = self._keeping.tells(account) if self._keeping is not None else ()
        return any(one[0] in ports and not self.left(one) for one in followed)

    def left(self, followed: Followed) -> float:
        """For how many seconds it is told of still; 0 for what is not."""
        return max(0.0, self._ends.get(followed, 0.0) - asyncio.get_running_loop().time())

    def told(self, followed: Collection[Followed]) -> None:
        """A call came."""
        for one in followed:
            self._misses.pop(one, None)

    async def missed(self, account: Account, followed: Followed) -> bool:
        """A look found what no call had told; whether the channel is taken for dead now. Raises `Unavailable`."""
        if self._keeping is None or not self.left(followed):
            return False
        self._misses[followed] = self._misses.get(followed, 0) + 1
        if self._misses[followed] < _MISSES:
            return False
        del self._misses[followed]
        await self._keeping.doubt(account, followed)
        return True
