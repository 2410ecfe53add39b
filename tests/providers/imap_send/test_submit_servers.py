"""Sent copies and drafts on IMAP servers that lack extensions, refuse, or hang up in the middle."""

from collections.abc import Callable, Iterator

import pytest

from providers.base import errors
from providers.base.collection import Ref
from providers.base.provider import ProviderSettings
from providers.imap.grant import Endpoint, Security
from tests.providers.imap_send.conftest import scripted
from tests.providers.imap_send.desk import Desk, outgoing, to
from tests.servers.dovecot import Dovecot, User
from tests.servers.scripted_imap import ScriptedImap, drop_after, refuse
from tests.servers.scripted_smtp import ScriptedSmtp

BARE = "IMAP4rev1 AUTH=PLAIN"
Open = Callable[[ScriptedImap], Desk]


@pytest.fixture
def smtp() -> Iterator[ScriptedSmtp]:
    with ScriptedSmtp() as server:
        yield server


@pytest.fixture
def open_on(smtp: ScriptedSmtp, dovecot: Dovecot, imap_settings: ProviderSettings) -> Iterator[Open]:
    """An account on a scripted IMAP server."""
    made: list[Desk] = []

    def make(server: ScriptedImap) -> Desk:
        imap = Endpoint(host="localhost", port=server.port, security=Security.PLAIN)
        made.append(Desk(User("me@example.test", "secret"), dovecot, scripted(smtp), imap_settings, imap=imap))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


@pytest.mark.parametrize("capabilities", [BARE, BARE + " LITERAL-", BARE + " LITERAL+ UIDPLUS"])
@pytest.mark.parametrize("size", [10, 500_000])
def test_copy_whatever_the_server_can(capabilities: str, size: int, open_on: Open) -> None:
    with ScriptedImap(capabilities=capabilities) as server:
        sent = open_on(server).send(to("ann@example.test", body="x" * 70 + "\n" + "line\n" * (size // 5)))
        [copy] = server.folders["Sent"].messages
    assert sent.id is not None
    assert copy.flags == {"\\Seen"}
    assert sent.message_id.encode() in copy.source


def test_copy_is_made_on_a_new_connection_when_the_first_breaks(open_on: Open) -> None:
    with ScriptedImap() as server:
        server.on("APPEND", drop_after(), times=1)
        sent = open_on(server).send(to("ann@example.test"))
        assert len(server.folders["Sent"].messages) == 1
    assert sent.notes == ()


@pytest.mark.parametrize("reply", [refuse("[OVERQUOTA] full"), refuse("[TOOBIG] no"), drop_after()])
def test_refused_copy_is_a_note(reply: object, open_on: Open, smtp: ScriptedSmtp) -> None:
    with ScriptedImap() as server:
        server.on("APPEND", reply)  # type: ignore[arg-type]
        sent = open_on(server).send(to("ann@example.test"))
    assert len(smtp.messages) == 1
    assert sent.id is None
    assert "copy in the sent folder is missing" in sent.notes[0]


def test_draft_without_uidplus(open_on: Open) -> None:
    """Only our own draft may go: where UID EXPUNGE is missing it stays, flagged, beside other people's deletions."""
    with ScriptedImap(capabilities=BARE) as server:
        desk = open_on(server)
        server.folders["Drafts"].add(b"Subject: another's\r\n\r\nbody\r\n", "\\Deleted")
        draft = desk.run(desk.session.drafts.create(None, outgoing(to("ann@example.test"))))
        desk.run(desk.session.drafts.delete(Ref(draft.id)))
        assert [message.flags for message in server.folders["Drafts"].messages] == [
            {"\\Deleted"},
            {"\\Deleted", "\\Draft", "\\Seen"},
        ]
        assert not [line for line in server.seen if "EXPUNGE" in line]
        with pytest.raises(errors.NotFound):
            desk.run(desk.session.drafts.get(Ref(draft.id)))


def test_sent_draft_that_cannot_be_removed_is_a_note(open_on: Open, smtp: ScriptedSmtp) -> None:
    with ScriptedImap() as server:
        desk = open_on(server)
        draft = desk.run(desk.session.drafts.create(None, outgoing(to("ann@example.test"))))
        server.on("UID STORE", refuse("[NOPERM] keep it"))
        sent = desk.run(desk.session.drafts.send(Ref(draft.id), "<a@example.test>"))
        assert len(server.folders["Sent"].messages) == 1
    assert len(smtp.messages) == 1
    assert "could not be removed" in sent.notes[0]


def test_refused_draft_is_an_error(open_on: Open) -> None:
    with ScriptedImap() as server:
        server.on("APPEND", refuse("[OVERQUOTA] full"))
        desk = open_on(server)
        with pytest.raises(errors.Denied, match="full"):
            desk.run(desk.session.drafts.create(None, outgoing(to("ann@example.test"))))
