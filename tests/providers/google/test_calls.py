"""Tokens, repeats, quota and errors of single calls; above all that nothing is sent twice."""

import asyncio

import pytest

from providers.base.collection import PageRequest, Ref
from providers.base.errors import Denied, Invalid, RateLimited, Unauthorized, Unavailable, Uncertain
from providers.base.ports import MessageQuery
from schemas.mail import UpdateMessageStatusData
from tests.conformance.messages import source
from tests.conformance.outgoing import outgoing
from tests.providers.google.conftest import Desk

pytestmark = pytest.mark.anyio
SEND = "gmail.users.messages.send"
LIST = "gmail.users.messages.list"


async def test_a_refused_token_is_refreshed_once_and_the_read_repeated(desk: Desk) -> None:
    desk.tokens.token = "stale"
    desk.user.token = "another"
    await desk.session.messages.find(None, MessageQuery(), PageRequest())
    assert desk.tokens.refreshes == 1


async def test_a_fresh_token_that_is_refused_is_the_truth(desk: Desk) -> None:
    desk.google.plan(LIST, 401, "authError", times=5)
    with pytest.raises(Unauthorized) as refused:
        await desk.session.messages.find(None, MessageQuery(), PageRequest())
    assert (desk.tokens.refreshes, desk.calls(LIST), refused.value.final) == (1, 2, False)


async def test_a_grant_that_was_taken_back_is_final(desk: Desk) -> None:
    desk.google.world.dead.add(desk.user.email)
    desk.tokens.token = "stale"
    with pytest.raises(Unauthorized) as refused:
        await desk.session.ping()
    assert refused.value.final


@pytest.mark.parametrize(("status", "error"), [(500, Uncertain), (503, Uncertain), (0, Uncertain), (429, RateLimited)])
@pytest.mark.parametrize("after", [False, True])
async def test_a_send_is_never_repeated(desk: Desk, status: int, error: type[Exception], after: bool) -> None:
    if status == 429 and after:
        pytest.skip("a refusal comes before the deed")
    desk.google.plan(SEND, status, "backendError", after=after)
    with pytest.raises(error):
        await desk.session.messages.send(outgoing(desk.user.email))
    assert desk.calls(SEND) == 1
    assert len([one for one in desk.mail.messages.values() if "SENT" in one.labels]) == int(after)


async def test_a_send_whose_answer_was_lost_is_found_again(desk: Desk) -> None:
    message = outgoing(desk.user.email)
    desk.google.plan(SEND, 0, after=True)
    with pytest.raises(Uncertain):
        await desk.session.messages.send(message)
    found = await desk.session.messages.sent(message.message_id)
    assert found and found.id in desk.mail.messages


async def test_a_draft_is_never_sent_twice_either(desk: Desk) -> None:
    made = await desk.session.drafts.create(None, outgoing(desk.user.email))
    desk.google.plan("gmail.users.drafts.send", 503, "backendError", after=True)
    with pytest.raises(Uncertain):
        await desk.session.drafts.send(Ref(made.id), "<x@postroom.example>")
    assert desk.calls("gmail.users.drafts.send") == 1


async def test_a_large_message_goes_up_by_itself_and_keeps_its_thread(desk: Desk) -> None:
    stored = desk.mail.add(source("Question"), {"INBOX"})
    body = "words " * 1_000_000
    sent = await desk.session.messages.send(outgoing(desk.user.email, body=body, answers=Ref(stored.id)))
    assert sent.thread_id == stored.thread and sent.id in desk.mail.messages
    assert len(desk.mail.messages[sent.id].source) > 5_000_000
    made = await desk.session.drafts.create(None, outgoing(desk.user.email, body=body))
    assert len(desk.mail.draft(made.id).source) > 5_000_000


@pytest.mark.parametrize(
    ("status", "reason"), [(429, "rateLimitExceeded"), (403, "userRateLimitExceeded"), (503, "backendError"), (0, "")]
)
async def test_a_read_is_repeated(desk: Desk, status: int, reason: str) -> None:
    desk.google.plan(LIST, status, reason, headers={"Retry-After": "0"})
    page = await desk.session.messages.find(None, MessageQuery(), PageRequest())
    assert (list(page.records), desk.calls(LIST)) == ([], 2)


async def test_whoever_has_to_wait_long_is_told_so(desk: Desk) -> None:
    desk.google.plan(LIST, 429, "rateLimitExceeded", headers={"Retry-After": "77"})
    with pytest.raises(RateLimited) as limited:
        await desk.session.messages.find(None, MessageQuery(), PageRequest())
    assert (limited.value.retry_after, desk.calls(LIST)) == (77, 1)


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (403, "insufficientPermissions", Denied),
        (403, "domainPolicy", Denied),
        (403, "dailyLimitExceeded", RateLimited),
        (400, "invalidArgument", Invalid),
    ],
)
async def test_what_would_not_change_is_not_repeated(
    desk: Desk, status: int, reason: str, error: type[Exception]
) -> None:
    desk.google.plan(LIST, status, reason)
    with pytest.raises(error):
        await desk.session.messages.find(None, MessageQuery(), PageRequest())
    assert desk.calls(LIST) == 1


async def test_a_write_waits_for_quota_but_is_not_repeated_after_a_lost_answer(desk: Desk) -> None:
    stored = desk.mail.add(source(), {"INBOX", "UNREAD"})
    name = "gmail.users.messages.modify"
    desk.google.plan(name, 429, "rateLimitExceeded", headers={"Retry-After": "0"})
    await desk.session.messages.update(Ref(stored.id), UpdateMessageStatusData(unread=False))
    assert (desk.calls(name), "UNREAD" in stored.labels) == (2, False)
    desk.google.plan(name, 0, after=True)
    with pytest.raises(Uncertain):
        await desk.session.messages.update(Ref(stored.id), UpdateMessageStatusData(unread=True))
    assert desk.calls(name) == 3


async def test_a_broken_server_is_unavailable_in_the_end(desk: Desk) -> None:
    desk.google.plan(LIST, 503, "backendError", times=99, headers={"Retry-After": "0"})
    with pytest.raises(Unavailable):
        await desk.session.messages.find(None, MessageQuery(), PageRequest())
    assert desk.calls(LIST) == 4


async def test_many_at_once_refresh_as_one_waits(desk: Desk) -> None:
    for number in range(12):
        desk.mail.add(source(f"n{number}"), {"INBOX"})
    pages = await asyncio.gather(
        *(desk.session.messages.find(None, MessageQuery(), PageRequest(limit=5)) for _ in range(4))
    )
    assert {len(page.records) for page in pages} == {5}


async def test_gets_made_of_one_pattern_are_those_of_the_documents(desk: Desk) -> None:
    apis = desk.provider._apis
    for item, form in (("18c-x_Y", "full"), ("0123456789abcdef", "raw"), ("z", "full")):
        made, built = apis.message(item, form), apis.messages.get(userId="me", id=item, format=form)
        assert (made.uri, made.method, made.methodId, made.body) == (built.uri, "GET", built.methodId, None)
