"""What is Gmail's own: history that is forgotten, attachments by parts, labels, words."""

import base64

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import CursorExpired, NotFound
from providers.base.ports import MessageQuery
from providers.base.query import parse
from providers.google import payload
from schemas.mail import SysClassification, UpdateMessageStatusData
from tests.conformance.messages import at, listed, read, source
from tests.conformance.outgoing import outgoing
from tests.conformance.test_changes import Follower
from tests.providers.google.conftest import Desk

pytestmark = pytest.mark.anyio


async def test_forgotten_history_is_an_expired_cursor_and_the_listing_agrees(desk: Desk) -> None:
    one, two = (desk.mail.add(source(name), {"INBOX"}) for name in ("one", "two"))
    follower = Follower(desk.session)
    await follower.follow()
    known = dict(follower.known)
    desk.mail.change(one, {"STARRED"})
    desk.mail.remove(two.id)
    three = desk.mail.add(source("three"), {"INBOX"})
    desk.mail.floor = desk.mail.counter
    with pytest.raises(CursorExpired):
        await follower.follow()
    fresh = Follower(desk.session)
    assert await fresh.follow() == ({one.id, three.id}, set())
    assert fresh.known[one.id].version != known[one.id].version
    desk.mail.change(three, {"STARRED"})
    await fresh.follow()
    again = Follower(desk.session)
    await again.follow()
    assert again.known == fresh.known, "history and listing tell the same versions"


async def test_the_beginning_costs_no_look_at_messages(desk: Desk) -> None:
    for number in range(30):
        desk.mail.add(source(f"n{number}"), {"INBOX"})
    desk.google.calls.clear()
    await Follower(desk.session).follow()
    assert desk.calls("gmail.users.messages.get") == 0


async def test_an_edited_draft_is_another_message(desk: Desk) -> None:
    made = await desk.session.drafts.create(None, outgoing("a@example.org"))
    follower = Follower(desk.session)
    await follower.follow()
    changed = await desk.session.drafts.update(Ref(made.id), outgoing("b@example.org"))
    assert changed.id == made.id and changed.message.id != made.message.id
    assert await follower.follow() == ({changed.message.id}, {made.message.id})


async def test_what_came_and_went_between_two_looks_is_gone(desk: Desk) -> None:
    follower = Follower(desk.session)
    await follower.follow()
    short = desk.mail.add(source("short"), {"INBOX"})
    desk.mail.remove(short.id)
    assert await follower.follow() == (set(), {short.id})


async def test_an_attachment_has_an_id_that_stays(desk: Desk) -> None:
    text = (
        "--b\nContent-Type: text/plain\n\nwords\n--b\nContent-Type: application/pdf; name=a.pdf\n"
        "Content-Disposition: attachment; filename=a.pdf\nContent-Transfer-Encoding: base64\n\n"
        f"{base64.b64encode(b'PDF').decode()}\n--b--"
    )
    stored = desk.mail.add(source(text=text, content_type='multipart/mixed; boundary="b"'), {"INBOX"})
    ids = set()
    for _ in range(2):
        [found] = (await desk.session.messages.get(Ref(stored.id))).attachments
        ids.add(found.id)
    assert ids == {"1"}
    desk.google.plan("gmail.users.messages.attachments.get", 400, "invalidArgument")
    content = await desk.session.messages.attachment(Ref(stored.id), "1")
    assert await read(content) == b"PDF", "once more with a new token"


async def test_an_archived_message_lies_in_no_folder(desk: Desk) -> None:
    stored = desk.mail.add(source(), {"INBOX", "CATEGORY_SOCIAL"})
    record = await desk.session.messages.update(Ref(stored.id), UpdateMessageStatusData(archived=True))
    assert record.folder_id is None and record.sys_classifications == [SysClassification.SOCIAL]
    desk.mail.change(stored, {desk.mail.label("Work")})
    [record] = await listed(desk.session)
    assert (record.folder_id, record.keywords) == (desk.mail.label("Work"), ["Work"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("report", ["one"]),
        ("from:ann subject:one", ["one"]),
        ("repo", []),
        ('"quarterly report"', ["one"]),
        ("report OR pizza", ["two", "one"]),
        ("-report", ["two"]),
        ("-(report pizza)", ["two", "one"]),
    ],
)
async def test_words(desk: Desk, query: str, found: list[str]) -> None:
    desk.mail.add(source("one", "The quarterly report."), {"INBOX"}, int(at(0).timestamp() * 1000))
    desk.mail.add(source("two", "Pizza!", sender="bob@example.org"), {"INBOX"}, int(at(1).timestamp() * 1000))
    search = parse(query, now=at(5))
    assert [record.subject for record in await listed(desk.session, MessageQuery(search))] == found


async def test_a_message_that_goes_while_a_list_is_read_is_left_out(desk: Desk) -> None:
    for name in ("one", "two"):
        desk.mail.add(source(name), {"INBOX"})
    desk.google.plan("gmail.users.messages.get", 404, "notFound")
    page = await desk.session.messages.find(None, MessageQuery(), PageRequest())
    assert len(page.records) == 1
    with pytest.raises(NotFound):
        await desk.session.messages.get(Ref("18c0ffffffffffff"))


def test_parts_that_declare_little_are_read_like_all_others() -> None:
    for fields in (
        [("Content-Type", 'text/plain; charset="ISO-8859-1"; format=flowed'), ("Content-Transfer-Encoding", "8bit")],
        [("content-type", "text/calendar; method=REQUEST; name*=UTF-8''%C3%A9.ics")],
        [("Content-Type", "text/plain"), ("Content-Type", "text/plain; charset=x")],
        [],
    ):
        headers = [{"name": name, "value": value} for name, value in fields]
        part = {"partId": "1", "mimeType": "text/plain", "filename": "", "headers": headers, "body": {"size": 7}}
        nested = payload.read({"mimeType": "multipart/mixed", "parts": [part]}).root.children[0]
        assert nested == payload.read(part).root, fields
