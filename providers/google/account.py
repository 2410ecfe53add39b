"""What the mail ports of one account share: calls, labels, messages as they are read."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from providers.base.errors import NotFound
from providers.base.ports import MessageView
from providers.base.provider import Mailbox
from providers.google import convert, payload
from providers.google.client import Client
from providers.google.labels import Labels
from providers.google.payload import Payload
from providers.google.requests import ME, Apis
from schemas.mail import BodyType, EmailMessage

_ID = re.compile(r"[0-9A-Za-z_-]{1,200}\Z")


class Account:
    """One Gmail mailbox."""

    def __init__(self, client: Client, mailbox: Mailbox) -> None:
        self.client, self.mailbox = client, mailbox
        self._labels: Labels | None = None

    @property
    def apis(self) -> Apis:
        return self.client.apis

    async def labels(self, ids: Iterable[str] = (), *, fresh: bool = False) -> Labels:
        """The labels; read again when one of `ids` is not among those known (there is no history of labels)."""
        if self._labels is None or fresh or not self._labels.knows(ids):
            answer = await self.client.call(self.apis.labels.list(userId=ME))
            self._labels = Labels(answer.get("labels", ()))
        return self._labels

    async def folder(self, item: str) -> Labels:
        """The labels, with this one among them. Raises `NotFound`."""
        labels = await self.labels()
        if item not in labels and item not in (labels := await self.labels(fresh=True)):
            raise NotFound(f"there is no folder {item[:80]!r}")
        return labels

    async def raw(self, item: str, form: str = "full") -> Mapping[str, Any]:
        """A message as Gmail has it. Raises `NotFound`."""
        found: Mapping[str, Any] = await self.client.call(self.apis.message(checked(item), form))
        return found

    async def gathered(self, ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """The messages that are still there, in that order."""
        wanted = [item for item in ids if _ID.match(item)]
        requests = [self.apis.message(item, "full") for item in wanted]
        found = await asyncio.gather(*(self.client.found(request) for request in requests))
        return [raw for raw in found if raw is not None]

    async def listed(self, raws: Sequence[Mapping[str, Any]], view: MessageView) -> list[EmailMessage]:
        """Messages as lists show them."""
        labels = await self.labels(item for raw in raws for item in raw.get("labelIds", ()))
        reads = [payload.read(raw.get("payload", {})) for raw in raws]
        texts: Sequence[convert.Texts] = [{}] * len(raws)
        if view.body_type is not None:
            wanted = (self._texts(raw["id"], read, view.body_type) for raw, read in zip(raws, reads, strict=True))
            texts = await asyncio.gather(*wanted)
        return [
            convert.listed(raw, read, labels, self.mailbox.email, view, text)
            for raw, read, text in zip(raws, reads, texts, strict=True)
        ]

    async def whole(self, raw: Mapping[str, Any], view: MessageView) -> EmailMessage:
        """A message with everything."""
        labels = await self.labels(raw.get("labelIds", ()))
        read = payload.read(raw.get("payload", {}))
        texts = await self._texts(raw["id"], read, None)
        inlines = await self._inlines(raw["id"], read, texts) if view.load_inlines else {}
        return convert.whole(raw, read, labels, self.mailbox.email, view, texts, inlines)

    async def content(self, item: str, read: Payload, section: str) -> bytes:
        """The decoded content of a part; its token is as old as `read`."""
        if section in read.data:
            return payload.decode(read.data[section])
        if (token := read.tokens.get(section)) is None:
            return b""
        answer = await self.client.call(self.apis.attachments.get(userId=ME, messageId=item, id=token))
        return payload.decode(answer.get("data", ""))

    async def _texts(self, item: str, read: Payload, kind: BodyType | None) -> dict[str, str]:
        """The texts of the renderings; of the text alone for `kind` text. A long one may have to be fetched."""
        plan = read.plan
        parts = dict.fromkeys(plan.text if kind is BodyType.TEXT else (*plan.html, *plan.text))
        contents = await asyncio.gather(*(self.content(item, read, part.section) for part in parts))
        return {part.section: read.text(part, content) for part, content in zip(parts, contents, strict=True)}

    async def _inlines(self, item: str, read: Payload, texts: Mapping[str, str]) -> dict[str, bytes]:
        shown = [one.id for one in convert.attachments(read, texts) if one.inline]
        contents = await asyncio.gather(*(self.content(item, read, section) for section in shown))
        return dict(zip(shown, contents, strict=True))


def checked(item: str, what: str = "message") -> str:
    """An id that can be one. Raises `NotFound` for others, which would name other resources."""
    if not _ID.match(item):
        raise NotFound(f"there is no {what} {item[:80]!r}")
    return item
