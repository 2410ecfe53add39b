"""Messages over a dictionary, as a provider keeps them: with a change counter, and with a provider's bad habits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from providers.base.collection import Change, Delta, Ref
from providers.base.errors import CursorExpired, NotFound, ProviderError
from providers.base.ports import MessageQuery, Messages, MessageView
from schemas.mail import EmailMessage


@dataclass
class Mail:
    """What is stored: by id the version and the text, the kin, and the counter of every removal."""

    counter: int = 0
    epoch: int = 0  # cursors of an earlier one have expired
    present: dict[str, tuple[int, str]] = field(default_factory=dict)
    kin: dict[str, str] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)  # ids that cannot be read
    hidden: set[str] = field(default_factory=set)  # ids that are not found, for a moment
    empty_answers: int = 0  # so many next answers are those of a server that has just been started
    fail: ProviderError | None = None
    asked: int = 0  # how often for changes

    def put(self, item: str, text: str) -> None:
        self.counter += 1
        self.present[item] = self.counter, text
        self.kin.setdefault(item, f"kin {self.counter}")
        self.gone.pop(item, None)

    def remove(self, item: str) -> None:
        if self.present.pop(item, None):
            self.counter += 1
            self.gone[item] = self.counter
            del self.kin[item]

    def copy(self, item: str, name: str) -> None:
        """Put the same under a second id."""
        self.kin[name] = self.kin[item]
        self.put(name, self.present[item][1])

    def rename(self, names: dict[str, str]) -> None:
        """Call items otherwise, all removals before what comes for them."""
        texts = {item: (self.present[item][1], self.kin[item]) for item in names}
        for item in names:
            self.remove(item)
        for item, name in names.items():
            text, self.kin[name] = texts[item]
            self.put(name, text)

    def state(self) -> dict[str, str]:
        return {item: text for item, (_, text) in self.present.items()}


class MemoryMessages(Messages):
    """The port on it; `step` changes to a delta."""

    def __init__(self, mail: Mail, step: int = 3) -> None:
        self.mail, self.step = mail, step

    async def get(self, ref: Ref, view: MessageView = MessageView()) -> EmailMessage:
        if ref.id in self.mail.bad:
            raise ValueError(f"{ref.id} has no end")
        if ref.id not in self.mail.present or ref.id in self.mail.hidden:
            raise NotFound(f"there is no {ref.id}")
        return EmailMessage(id=ref.id, subject=self.mail.present[ref.id][1])

    async def get_many(
        self, parent: str | None, ids: Sequence[str], view: MessageView = MessageView()
    ) -> list[EmailMessage]:
        if self.mail.fail:
            raise self.mail.fail
        return await super().get_many(parent, ids, view)

    async def changes(self, parent: str | None, cursor: str | None, query: MessageQuery) -> Delta:
        mail = self.mail
        mail.asked += 1
        if mail.fail:
            raise mail.fail
        told, epoch = map(int, cursor.split(".")) if cursor else (0, mail.epoch)
        if epoch != mail.epoch:
            raise CursorExpired("that was before the server was set up anew")
        if mail.empty_answers:
            mail.empty_answers -= 1
            return Delta([], list(mail.present) if cursor else [], f"0.{mail.epoch}")
        news = [(version, item, True) for item, (version, _) in mail.present.items() if version > told]
        news += [(version, item, False) for item, version in mail.gone.items() if version > told]
        step = sorted(news)[: self.step]
        more = len(news) > len(step)
        changed = [self._change(item, version) for version, item, there in step if there]
        removed = [item for _, item, there in step if not there]
        return Delta(changed, removed, f"{step[-1][0] if more else mail.counter}.{mail.epoch}", more)

    def _change(self, item: str, version: int) -> Change:
        kin = self.mail.kin.get(item)
        return Change(item, str(version), "inbox", f"<{kin}@x>\x00", kin)
