"""A provider that can listen tells of everything that happens in a mailbox while it is listened to, and of no other."""

from datetime import UTC, datetime

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.ports import MessageQuery
from providers.base.provider import Provider
from schemas.mail import UpdateMessageStatusData
from tests.conformance.agenda import calendar, default_list, primary, vcard, vevent, vtodo
from tests.conformance.backends import Backend, Subject
from tests.providers.heard import Heard

pytestmark = pytest.mark.anyio
PORT = "messages"
SOURCE = b"From: a@example.org\r\nSubject: Hello\r\nMessage-ID: <heard@suite.example>\r\n\r\nWords\r\n"


@pytest.fixture(autouse=True)
def listens(backend: Backend) -> None:
    if type(backend.provider).listen is Provider.listen:
        pytest.skip("the provider does not tell of changes by itself")


async def test_what_happens_is_heard(backend: Backend, box: Subject, other: Subject) -> None:
    heard, elsewhere = Heard(), Heard()
    await other.inject(SOURCE)
    listening = await backend.provider.listen(box.mailbox, heard)
    second = await backend.provider.listen(other.mailbox, elsewhere)
    assert box.session.messages
    await box.inject(SOURCE, "archive")
    await heard.hint()
    await box.inject(SOURCE)
    await heard.hint()
    [record, *_] = (await box.session.messages.find(None, MessageQuery(), PageRequest())).records
    await box.session.messages.update(Ref(record.id), UpdateMessageStatusData(unread=False))
    await heard.hint()
    await box.expunge("archive", SOURCE)
    await heard.hint()
    assert elsewhere.hints == 0, "nobody else's mailbox changed"
    await listening.close()
    heard.hints = 0
    await other.inject(SOURCE, received=datetime.now(UTC))
    await box.inject(SOURCE)
    await elsewhere.hint()
    await second.close()
    assert (heard.hints, heard.errors, elsewhere.errors) == (0, [], [])


@pytest.mark.parametrize("kind", ["events", "contacts", "tasks"])
async def test_the_port_that_changed_is_named(backend: Backend, box: Subject, kind: str) -> None:
    if getattr(box.session, kind) is None:
        pytest.skip(f"the provider has no {kind}")
    heard = Heard()
    listening = await backend.provider.listen(box.mailbox, heard)
    parents = {"events": primary, "tasks": default_list}
    parent = await parents[kind](box) if kind in parents else None
    text = {"events": calendar(vevent("h@suite")), "contacts": vcard("h@suite", "H"), "tasks": vtodo("h@suite", "H")}
    await box.put_text(kind, parent, "h@suite", text[kind])
    await heard.hint()
    assert heard.ports == {kind}
    await box.remove_text(kind, parent, "h@suite")
    await heard.hint()
    await listening.close()
