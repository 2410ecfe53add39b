"""Over HTTP, on a real Dovecot: what happens to a mailbox behind our back, and which ids are good afterwards."""

import time
import urllib.error
from collections.abc import Iterator

import pytest

from tests.e2e.test_sync import Consumer
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway, wait_until


@pytest.fixture(scope="module")
def maildir(authority: Authority) -> Iterator[Dovecot]:
    """A Dovecot whose mailboxes can lose their UIDs."""
    with Dovecot(authority.issue(), mail_location="maildir:~/Maildir") as server:
        yield server


class Watcher(Consumer):
    """Remembers what it was told besides."""

    def __init__(self, gateway: Gateway, server: Dovecot, user: User) -> None:
        url = f"imaps://localhost:{server.imaps}"
        super().__init__(gateway, user.address, serviceType="IMAP", password=user.password, serverUrl=url)
        self.updates: list[str] = []
        self.removals: list[str] = []

    def round(self, branch: str) -> list[dict[str, str]]:
        records = super().round(branch)
        (self.updates if branch == "updated" else self.removals).extend(record["id"] for record in records)
        return records

    def get(self, item: str) -> dict[str, str] | None:
        try:
            found: dict[str, str] = self.call("GET", f"/v1/email/messages/{item}")
        except urllib.error.HTTPError as error:
            assert error.code in (404, 503), error.read()  # 503: Dovecot stumbles over a folder that it rebuilds
            return None
        return found

    def understands(self, ids: dict[str, str]) -> bool:
        """Whether all of these are found, and shown, as they were given out; it looks again."""
        self.follow()
        found = [self.get(item) for item in ids]
        return [(one["id"], one["subject"]) for one in found if one] == list(ids.items())


def folder(watcher: Watcher, name: str) -> str:
    records = watcher.call("GET", "/v1/email/folders")["records"]
    return next(str(record["id"]) for record in records if record["fullName"] == name)


def filled(gateway: Gateway, server: Dovecot, count: int) -> tuple[User, Watcher, dict[str, str]]:
    """A mailbox with so many messages, its watcher, and the ids that this has."""
    user = server.new_user()
    with server.client(user) as client:
        for number in range(count):
            client.append("INBOX", f"Message-ID: <{number}@names>\r\nSubject: mail {number}\r\n\r\nx".encode())
    watcher = Watcher(gateway, server, user)
    wait_until(lambda: len(watcher.follow()) == count, 60)
    watcher.updates.clear()
    return user, watcher, dict(watcher.know)


@pytest.mark.long  # a watched account may be looked at while a change is half done: then ids differ (docs/sync.md)
def test_moves_renamed_folders_and_rebuilt_ones(gateway: Gateway, maildir: Dovecot) -> None:
    user, watcher, known = filled(gateway, maildir, 6)
    by_subject = {subject: item for item, subject in known.items()}
    with maildir.client(user) as client:  # another program of the owner's
        client.create_folder("Work")
        time.sleep(2.0)  # the account is watched: a look that the new folder causes may see a move half done
        client.select_folder("INBOX")
        client.move([1, 2], "Work")
        client.add_flags([3], [b"\\Flagged"])
    changed = [by_subject[f"mail {number}"] for number in range(3)]
    wait_until(lambda: watcher.follow() and set(watcher.updates) == set(changed), 60)
    assert watcher.understands(known)
    assert watcher.get(changed[0])["folderId"] == folder(watcher, "Work")  # type: ignore[index]

    watcher.updates.clear()
    with maildir.client(user) as client:
        client.rename_folder("Work", "Projects")
        client.select_folder("Projects")
        client.add_flags([1], [b"\\Flagged"])
    wait_until(lambda: watcher.follow() and set(watcher.updates) == set(changed[:2]), 60)
    assert watcher.understands(known)
    assert watcher.get(changed[0])["folderId"] == folder(watcher, "Projects")  # type: ignore[index]

    watcher.updates.clear()
    maildir.rebuild(user)
    with maildir.client(user) as client:
        client.select_folder("INBOX")
        client.add_flags([1], [b"\\Seen"])
        client.append("INBOX", b"Message-ID: <new@names>\r\nSubject: news\r\n\r\nx")
    wait_until(lambda: reachable(watcher), 60)
    wait_until(lambda: "news" in watcher.follow().values() and watcher.understands(known), 60)
    [seen, news] = watcher.updates
    assert (seen in known, watcher.know[news]) == (True, "news")
    assert watcher.know == watcher.listed()
    assert {*known.items()} < {*watcher.know.items()}

    searched = watcher.call("GET", "/v1/email/messages?q=subject:mail&limit=100")["records"]
    assert {record["id"] for record in searched} == known.keys()
    assert watcher.removals == []
    for item in known:
        watcher.call("DELETE", f"/v1/email/messages/{item}")
        watcher.call("DELETE", f"/v1/email/messages/{wait_until(lambda item=item: trashed(watcher, item), 60)}")
    wait_until(lambda: watcher.follow() == {news: "news"}, 60)
    assert set(watcher.removals) == known.keys()
    later = Consumer.round(watcher, "updated")
    assert later == []


def reachable(watcher: Watcher) -> bool:
    """Whether the gateway has found the server again, which was away for a moment."""
    try:
        return bool(watcher.call("GET", "/v1/email/messages?limit=1"))
    except urllib.error.HTTPError as error:
        assert error.code == 503
        return False


def trashed(watcher: Watcher, item: str) -> str | None:
    """The id of a message that lies in the trash now, once the pull has found it."""
    watcher.follow()
    found = watcher.get(item)
    return item if found and "trash" in found["sysLabels"] else None


def test_what_we_move_ourselves_keeps_its_id_at_once(gateway: Gateway, maildir: Dovecot) -> None:
    _, watcher, known = filled(gateway, maildir, 2)
    [item, _] = known
    for archived in (True, False, True):
        watcher.call("POST", f"/v1/email/messages/{item}/status", {"archived": archived, "unread": not archived})
        shown = watcher.get(item)
        assert shown and shown["id"] == item
        assert watcher.listed() == known
        wait_until(lambda: watcher.follow() == known and item in watcher.updates, 60)
        watcher.updates.clear()
    assert watcher.removals == []
    thread = watcher.get(item)["threadId"]  # type: ignore[index]
    assert [record["id"] for record in watcher.call("GET", f"/v1/email/conversations/{thread}")["records"]] == [item]


@pytest.mark.long  # a watched account may be looked at while a change is half done: then ids differ (docs/sync.md)
def test_a_stream_that_is_made_later_shows_the_same_ids(gateway: Gateway, maildir: Dovecot) -> None:
    user, watcher, known = filled(gateway, maildir, 4)
    maildir.rebuild(user)
    wait_until(lambda: watcher.understands(known), 60)
    assert watcher.know == known
    with maildir.client(user) as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search()[:1])
        client.expunge()
    wait_until(lambda: len(watcher.follow()) == 3, 60)
    assert watcher.know == watcher.listed()
    since = wait_until(lambda: watcher._ready("?daysWithin=30"), 60)
    page = watcher.page("updated", deltaToken=since["syncUpdatedToken"])
    assert {record["id"] for record in page["records"]} == watcher.know.keys()
