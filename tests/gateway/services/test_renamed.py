"""The ids that callers know on one side, the provider's on the other."""

import inspect
from typing import Any

import pytest

from gateway.services.renamed import Names, RenamedDrafts, RenamedMessages, RenamedSession
from gateway.services.sources import Sources
from gateway.store.aliases import Aliases
from providers.base.collection import Page, PageRequest, Ref
from providers.base.errors import NotFound
from providers.base.ports import Drafts, MessageQuery, Messages, MessageView
from providers.base.provider import Mailbox, Session
from schemas.mail import EmailMessage, UpdateMessageStatusData
from tests.gateway.services.conftest import House
from tests.gateway.services.followers import change_log, new_account
from tests.gateway.services.mailbox_provider import MemorySession
from tests.gateway.services.memory_mail import Mail, MemoryMessages

pytestmark = pytest.mark.anyio


class Filing(MemoryMessages):
    """Files a message under another name, as IMAP does, and lists what there is."""

    async def find(self, parent: str | None, query: MessageQuery, page: PageRequest) -> Page[EmailMessage]:
        return Page([await self.get(Ref(item)) for item in sorted(self.mail.present)], "more")

    async def update(self, ref: Ref, patch: UpdateMessageStatusData, etag: str | None = None) -> EmailMessage:
        self.mail.rename({ref.id: f"filed {ref.id}"})
        return await self.get(Ref(f"filed {ref.id}"))


class MailSession(MemorySession):
    """With mail."""

    mail: Mail

    @property
    def messages(self) -> Messages:  # type: ignore[override]
        return Filing(self.mail)


@pytest.fixture
def mail() -> Mail:
    mail = Mail()
    for item in ("a", "b"):
        mail.put(item, f"text of {item}")
    return mail


@pytest.fixture
def mailing(house: House, mail: Mail, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose provider has this mail."""

    async def opened(mailbox: Mailbox) -> Session:
        return MailSession(house.provider, mailbox)

    monkeypatch.setattr(MailSession, "mail", mail, raising=False)
    monkeypatch.setattr(house.provider, "open", opened)
    return house


@pytest.fixture
async def names(house: House) -> Names:
    return Names(Aliases(house.database), await new_account(house.database, house.application.id))


@pytest.mark.parametrize(("view", "port"), [(RenamedMessages, Messages), (RenamedDrafts, Drafts)])
def test_no_verb_is_passed_by(view: type, port: type) -> None:
    """A verb that is added to a port has to be added to its view, or else nobody has it."""
    offered = {name for name in dir(port) if inspect.iscoroutinefunction(getattr(port, name)) and name[0] != "_"}
    apart = {"find", "get_many", "changes"} if port is Drafts else set()
    assert offered - apart <= vars(view).keys()


async def test_without_renames_nothing_is_asked(mail: Mail) -> None:
    """The tables are not even there."""
    port = RenamedMessages(Filing(mail), Names(Aliases(None), 0, known=False))  # type: ignore[arg-type]
    assert [record.id for record in (await port.find(None, MessageQuery(), PageRequest())).records] == ["a", "b"]
    assert (await port.get(Ref("a"))).id == "a"
    assert [record.id for record in await port.get_many(None, ["b", "x", "a"])] == ["b", "a"]


async def test_what_was_moved_keeps_its_id(mail: Mail, names: Names) -> None:
    port = RenamedMessages(Filing(mail), names)
    for _ in range(2):
        assert (await port.update(Ref("a"), UpdateMessageStatusData())).id == "a"
    assert mail.state() == {"b": "text of b", "filed filed a": "text of a"}
    for item in ("a", "filed a", "filed filed a"):
        assert (await port.get(Ref(item))).id == "a"
    found = await port.find(None, MessageQuery(), PageRequest())
    assert ([record.id for record in found.records], found.cursor) == (["b", "a"], "more")
    many = await port.get_many(None, ["filed a", "gone", "b"])
    assert [(record.id, record.subject) for record in many] == [("a", "text of a"), ("b", "text of b")]
    with pytest.raises(NotFound):
        await port.get(Ref("gone"))


async def test_ids_mean_nothing_in_another_account(house: House, mail: Mail, names: Names) -> None:
    await RenamedMessages(Filing(mail), names).update(Ref("a"), UpdateMessageStatusData())
    other = Names(names.aliases, await new_account(house.database, house.application.id))
    assert (await other.one("a")).native == "a"
    assert (await Names(names.aliases, names.account_id, "events").one("a")).native == "a"


async def test_a_server_that_was_set_back_is_asked_for_the_former_name(mail: Mail, names: Names) -> None:
    """Before a pull has found it out."""
    port = RenamedMessages(Filing(mail), names)
    await port.update(Ref("a"), UpdateMessageStatusData())
    mail.rename({"filed a": "a"})
    assert (await port.get(Ref("a"))).id == "a"
    assert [record.id for record in await names.read(lambda ids: Filing(mail).get_many(None, ids), ["b", "a"])] == [
        "b",
        "a",
    ]


async def test_a_log_reads_under_the_ids_that_it_asked_for(mail: Mail, names: Names) -> None:
    """Also where two ids mean the same message, since two streams met it at different times."""
    await RenamedMessages(Filing(mail), names).update(Ref("a"), UpdateMessageStatusData())
    port = Filing(mail)

    async def read(ids: Any) -> list[EmailMessage]:
        return await port.get_many(None, ids)

    assert [record.id for record in await names.read(read, ["filed a", "gone", "a", "b"])] == ["filed a", "a", "b"]


async def test_the_first_rename_is_known_at_once(mailing: House, mail: Mail) -> None:
    account = await mailing.account(saved := await mailing.link())
    assert not account.renamed
    async with mailing.sessions.use(account) as session:
        assert isinstance(session, RenamedSession)
        assert session.messages
        await session.messages.update(Ref("a"), UpdateMessageStatusData())
    account = await mailing.account(saved)
    assert account.renamed
    async with mailing.sessions.use(account) as session:
        assert session.messages
        assert (await session.messages.get(Ref("a"), MessageView())).subject == "text of a"
        assert await session.access_token() == f"token of {account.email}"
    async with mailing.sessions.native(account) as session:
        assert session.messages
        with pytest.raises(NotFound):
            await session.messages.get(Ref("a"))


async def test_a_pull_that_renames_shows_known_ids_in_the_same_request(mailing: House, mail: Mail) -> None:
    """The account of the request is older than its first alias."""
    account = await mailing.account(await mailing.link())
    log, sources = change_log(mailing.database), Sources(mailing.sessions)
    stream = await log.find_or_create(account.id, "messages", None, {})
    stream = await log.start(stream, sources.open(account, stream))
    mail.rename({"a": "c"})
    mail.put("c", "changed")
    stream = await log.refresh(stream, sources.open(account, stream))
    async with sources.open(account, stream)() as source:
        assert [(record.id, record.subject) for record in await source.read(["a", "b"])] == [
            ("a", "changed"),
            ("b", "text of b"),
        ]
    await log.close()
