"""Drafts: written, read, replaced, thrown away, sent."""

import pytest

from providers.base.collection import Ref
from providers.base.errors import Invalid, NotFound, TooLate
from providers.base.ports import MessageView
from schemas.mail import BodyType, EmailAddress, SysLabel
from tests.conformance.backends import DRAFT, SEEN, Subject
from tests.conformance.messages import listed, only, source
from tests.conformance.outgoing import Leaving, arrived, filed, outgoing, parsed

pytestmark = pytest.mark.anyio
PORT = "messages"


async def test_a_draft_is_kept_as_it_was_written(box: Subject) -> None:
    written = outgoing(
        EmailAddress(name="Dora", address="dora@example.net"),
        subject="Unfinished ü",
        body="<p>half a sen</p>",
        body_type=BodyType.HTML,
        bcc=[{"address": "hidden@example.net"}],
        keywords=["later"],
    )
    created = await box.session.drafts.create(None, written)
    assert created.id
    [truth] = await box.truth("draft")
    assert {SEEN, DRAFT, "later"} <= truth.flags
    draft = await box.session.drafts.get(Ref(created.id))
    assert draft.id == created.id
    assert draft.message.subject == "Unfinished ü"
    assert [(a.name, a.address) for a in draft.message.to] == [("Dora", "dora@example.net")]
    assert [a.address for a in draft.message.bcc] == ["hidden@example.net"]
    assert "half a sen" in draft.message.body
    assert SysLabel.DRAFT in draft.message.sys_labels
    assert SysLabel.UNREAD not in draft.message.sys_labels
    plain = await box.session.drafts.get(Ref(created.id), MessageView(body_type=BodyType.TEXT))
    assert plain.message.body.strip() == "half a sen"


async def test_a_draft_without_anything(box: Subject) -> None:
    created = await box.session.drafts.create(None, outgoing(subject=None, body=None))
    draft = await box.session.drafts.get(Ref(created.id), MessageView(body_type=BodyType.TEXT))
    assert not draft.message.to
    assert not (draft.message.body or "").strip()


async def test_drafts_are_messages_too(box: Subject) -> None:
    created = await box.session.drafts.create(None, outgoing("dora@example.net", subject="listed"))
    message = await only(box.session)
    assert SysLabel.DRAFT in message.sys_labels
    assert (await box.session.messages.get(Ref(message.id))).subject == "listed"
    assert (await box.session.drafts.get(Ref(message.id))).message.id == created.message.id


async def test_replacing(box: Subject) -> None:
    created = await box.session.drafts.create(None, outgoing("dora@example.net", subject="first"))
    replaced = await box.session.drafts.update(Ref(created.id), outgoing("dora@example.net", subject="second"))
    assert (await box.session.drafts.get(Ref(replaced.id))).message.subject == "second"
    assert [parsed(truth)["Subject"] for truth in await box.truth("draft")] == ["second"]
    if replaced.id != created.id:
        with pytest.raises(NotFound):
            await box.session.drafts.get(Ref(created.id))


async def test_throwing_away(box: Subject) -> None:
    created = await box.session.drafts.create(None, outgoing("dora@example.net"))
    kept = await box.session.drafts.create(None, outgoing("dora@example.net", subject="kept"))
    await box.session.drafts.delete(Ref(created.id))
    assert [message.subject for message in await listed(box.session)] == ["kept"]
    assert await box.truth("trash") == []
    with pytest.raises(NotFound):
        await box.session.drafts.get(Ref(created.id))
    assert (await box.session.drafts.get(Ref(kept.id))).id == kept.id


async def test_sending(box: Subject, other: Subject) -> None:
    written = outgoing(other.address, subject="Finished", bcc=[{"address": box.address}])
    created = await box.session.drafts.create(None, written)
    sent = await box.session.drafts.send(Ref(created.id), "<unused@postroom.example>")
    assert sent.message_id == written.message_id
    for receiver in (other, box):
        [received] = await arrived(receiver)
        assert received["Message-ID"] == written.message_id
        assert received["Subject"] == "Finished"
        assert received["Bcc"] is None
        assert received.get_content().strip() == "Words to send."
    copy = await filed(box)
    assert copy["Message-ID"] == written.message_id
    assert copy["Bcc"].addresses[0].addr_spec == box.address
    [truth] = await box.truth("sent")
    assert DRAFT not in truth.flags
    assert await box.truth("draft") == []
    with pytest.raises(NotFound):
        await box.session.drafts.get(Ref(created.id))


async def test_a_draft_of_another_program_without_message_id(box: Subject, other: Subject) -> None:
    bare = (
        f"From: {box.address}\r\nTo: {other.address}\r\nbCC: {box.address},\r\n {box.address}\r\n"
        "Subject: bare\r\nContent-Type: text/plain\r\n\r\nBcc: in the body stays\r\n"
    )
    await box.inject(bare.encode(), "draft", flags=[DRAFT, SEEN])
    draft = await only(box.session)
    sent = await box.session.drafts.send(Ref(draft.id), "<given@postroom.example>")
    assert sent.message_id == "<given@postroom.example>"
    [received] = await arrived(other)
    assert received["Message-ID"] == "<given@postroom.example>"
    assert received["Date"] is not None
    assert received["Bcc"] is None
    assert received.get_content().strip() == "Bcc: in the body stays"
    assert (await filed(box))["Message-ID"] == "<given@postroom.example>"
    assert await box.truth("draft") == []


async def test_a_draft_is_found_by_its_message_id(box: Subject, other: Subject) -> None:
    written = outgoing(other.address)
    assert await box.session.drafts.locate(written.message_id) is None
    created = await box.session.drafts.create(None, written)
    assert await box.session.drafts.locate(written.message_id) == created.id
    replaced = await box.session.drafts.update(Ref(created.id), outgoing(message_id=written.message_id))
    assert await box.session.drafts.locate(written.message_id) == replaced.id
    await box.session.messages.send(outgoing(other.address, message_id="<sent@suite.example>"))
    assert await box.session.drafts.locate("<sent@suite.example>") is None


async def test_a_draft_stays_when_the_caller_stops_it_from_leaving(box: Subject, other: Subject) -> None:
    created = await box.session.drafts.create(None, outgoing(other.address))
    stopped = Leaving(stop=True)
    with pytest.raises(TooLate):
        await box.session.drafts.send(Ref(created.id), "<x@postroom.example>", stopped)
    assert stopped.calls == 1
    assert (await box.session.drafts.get(Ref(created.id))).id == created.id
    went = Leaving()
    await box.session.drafts.send(Ref(created.id), "<x@postroom.example>", went)
    assert went.calls == 1
    await arrived(other)
    assert len(await other.truth("inbox")) == len(await box.truth("sent")) == 1


async def test_a_refused_draft_is_not_lost(box: Subject) -> None:
    created = await box.session.drafts.create(None, outgoing(box.backend.refused_address))
    with pytest.raises(Invalid):
        await box.session.drafts.send(Ref(created.id), "<x@postroom.example>")
    assert (await box.session.drafts.get(Ref(created.id))).id == created.id
    assert await box.truth("sent") == []


async def test_a_message_that_is_no_draft(box: Subject) -> None:
    await box.inject(source())
    message = await only(box.session)
    for verb in (
        box.session.drafts.get(Ref(message.id)),
        box.session.drafts.delete(Ref(message.id)),
        box.session.drafts.update(Ref(message.id), outgoing("dora@example.net")),
        box.session.drafts.send(Ref(message.id), "<x@postroom.example>"),
    ):
        with pytest.raises(NotFound):
            await verb
    assert len(await box.truth("inbox")) == 1


@pytest.mark.parametrize("garbage", ["", "x", "é", "A" * 3000])
async def test_a_draft_that_is_none(box: Subject, garbage: str) -> None:
    with pytest.raises(NotFound):
        await box.session.drafts.get(Ref(garbage))
    with pytest.raises(NotFound):
        await box.session.drafts.delete(Ref(garbage))
