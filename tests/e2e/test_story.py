"""The main job, told by an unmodified client generated from the contract, against real Dovecot and Postfix."""

import base64
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway
from tests.servers.postfix import Postfix


class Client:
    """The generated client with credentials: `api("MessagesApi")`."""

    def __init__(self, module: ModuleType, gateway: Gateway, **credentials: str) -> None:
        self.module = module
        base = f"http://127.0.0.1:{gateway.port}"
        self._client = module.ApiClient(module.Configuration(host=base, **credentials))

    def api(self, name: str) -> Any:
        return getattr(self.module, name)(self._client)

    def model(self, kind: str, /, **values: Any) -> Any:
        return getattr(self.module, kind).from_dict(values)


@pytest.fixture
def application(generated: ModuleType, gateway: Gateway) -> Client:
    client_id, _, secret = base64.b64decode(gateway.basic.partition(" ")[2]).decode().partition(":")
    return Client(generated, gateway, username=client_id, password=secret)


@pytest.fixture
def connect(
    application: Client, generated: ModuleType, gateway: Gateway, dovecot: Dovecot, postfix: Postfix
) -> Callable[[User], Client]:
    """Connect a mailbox with one admin call; a client that speaks for it."""

    def link(user: User) -> Client:
        body = application.model(
            "ApiAccountInDto",
            serviceType="IMAP",
            active=True,
            email=user.address,
            password=user.password,
            serverUrl=f"imaps://localhost:{dovecot.imaps}",
            serverInfo=f"smtp=localhost:{postfix.submissions}",
            clientOrgId="acme",
        )
        saved = application.api("AccountsApi").upsert_personal(body, ensure_access=True)
        assert saved.account_id
        return Client(generated, gateway, access_token=saved.access_token)

    return link


@pytest.fixture
def pair(dovecot: Dovecot, connect: Callable[[User], Client]) -> Iterator[tuple[Client, User, Client, User]]:
    ann, bob = dovecot.new_user(), dovecot.new_user()
    yield connect(ann), ann, connect(bob), bob


def eventually(check: Callable[[], Any], seconds: float = 20) -> Any:
    """The first true value of `check()`: mail takes a moment to arrive."""
    deadline = time.monotonic() + seconds
    while not (value := check()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)
    return value


def test_two_people_write_each_other(pair: tuple[Client, User, Client, User]) -> None:
    ann, ann_user, bob, bob_user = pair
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode()

    sent = ann.api("MessagesApi").send(
        ann.model(
            "OutgoingEmail",
            subject="Angebot für Köln – 見積もり",
            body='<p>Hello <b>Bob</b></p><img src="cid:logo">',
            to=[{"name": "Bob Ünlü", "address": bob_user.address}],
            bcc=[{"address": ann_user.address}],
            attachments=[
                {"name": "Übersicht.txt", "mimeType": "text/plain", "content": base64.b64encode(b"hello").decode()},
                {"name": "logo.png", "mimeType": "image/png", "inline": True, "contentId": "logo", "content": png},
            ],
        ),
        body_type="html",
        return_ids=True,
    )
    assert (sent.status, sent.processing_status) == ("Ok", "Ok")
    assert sent.id

    got = eventually(lambda: bob.api("MessagesApi").messages(q="subject:見積もり is:unread").records)[0]
    assert got.subject == "Angebot für Köln – 見積もり"
    assert got.internet_message_id == sent.submitted_message_id
    assert "body" in got.omitted
    message = bob.api("MessagesApi").message(got.id, load_inlines=True, require_thread_id=True)
    assert "Hello <b>Bob</b>" in message.body
    assert message.to[0].name == "Bob Ünlü"
    assert not message.bcc
    by_name = {item.name: item for item in message.attachments}
    assert by_name["logo.png"].inline
    assert by_name["logo.png"].content == png
    text = bob.api("MessagesApi").email_attachment(got.id, by_name["Übersicht.txt"].id)
    assert base64.b64decode(text.content) == b"hello"
    assert "Bcc" not in bob.api("MessagesApi").message_raw(got.id)

    answered = bob.api("MessagesApi").reply(got.id, bob.model("OutgoingEmailReply", body="Thank you"), body_type="text")
    assert answered.status == "Ok"
    reply = eventually(lambda: ann.api("MessagesApi").messages(q=f"from:{bob_user.address}").records)[0]
    assert reply.subject == "Re: Angebot für Köln – 見積もり"
    full = ann.api("MessagesApi").message(reply.id, body_type="text", require_thread_id=True)
    assert full.in_reply_to == sent.submitted_message_id
    assert full.body.strip() == "Thank you"
    conversation = ann.api("MessagesApi").conversation(full.thread_id).records
    assert {sent.submitted_message_id, full.internet_message_id} == {one.internet_message_id for one in conversation}


def test_filing_flagging_and_deleting(pair: tuple[Client, User, Client, User], dovecot: Dovecot) -> None:
    ann, ann_user, bob, _ = pair
    for number in range(3):
        bob.api("MessagesApi").send(
            bob.model("OutgoingEmail", subject=f"Note {number}", body="x", to=[{"address": ann_user.address}])
        )
    records = eventually(lambda: len(found := ann.api("MessagesApi").messages(q="subject:Note").records) == 3 and found)
    api, first, second = ann.api("MessagesApi"), records[0], records[1]

    api.update_message_status(first.id, ann.model("UpdateMessageStatusData", unread=False, keywords=["red", "later"]))
    changed = api.message(first.id)
    assert "unread" not in (changed.sys_labels or [])
    assert sorted(changed.keywords) == ["later", "red"]
    api.update_message_status(first.id, ann.model("UpdateMessageStatusData", archived=True))
    known = ann.api("EmailFoldersApi").well_known_folders()
    assert [one.subject for one in ann.api("EmailFoldersApi").folder_emails(known.archive).records] == [first.subject]

    api.delete_message(second.id)
    assert [one.subject for one in api.messages(q="in:trash").records] == [second.subject]
    assert second.subject not in [one.subject for one in api.messages().records]
    in_trash = api.messages(q="in:trash").records[0]
    api.delete_message(in_trash.id)
    assert api.messages(q="in:trash").records == []

    made = ann.api("EmailFoldersApi").create_folder(ann.model("EmailFolderCreate", name="Прое́кты & Söhne"))
    child = ann.api("EmailFoldersApi").create_folder(ann.model("EmailFolderCreate", name="2026", parentId=made.id))
    folders = {folder.id: folder for folder in ann.api("EmailFoldersApi").folders().records}
    assert folders[child.id].full_name == "Прое́кты & Söhne/2026"
    assert folders[child.id].parent_id == made.id
    with dovecot.client(ann_user) as truth:
        assert truth.folder_exists("Прое́кты & Söhne/2026")


def test_a_draft_is_written_replaced_and_sent(pair: tuple[Client, User, Client, User], dovecot: Dovecot) -> None:
    ann, ann_user, bob, bob_user = pair
    drafts = ann.api("DraftsApi")
    made = drafts.create_draft(ann.model("OutgoingEmail", subject="First", body="one"), body_type="text")
    assert drafts.get_draft(made.id, body_type="text").message.body.strip() == "one"
    replaced = drafts.update_draft(
        made.id,
        ann.model("OutgoingEmail", subject="Second", body="two", to=[{"address": bob_user.address}]),
        body_type="text",
    )
    answer = drafts.send_draft(replaced.id)
    assert answer.status == "Ok"
    got = eventually(lambda: bob.api("MessagesApi").messages(q="subject:Second").records)[0]
    assert bob.api("MessagesApi").message(got.id, body_type="text").body.strip() == "two"
    with dovecot.client(ann_user) as truth:
        truth.select_folder("Drafts")
        assert truth.search() == []
        truth.select_folder("Sent")
        assert len(truth.search(["SUBJECT", "Second"])) == 1


def test_administration(application: Client, pair: tuple[Client, User, Client, User]) -> None:
    ann, ann_user, *_ = pair
    accounts = application.api("AccountsApi")
    mine = ann.api("AccountApi").get_my_account(ping_provider=True)
    assert (mine.email, mine.token_status, mine.client_org_id) == (ann_user.address, "active", "acme")
    listed = accounts.get_accounts(client_org_id="acme", limit=1000)
    assert mine.id in [account.id for account in listed.records]
    assert accounts.get_account(mine.id).email == ann_user.address
    assert application.api("AccountsApi").get_application().name == "first"
    accounts.am_account_delete(mine.id)
    with pytest.raises(application.module.ApiException) as gone:
        accounts.get_account(mine.id)
    assert gone.value.status == 404
    with pytest.raises(application.module.ApiException) as out:
        ann.api("MessagesApi").messages()
    assert out.value.status == 401


@pytest.fixture
def planner(generated: ModuleType, gateway: Gateway) -> Client:
    bearer = gateway.link(serviceType="Sandbox", email="story@sandbox.test", password="x", serverInfo="empty")
    return Client(generated, gateway, access_token=bearer.removeprefix("Bearer "))


def test_a_week_is_planned(planner: Client) -> None:
    events, calendars = planner.api("EventsApi"), planner.api("CalendarsApi")
    [first, *_] = calendars.calendars().records
    assert first.primary
    when = {"start": {"dateTime": "2026-03-02T08:00:00Z"}, "end": {"dateTime": "2026-03-02T09:00:00Z"}}
    rules = {"recurrence": {"ical": {"rules": ["RRULE:FREQ=WEEKLY;COUNT=4"]}}}
    made = events.create_event("primary", planner.model("Event", subject="Weekly", **when, **rules))
    assert made.record.recurrence_type == "master"
    changed = events.update_event("primary", made.id, made.etag, planner.model("Event", subject="Changed", **when))
    assert changed.record.subject == "Changed" and changed.record.recurrence
    window = {"time_min": "2026-03-01T00:00:00Z", "time_max": "2026-04-01T00:00:00Z"}
    found = events.range("primary", **window)
    assert found.length == 4 and {one.subject for one in found.records} == {"Changed"}
    sync = planner.api("CalSyncApi")
    started = eventually(lambda: (got := sync.cal_sync_start("primary", **window)) and got.ready and got)
    page = sync.cal_sync_updated("primary", delta_token=started.sync_updated_token)
    assert [one.id for one in page.records] == [made.id] and page.next_delta_token
    events.delete_event("primary", made.id)
    assert events.list_events("primary").length == 0


def test_people_and_things_to_do(planner: Client) -> None:
    contacts, tasks = planner.api("ContactsApi"), planner.api("TasksApi")
    body = planner.model("Contact", name={"givenName": "Ann"}, emailAddresses=[{"address": "ann@example.org"}])
    made = contacts.create_contact(body)
    token = contacts.contact(made.id, include_update_token=True).meta.update_token
    assert contacts.update_contact(made.id, token, planner.model("Contact", notes="x")).record.notes == "x"
    contacts.delete_contact(made.id)
    assert contacts.list_contacts().length == 0
    task = tasks.create_task("default", planner.model("TaskCreate", title="Dig"))
    done = tasks.update_task("default", task.id, planner.model("TaskUpdate", status="completed"))
    assert done.record.status == "completed" and tasks.tasks_list("default").length == 1
