"""Lists: their order, their pages, what they cover."""

import pytest

from providers.base.collection import PageRequest
from providers.base.errors import Invalid, NotFound
from providers.base.ports import MessageQuery
from tests.conformance.backends import Subject
from tests.conformance.messages import at, folder_id, listed, source

pytestmark = pytest.mark.anyio
PORT = "messages"


def subjects(records) -> list[str]:
    return [record.subject for record in records]


async def fill(box: Subject, count: int, folder: str = "inbox") -> None:
    for number in range(count):
        await box.inject(source(f"n{number}"), folder, received=at(number))


async def test_an_empty_mailbox_has_an_empty_last_page(box: Subject) -> None:
    page = await box.session.messages.find(None, MessageQuery(), PageRequest())
    assert (list(page.records), page.cursor) == ([], None)


async def test_newest_received_first_whatever_the_order_of_arrival(box: Subject) -> None:
    for number in (3, 1, 2):
        await box.inject(source(f"n{number}"), received=at(number))
    await box.inject(source("other"), "archive", received=at(2.5))
    assert subjects(await listed(box.session)) == ["n3", "other", "n2", "n1"]


async def test_pages_cover_everything_once_and_the_last_has_no_cursor(box: Subject) -> None:
    await fill(box, 7)
    for limit in (1, 2, 3, 7, 8):
        assert subjects(await listed(box.session, limit=limit)) == [f"n{number}" for number in range(6, -1, -1)]
    page = await box.session.messages.find(None, MessageQuery(), PageRequest(limit=7))
    assert page.cursor is None


async def test_messages_received_in_the_same_moment_are_listed_once_each(box: Subject) -> None:
    for number in range(5):
        await box.inject(source(f"n{number}"), "inbox" if number % 2 else "archive", received=at(0))
    assert sorted(subjects(await listed(box.session, limit=2))) == [f"n{number}" for number in range(5)]


async def test_arrivals_and_deletions_between_pages_neither_repeat_nor_skip(box: Subject) -> None:
    kept = [source(f"n{number}") for number in range(8)]
    for number, message in enumerate(kept):
        await box.inject(message, received=at(number))
    first = await box.session.messages.find(None, MessageQuery(), PageRequest(limit=3))
    assert subjects(first.records) == ["n7", "n6", "n5"]
    await box.inject(source("new"), received=at(100))
    await box.expunge("inbox", kept[7])  # shown already
    await box.expunge("inbox", kept[5])  # the one that the cursor stands at
    await box.expunge("inbox", kept[3])  # not shown yet
    second = await box.session.messages.find(None, MessageQuery(), PageRequest(first.cursor, 3))
    assert subjects(second.records) == ["n4", "n2", "n1"]
    third = await box.session.messages.find(None, MessageQuery(), PageRequest(second.cursor, 3))
    assert (subjects(third.records), third.cursor) == (["n0"], None)


@pytest.mark.parametrize("cursor", ["garbage", "1", "..", "\x00", "é" * 40, "-", "1.2.3.4.5", "9" * 60])
async def test_a_cursor_that_is_none_is_refused(box: Subject, cursor: str) -> None:
    await fill(box, 1)
    with pytest.raises(Invalid) as refused:
        await box.session.messages.find(None, MessageQuery(), PageRequest(cursor))
    assert refused.value.path == "pageToken"


async def test_trash_and_junk_are_left_out_unless_asked_for(box: Subject) -> None:
    for number, folder in enumerate(("inbox", "trash", "junk", "sent", "archive", "draft", "Projects/Alpha")):
        await box.inject(source(folder), folder, received=at(number))
    assert subjects(await listed(box.session)) == ["Projects/Alpha", "draft", "archive", "sent", "inbox"]
    everything = await listed(box.session, MessageQuery(include_trash_and_junk=True))
    assert subjects(everything) == ["Projects/Alpha", "draft", "archive", "sent", "junk", "trash", "inbox"]


@pytest.mark.parametrize("folder", ["inbox", "trash", "Projects/Alpha"])
async def test_the_list_of_a_folder_has_what_lies_in_it(box: Subject, folder: str) -> None:
    await fill(box, 3, folder)
    await box.inject(source("elsewhere"), "sent", received=at(10))
    parent = await folder_id(box.session, folder)
    records = await listed(box.session, parent=parent, limit=2)
    assert subjects(records) == ["n2", "n1", "n0"]
    assert {record.folder_id for record in records} == {parent}


@pytest.mark.parametrize("parent", ["nowhere", "", "SU5CT1h4", "é"])
async def test_the_list_of_a_folder_that_is_none(box: Subject, parent: str) -> None:
    with pytest.raises(NotFound):
        await box.session.messages.find(parent, MessageQuery(), PageRequest())


async def test_another_accounts_folder_is_not_found(box: Subject, other: Subject) -> None:
    await other.inject(source(), "Theirs/Only")
    with pytest.raises(NotFound):
        await box.session.messages.find(await folder_id(other.session, "Theirs/Only"), MessageQuery(), PageRequest())


async def test_a_second_session_sees_the_same_list(box: Subject) -> None:
    await fill(box, 5)
    first = await box.session.messages.find(None, MessageQuery(), PageRequest(limit=2))
    again = await box.reopened()
    second = await again.messages.find(None, MessageQuery(), PageRequest(first.cursor, 2))
    assert subjects(second.records) == ["n2", "n1"]
    assert [record.id for record in await listed(again)] == [record.id for record in await listed(box.session)]
