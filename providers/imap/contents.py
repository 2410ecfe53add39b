"""Which messages a folder holds, and when each was received: a snapshot in 16 octets a message, changed by copying."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

_SHIFT = 32


@dataclass(frozen=True, slots=True)
class Contents:
    """Messages of one folder. `flags` are those read since `modseq` became current; None where nothing proves them."""

    uidvalidity: int
    uidnext: int = 1
    modseq: int = 0
    uids: "array[int]" = field(default_factory=lambda: array("I"))  # ascending
    times: "array[int]" = field(default_factory=lambda: array("I"))  # seconds since 1970, beside `uids`
    order: "array[int]" = field(default_factory=lambda: array("Q"))  # time << 32 | uid, ascending
    flags: dict[int, frozenset[str]] | None = None

    def __len__(self) -> int:
        return len(self.uids)

    def __contains__(self, uid: int) -> bool:
        place = bisect_left(self.uids, uid)
        return place < len(self.uids) and self.uids[place] == uid

    def time(self, uid: int) -> int | None:
        """When a message was received; None for one that is not here."""
        place = bisect_left(self.uids, uid)
        return self.times[place] if place < len(self.uids) and self.uids[place] == uid else None

    def has(self, time: int) -> bool:
        """Whether a message was received in this second."""
        place = bisect_left(self.order, key(time, 0))
        return place < len(self.order) and self.order[place] >> _SHIFT == time

    def at(self, uidnext: int, modseq: int) -> "Contents":
        """The same messages at a newer state of the folder; flags are kept while the counter stands still."""
        flags = self.flags if modseq == self.modseq and self.flags is not None else {}
        return replace(self, uidnext=uidnext, modseq=modseq, flags=flags if modseq else None)

    def adding(self, received: Mapping[int, int]) -> "Contents":
        """With further messages: UID -> time of receipt."""
        new = sorted(uid for uid in received if uid not in self)
        if not new:
            return self
        if self.uids and new[0] < self.uids[-1]:
            return self._of({**received, **dict(zip(self.uids, self.times, strict=True))})
        order = self.order + array("Q", sorted(key(received[uid], uid) for uid in new))
        if len(self) and order[len(self)] < order[len(self) - 1]:  # moved or imported: older than what is there
            order = array("Q", sorted(order))
        times = self.times + array("I", (received[uid] for uid in new))
        return replace(self, uids=self.uids + array("I", new), times=times, order=order)

    def keeping(self, uids: Iterable[int]) -> "Contents":
        """Without those that are not named."""
        kept = set(uids)
        return self._of({uid: time for uid, time in zip(self.uids, self.times, strict=True) if uid in kept})

    def newest(self, below: int) -> Iterator[tuple[int, int]]:
        """(time, uid) of the messages whose `order` is less than `below`, newest first."""
        order = self.order
        for place in range(bisect_left(order, below) - 1, -1, -1):
            yield order[place] >> _SHIFT, order[place] & 0xFFFFFFFF

    def _of(self, times: Mapping[int, int]) -> "Contents":
        uids = array("I", sorted(times))
        order = array("Q", sorted(key(time, uid) for uid, time in times.items()))
        return replace(self, uids=uids, times=array("I", (times[uid] for uid in uids)), order=order)


def key(time: int, uid: int) -> int:
    """The place of a message in `Contents.order`."""
    return time << _SHIFT | uid
