"""The cursor of `changes`: what a consumer has been told of each folder. The adapter itself remembers nothing.

Text: a format mark, then JSON, deflated, in URL-safe base64. Ten thousand messages without gaps take about 300
characters; without CONDSTORE the version of every message is there too, which deflates to little as most are alike.
"""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from providers.base.errors import CursorExpired
from providers.imap.contents import Contents
from providers.imap.sets import compact, expand

_FORMAT = "i1"
_MOST = 64 * 1024 * 1024  # octets of JSON
_WIDTH = 8  # characters of a version
_UNKNOWN = "?" * _WIDTH


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a folder.

    Everything up to UID `uidnext` was, as it stood at `modseq` (0: the server keeps none, so `versions` has what was
    told of each message, one after the other). `count` messages were in the folder, told of or not; -1 where removals
    are still to be told. `uids` are those that the consumer has, as a set.
    """

    uidvalidity: int
    uidnext: int = 1
    modseq: int = 0
    count: int = 0
    uids: str = ""
    versions: str = ""

    def is_true_of(self, contents: Contents) -> bool:
        """Whether nothing can have changed since. Without CONDSTORE only an empty folder proves that."""
        proved = bool(contents.modseq) or not len(contents)
        now = (contents.uidvalidity, beyond(contents), contents.modseq, len(contents))
        return proved and (self.uidvalidity, self.uidnext, self.modseq, self.count) == now

    def messages(self) -> dict[int, str]:
        """UID -> version as it was told; "" where only `modseq` stands for it."""
        uids = expand(self.uids.encode("ascii", "replace"))
        if not self.versions:
            return dict.fromkeys(uids, "")
        starts = range(0, len(self.versions), _WIDTH)
        return {uid: self.versions[start : start + _WIDTH] for uid, start in zip(uids, starts, strict=True)}

    @classmethod
    def of(cls, contents: Contents, uidnext: int, count: int, messages: Mapping[int, str]) -> "Told":
        """That these messages were told of, at the state of `contents`."""
        uids = sorted(messages)
        versions = "" if contents.modseq else "".join(messages[uid] or _UNKNOWN for uid in uids)
        return cls(contents.uidvalidity, uidnext, contents.modseq, count, compact(uids).decode(), versions)


def beyond(contents: Contents) -> int:
    """The first UID that no message of a folder has: some may have come after its state was asked for."""
    return max(contents.uidnext, contents.uids[-1] + 1 if len(contents) else 1)


def encode(scope: str | None, told: Mapping[str, Told]) -> str:
    """The cursor of the stream of a folder, or of all of them (None)."""
    rows = [[name, *_fields(told[name])] for name in sorted(told)]
    data = json.dumps([scope, rows], ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return _FORMAT + urlsafe_b64encode(zlib.compress(data)).decode().rstrip("=")


def decode(scope: str | None, cursor: str | None) -> dict[str, Told]:
    """What was told, nothing when there is no cursor yet. Raises `CursorExpired` for one of another stream or none."""
    if cursor is None:
        return {}
    try:
        given, rows = json.loads(_inflated(cursor))
        found = {name: Told(*fields) for name, *fields in rows}
        if given != scope or not all(_is_sound(name, told) for name, told in found.items()):
            raise ValueError
    except (ValueError, TypeError, zlib.error, RecursionError):
        raise CursorExpired("the position is none of this mailbox") from None
    return found


def _fields(told: Told) -> Iterable[Any]:
    return (told.uidvalidity, told.uidnext, told.modseq, told.count, told.uids, told.versions)


def _inflated(cursor: str) -> bytes:
    if not cursor.startswith(_FORMAT):
        raise ValueError
    body = cursor.removeprefix(_FORMAT).encode("ascii")
    reader = zlib.decompressobj()
    data = reader.decompress(urlsafe_b64decode(body + b"=" * (-len(body) % 4)), _MOST)
    if not reader.eof:
        raise ValueError
    return data


def _is_sound(name: object, told: Told) -> bool:
    numbers = (told.uidvalidity, told.uidnext, told.modseq, told.count)
    texts = (name, told.uids, told.versions)
    if not (all(type(number) is int for number in numbers) and all(type(text) is str for text in texts)):
        return False
    return not told.versions or len(told.versions) == _WIDTH * len(expand(told.uids.encode("ascii", "replace")))
