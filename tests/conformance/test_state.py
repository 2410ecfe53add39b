"""Read, keywords, archive, trash: what changes, and what the server has afterwards."""

import pytest

from providers.base.collection import Ref
from providers.base.errors import Invalid, NotFound
from providers.base.ports import MessageQuery
from schemas.mail import SysLabel, UpdateMessageStatusData
from tests.conformance.backends import ANSWERED, FLAGGED, SEEN, Subject
from tests.conformance.messages import folder_id, listed, only, source

pytestmark = pytest.mark.anyio
PORT = "messages"


async def test_read_and_unread(box: Subject) -> None:
    kept = {FLAGGED} if box.lacks("answered") else {FLAGGED, ANSWERED}
    await box.inject(source(), flags=list(kept))
    message = await only(box.session)
    updated = await box.session.messages.update(Ref(message.id), UpdateMessageStatusData(unread=False))
    assert (updated.id, SysLabel.UNREAD in updated.sys_labels) == (message.id, False)
    assert [truth.flags for truth in await box.truth("inbox")] == [{SEEN} | kept]
    updated = await box.session.messages.update(Ref(message.id), UpdateMessageStatusData(unread=True))
    assert SysLabel.UNREAD in updated.sys_labels
    assert [truth.flags for truth in await box.truth("inbox")] == [kept]


async def test_keywords_replace_the_set(box: Subject) -> None:
    await box.inject(source(), flags=[SEEN, "work", "later"])
    message = await only(box.session)
    assert set(message.keywords) == {"work", "later"}
    updated = await box.session.messages.update(Ref(message.id), UpdateMessageStatusData(keywords=["later", "urgent"]))
    assert set(updated.keywords) == {"later", "urgent"}
    assert [truth.flags for truth in await box.truth("inbox")] == [{SEEN, "later", "urgent"}]
    await box.session.messages.update(Ref(message.id), UpdateMessageStatusData(keywords=[]))
    assert [truth.flags for truth in await box.truth("inbox")] == [{SEEN}]
    assert not (await only(box.session)).keywords


@pytest.mark.parametrize("keyword", ["", "a\r\nb", "\x00"])
async def test_keywords_that_cannot_be(box: Subject, keyword: str) -> None:
    await box.inject(source(), flags=["kept"])
    message = await only(box.session)
    with pytest.raises(Invalid) as refused:
        await box.session.messages.update(Ref(message.id), UpdateMessageStatusData(keywords=["fine", keyword]))
    assert refused.value.path == "keywords.1"
    assert [truth.flags for truth in await box.truth("inbox")] == [{"kept"}]


async def test_nothing_to_change_changes_nothing(box: Subject) -> None:
    await box.inject(source(), flags=[FLAGGED, "work"])
    message = await only(box.session)
    assert (await box.session.messages.update(Ref(message.id), UpdateMessageStatusData())).id == message.id
    assert [truth.flags for truth in await box.truth("inbox")] == [{FLAGGED, "work"}]


async def test_archiving_and_back(box: Subject) -> None:
    original = source()
    await box.inject(original, flags=[FLAGGED, "work"])
    message = await only(box.session)
    archived = await box.session.messages.update(Ref(message.id), UpdateMessageStatusData(archived=True))
    assert SysLabel.INBOX not in archived.sys_labels
    assert [(truth.source, truth.flags) for truth in await box.truth("archive")] == [(original, {FLAGGED, "work"})]
    assert await box.truth("inbox") == []
    assert (await box.session.messages.get(Ref(archived.id))).id == archived.id  # the id returned is the one to use
    back = await box.session.messages.update(Ref(archived.id), UpdateMessageStatusData(archived=False, unread=False))
    assert SysLabel.INBOX in back.sys_labels
    assert await box.truth("archive") == []
    assert [truth.flags for truth in await box.truth("inbox")] == [{SEEN, FLAGGED, "work"}]


async def test_archiving_twice_is_as_once(box: Subject) -> None:
    await box.inject(source())
    message = await only(box.session)
    for _ in range(2):
        message = await box.session.messages.update(Ref(message.id), UpdateMessageStatusData(archived=True))
    assert len(await box.truth("archive")) == 1
    message = await only(box.session)
    expected = None if box.lacks("archive folder") else await folder_id(box.session, "Archive")
    assert message.folder_id == expected


async def test_the_owners_mark_decides_where_the_archive_is(box: Subject) -> None:
    await box.inject(source(), "Old/2026")
    mark = await folder_id(box.session, "Old/2026")
    session = await box.reopened(archive=mark)
    await box.inject(source("new"))
    [message] = await listed(session, parent=await folder_id(session, "inbox"))
    archived = await session.messages.update(Ref(message.id), UpdateMessageStatusData(archived=True))
    assert archived.folder_id == mark
    assert len(await box.truth("Old/2026")) == 2
    assert (await session.folders.well_known()).archive == mark


async def test_deleting_moves_to_the_trash_and_then_for_good(box: Subject) -> None:
    original = source()
    await box.inject(original, flags=[SEEN])
    message = await only(box.session)
    await box.session.messages.delete(Ref(message.id))
    assert [(truth.source, truth.flags) for truth in await box.truth("trash")] == [(original, {SEEN})]
    assert await box.truth("inbox") == []
    assert await listed(box.session) == []
    in_trash = await only(box.session, MessageQuery(include_trash_and_junk=True))
    assert SysLabel.TRASH in in_trash.sys_labels
    await box.session.messages.delete(Ref(in_trash.id))
    assert await box.truth("trash") == []
    with pytest.raises(NotFound):
        await box.session.messages.get(Ref(in_trash.id))
    with pytest.raises(NotFound):
        await box.session.messages.delete(Ref(in_trash.id))


async def test_deleting_one_leaves_the_others(box: Subject) -> None:
    for number in range(4):
        await box.inject(source(f"n{number}"))
    messages = {message.subject: message for message in await listed(box.session)}
    await box.session.messages.delete(Ref(messages["n1"].id))
    assert {message.subject for message in await listed(box.session)} == {"n0", "n2", "n3"}
    assert (await box.session.messages.get(Ref(messages["n2"].id))).subject == "n2"


@pytest.mark.parametrize("garbage", ["", "x", "é"])
async def test_changing_what_is_not_there(box: Subject, garbage: str) -> None:
    with pytest.raises(NotFound):
        await box.session.messages.update(Ref(garbage), UpdateMessageStatusData(unread=False))
