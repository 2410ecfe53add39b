"""Conversations: by References, over all folders, with ids that last."""

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Invalid, NotFound
from providers.base.ports import MessageQuery, MessageView
from schemas.mail import BodyType, Omitted
from tests.conformance.backends import Subject
from tests.conformance.messages import at, eventually, listed, only, source

pytestmark = pytest.mark.anyio
PORT = "messages"

WITH_THREAD = MessageQuery(view=MessageView(require_thread_id=True), include_trash_and_junk=True)


def mail(name: str, *ancestors: str) -> bytes:
    """A message `<name@suite>` that answers the last of its ancestors, oldest first."""
    headers = {}
    if ancestors:
        headers["In-Reply-To"] = f"<{ancestors[-1]}@suite.example>"
        headers["References"] = " ".join(f"<{ancestor}@suite.example>" for ancestor in ancestors)
    return source(f"{'Re: ' if ancestors else ''}subject {name}", message_id=f"<{name}@suite.example>", headers=headers)


async def thread_of(box: Subject, name: str) -> str:
    """The thread id of a message, as soon as the provider knows it."""

    async def look() -> str | None:
        for message in await listed(box.session, WITH_THREAD):
            if message.internet_message_id == f"<{name}@suite.example>":
                return message.thread_id
        return None

    return await eventually(look)


async def members(box: Subject, thread_id: str, limit: int = 50, query: MessageQuery = MessageQuery()) -> list[str]:
    found, cursor = [], None
    while True:
        page = await box.session.messages.conversation(thread_id, query, PageRequest(cursor, limit))
        assert len(page.records) <= limit
        found.extend((record.internet_message_id or "")[1:].partition("@")[0] for record in page.records)
        if (cursor := page.cursor) is None:
            return found


async def test_oldest_first_over_all_folders(box: Subject) -> None:
    await box.inject(mail("a"), "inbox", received=at(1))
    await box.inject(mail("b", "a"), "sent", received=at(2))
    await box.inject(mail("c", "a", "b"), "Projects/Alpha", received=at(3))
    await box.inject(mail("d", "a", "b", "c"), "archive", received=at(4))
    await box.inject(mail("unrelated"), "inbox", received=at(5))
    thread = await thread_of(box, "a")
    assert await members(box, thread) == ["a", "b", "c", "d"]
    assert {await thread_of(box, name) for name in "bcd"} == {thread}
    assert await thread_of(box, "unrelated") != thread
    assert await members(box, thread, limit=1) == ["a", "b", "c", "d"]
    assert await members(box, thread, limit=4) == ["a", "b", "c", "d"]


async def test_siblings_without_their_parent(box: Subject) -> None:
    await box.inject(mail("b", "a"), received=at(2))
    await box.inject(mail("c", "a"), received=at(3))
    assert await thread_of(box, "b") == await thread_of(box, "c")


async def test_a_missing_parent_that_arrives_later_keeps_the_thread_id(box: Subject) -> None:
    await box.inject(mail("b", "a"), received=at(2))
    before = await thread_of(box, "b")
    await box.inject(mail("a"), received=at(9))
    assert await thread_of(box, "a") == before == await thread_of(box, "b")


async def test_when_threads_merge_the_older_id_stays_and_both_lead_there(box: Subject) -> None:
    if box.lacks("merging threads"):
        pytest.skip("threads never merge")
    await box.inject(mail("a"), received=at(1))
    first = await thread_of(box, "a")
    await box.inject(mail("x"), received=at(2))
    second = await thread_of(box, "x")
    assert first != second
    await box.inject(mail("z", "a", "x"), received=at(3))
    assert await thread_of(box, "z") == first == await thread_of(box, "x")
    assert await members(box, first) == ["a", "x", "z"]
    assert await members(box, second) == ["a", "x", "z"]


async def test_ids_are_the_same_in_a_new_session(box: Subject) -> None:
    await box.inject(mail("a"), received=at(1))
    await box.inject(mail("b", "a"), "sent", received=at(2))
    thread = await thread_of(box, "a")
    again = await box.reopened()
    page = await again.messages.conversation(thread, MessageQuery(), PageRequest())
    assert [record.thread_id for record in page.records] == [thread, thread]


async def test_the_thread_id_of_a_single_message(box: Subject) -> None:
    await box.inject(mail("a"))
    message = await only(box.session)
    whole = await box.session.messages.get(Ref(message.id), MessageView(require_thread_id=True))
    assert whole.thread_id == await thread_of(box, "a")


async def test_a_list_without_thread_ids_says_so(box: Subject) -> None:
    await box.inject(mail("a"))
    for message in await listed(box.session):
        assert (message.thread_id is None) == (Omitted.THREAD_ID in message.omitted)


async def test_trash_and_junk_are_left_out_unless_asked_for(box: Subject) -> None:
    await box.inject(mail("a"), received=at(1))
    await box.inject(mail("b", "a"), "trash", received=at(2))
    await box.inject(mail("c", "a"), "junk", received=at(3))
    thread = await thread_of(box, "a")
    assert await members(box, thread) == ["a"]
    assert await members(box, thread, query=MessageQuery(include_trash_and_junk=True)) == ["a", "b", "c"]


async def test_bodies_follow_the_rules_of_lists(box: Subject) -> None:
    await box.inject(mail("a"))
    view = MessageView(body_type=BodyType.TEXT)
    page = await box.session.messages.conversation(await thread_of(box, "a"), MessageQuery(view=view), PageRequest())
    [record] = page.records
    assert record.body_snippet == "Plain words."
    assert (record.body is None) == (Omitted.BODY in record.omitted)


async def test_messages_without_any_ids_stand_alone(box: Subject) -> None:
    for number in range(2):
        await box.inject(f"Subject: bare\r\nX-N: {number}\r\n\r\nwords\r\n".encode(), received=at(number))

    async def look() -> list[str]:
        found = [message.thread_id for message in await listed(box.session, WITH_THREAD)]
        return [thread for thread in found if thread] if None not in found else []

    assert len(set(await eventually(look))) == 2


async def test_a_loop_of_references_does_no_harm(box: Subject) -> None:
    await box.inject(mail("a", "b"), received=at(1))
    await box.inject(mail("b", "a"), received=at(2))
    assert await members(box, await thread_of(box, "a")) == ["a", "b"]


@pytest.mark.parametrize("garbage", ["", "x", "é", "A" * 3000, "\x00"])
async def test_a_thread_that_is_none(box: Subject, garbage: str) -> None:
    await box.inject(mail("a"))
    await thread_of(box, "a")
    with pytest.raises(NotFound):
        await box.session.messages.conversation(garbage, MessageQuery(), PageRequest())


async def test_a_cursor_that_is_none(box: Subject) -> None:
    await box.inject(mail("a"))
    thread = await thread_of(box, "a")
    with pytest.raises(Invalid) as refused:
        await box.session.messages.conversation(thread, MessageQuery(), PageRequest("garbage"))
    assert refused.value.path == "pageToken"
