"""Listening to servers that lack what others have, that misbehave, or that fall silent."""

import socket
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base.errors import RateLimited, Timeout, Unavailable, Unsupported
from providers.base.provider import Listening, Mailbox, Notice, ProviderSettings
from providers.imap.grant import Endpoint, Security
from providers.imap.listening import routines, sweep
from providers.imap.listening.channel import Channel
from providers.imap.listening.hints import Hints
from providers.imap.listening.splitter import MAX_RESPONSE, Splitter
from providers.imap.provider import ImapProvider
from providers.imap.wire import Line, Lost
from tests.providers.heard import Heard
from tests.providers.imap.conftest import mail, scripted_grant
from tests.servers.certificates import Authority
from tests.servers.imap_conversation import Conversation, Gone, Reply
from tests.servers.imap_mailbox import Folder
from tests.servers.imap_tokens import Token
from tests.servers.scripted_imap import CAPABILITIES, ScriptedImap, answer, bye, refuse

pytestmark = pytest.mark.anyio
IDLE = CAPABILITIES + " IDLE"
NOTIFY = IDLE + " NOTIFY CONDSTORE ENABLE"


def saying(*pieces: bytes) -> Reply:
    """Enter IDLE with these octets, each in a write of its own; then wait for DONE."""

    def reply(talk: Conversation, tag: str, _: list[Token]) -> None:
        for piece in pieces:
            talk.write(piece)
        if talk.commands.line() != b"DONE":
            raise Gone
        talk.send(f"{tag} OK done")

    return reply


@pytest.fixture
async def provider(imap_settings: ProviderSettings, anyio_backend: str) -> AsyncIterator[ImapProvider]:
    opened = ImapProvider(imap_settings)
    yield opened
    await opened.close()


async def listen(provider: ImapProvider, server: ScriptedImap, heard: Heard) -> Listening:
    grant = scripted_grant(server)
    if server.tls:
        endpoint = Endpoint(host="localhost", port=server.port, security=Security.TLS)
        grant = grant.model_copy(update={"imap": endpoint})
    return await provider.listen(Mailbox(1, 1, "me@example.test", grant.model_dump()), heard)


def with_condstore(server: ScriptedImap) -> ScriptedImap:
    server.on("ENABLE", answer("* ENABLED CONDSTORE", "{tag} OK"))
    return server


def count(server: ScriptedImap, command: str) -> int:
    return sum(line.startswith(command) for line in server.seen)


async def test_a_server_that_tells_nothing_is_polled(provider: ImapProvider, scripted: ScriptedImap) -> None:
    with pytest.raises(Unsupported):
        await listen(provider, scripted, Heard())
    assert provider._hosts.budget(scripted_grant(scripted))._listening == 0


async def test_what_is_no_news_is_not_told(provider: ImapProvider) -> None:
    heard = Heard()
    with ScriptedImap(capabilities=IDLE) as server:
        server.folders["INBOX"].add(mail("there"))
        await listen(provider, server, heard)
        server.push("* OK Still here", "* 1 RECENT", "* 1 EXISTS", "* FLAGS (\\Seen)", "* OK [PERMANENTFLAGS ()]")
        server.push("* OK Still here")
        server.push("* 2 EXISTS", "* 1 RECENT")
        await heard.hint()
        server.push("* 2 EXISTS", "* OK [UIDNEXT 4]")
        server.push("* 1 EXPUNGE")
        await heard.hint()
        assert heard.errors == []


@pytest.mark.parametrize(
    ("line", "is_news"),
    [
        (b"3 EXISTS", True),
        (b"3 expunge", True),
        (b"VANISHED 3:4", True),
        (b"VANISHED (EARLIER) 3:4", True),
        (b"1 FETCH (FLAGS (\\Seen))", True),
        (b'STATUS "a" (MESSAGES 3)', True),
        (b'LIST () "/" a', True),
        (b"OK [NOTIFICATIONOVERFLOW] too much", True),
        (b"3 RECENT", False),
        (b"OK Still here", False),
        (b"FLAGS (\\Seen)", False),
        (b"CAPABILITY IMAP4rev1", False),
        (b"", False),
    ],
)
def test_which_responses_are_news(line: bytes, is_news: bool) -> None:
    assert Hints().is_news(Line(line)) is is_news


async def test_a_hint_while_one_is_handled_is_another_one(provider: ImapProvider) -> None:
    with ScriptedImap(capabilities=IDLE) as server:

        class Busy(Heard):
            def __call__(self, notice: Notice) -> None:
                super().__call__(notice)
                if self.hints == 1:
                    server.push("* 1 FETCH (FLAGS ())")

        heard = Busy()
        await listen(provider, server, heard)
        server.push("* 5 EXISTS")
        while heard.hints < 2:
            await heard._next()


async def test_what_comes_with_the_go_ahead_is_heard(provider: ImapProvider) -> None:
    heard = Heard()
    with ScriptedImap(capabilities=IDLE) as server:
        server.on("IDLE", saying(b"+ idling\r\n* 7 EXISTS\r\n"))
        await listen(provider, server, heard)
        await heard.hint()


async def test_literals_in_pieces_over_tls(provider: ImapProvider, authority: Authority) -> None:
    heard = Heard()
    pieces = (b"+ id", b"ling\r\n* OK {1", b"4}\r\n* 1 ", b"EXISTS\r\n", b"* more\r\n* 7 EXI", b"STS\r\n")
    with ScriptedImap(capabilities=IDLE, tls=authority.issue()) as server:
        server.on("IDLE", saying(*pieces))
        await listen(provider, server, heard)
        await heard.hint()
        assert heard.hints == 0 and not heard.errors


async def test_much_at_once_over_tls(provider: ImapProvider, authority: Authority) -> None:
    """More than one read takes: what TLS has decrypted already shows on no selector."""
    heard = Heard()
    flood = b"".join(b"* OK %d %b\r\n" % (number, b"x" * 1000) for number in range(3000))
    with ScriptedImap(capabilities=IDLE, tls=authority.issue()) as server:
        server.on("IDLE", saying(b"+ idling\r\n" + flood + b"* 9 EXISTS\r\n"))
        await listen(provider, server, heard)
        await heard.hint()


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        ("* BYE Session expired, please login again", Unavailable),
        ("* BYE [UNAVAILABLE] going down", Unavailable),
        ("* BYE Too many simultaneous connections", RateLimited),
        ("* BYE [LIMIT] enough", RateLimited),
    ],
)
async def test_goodbye(provider: ImapProvider, last: str, kind: type[Exception]) -> None:
    heard = Heard()
    with ScriptedImap(capabilities=IDLE) as server:
        listening = await listen(provider, server, heard)
        budget = provider._hosts.budget(scripted_grant(server))
        server.push(last)
        server.cut()
        error = await heard.error()
        assert type(error) is kind
        assert kind is Unavailable or (error.retry_after and budget.allowed == 1)
        await listening.close()
        assert len(heard.errors) == 1 and budget._listening == 0


async def test_the_end_without_a_word(provider: ImapProvider) -> None:
    heard = Heard()
    with ScriptedImap(capabilities=IDLE) as server:
        await listen(provider, server, heard)
        server.cut()
        assert isinstance(await heard.error(), Unavailable)


@pytest.mark.parametrize("greeting", ["LOGIN", "AUTHENTICATE"])
async def test_too_many_connections_at_the_sign_in(provider: ImapProvider, greeting: str) -> None:
    with ScriptedImap(capabilities=IDLE.replace("AUTH=PLAIN", "" if greeting == "LOGIN" else "AUTH=PLAIN")) as server:
        server.on(greeting, refuse("[LIMIT] Too many connections"))
        with pytest.raises(RateLimited) as caught:
            await listen(provider, server, Heard())
        assert caught.value.retry_after
        seen = server.connections
        with pytest.raises(RateLimited) as caught:
            await listen(provider, server, Heard())
        assert caught.value.retry_after and server.connections == seen, "a server that said so is not asked again"


@pytest.mark.parametrize("capabilities", [IDLE, NOTIFY])
async def test_a_connection_that_does_not_answer_its_probe_is_lost(
    provider: ImapProvider, capabilities: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((routines, "PROBE"), (routines, "PATIENCE"), (sweep, "SHORTEST"), (sweep, "LONGEST")):
        monkeypatch.setattr(module, name, 0.2)
    heard = Heard()
    with with_condstore(ScriptedImap(capabilities=capabilities)) as server:
        server.on("NOTIFY", answer("{tag} OK"))
        server.on("IDLE", answer("+ idling"))  # and whatever comes then is taken for a command without an answer
        await listen(provider, server, heard)
        assert isinstance(await heard.error(), Timeout)


async def test_a_server_that_ends_idle_by_itself(provider: ImapProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routines, "_AFTERWARDS", 0.01)
    heard = Heard()
    with ScriptedImap(capabilities=IDLE) as server:
        server.on("IDLE", answer("+ idling", "{tag} OK idled enough"), times=3)
        await listen(provider, server, heard)
        while count(server, "IDLE") < 4:
            server.push("* 1 FETCH (FLAGS ())")
            await heard.hint()
        assert heard.errors == []


async def test_a_server_that_refuses_idle(provider: ImapProvider) -> None:
    with ScriptedImap(capabilities=IDLE) as server:
        server.on("IDLE", refuse("[UNAVAILABLE] not now"))
        with pytest.raises(Unavailable):
            await listen(provider, server, Heard())


async def test_notify_that_is_refused_gives_way_to_idle(provider: ImapProvider) -> None:
    heard = Heard()
    with with_condstore(ScriptedImap(capabilities=NOTIFY)) as server:
        server.on("NOTIFY", refuse("[BADEVENT (MessageNew)] no"))
        await listen(provider, server, heard)
        server.push("* 4 EXISTS")
        await heard.hint()
        assert count(server, "IDLE") == 1


async def test_notify_that_overflows_is_asked_for_again(provider: ImapProvider) -> None:
    heard = Heard()
    with with_condstore(ScriptedImap(capabilities=NOTIFY)) as server:
        server.on("NOTIFY", answer("{tag} OK"))
        await listen(provider, server, heard)
        server.push("* OK [NOTIFICATIONOVERFLOW] too much")
        await heard.hint()
        while count(server, "NOTIFY") < 2:
            server.push("* 4 EXISTS", "* 1 EXPUNGE")
            await heard.hint()


async def test_shared_folders_are_asked_for_too(provider: ImapProvider) -> None:
    with with_condstore(ScriptedImap(capabilities=NOTIFY + " NAMESPACE")) as server:
        server.on("NAMESPACE", answer('* NAMESPACE (("" "/")) (("Other/" "/")) (("Public/" "/"))', "{tag} OK"))
        server.on("NOTIFY", answer("{tag} OK"))
        await listen(provider, server, Heard())
        [command] = [line for line in server.seen if line.startswith("NOTIFY")]
        assert "personal" in command and "subtree Other" in command and "subtree Public" in command


async def test_many_folders_without_list_status(provider: ImapProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SHORTEST", 0.05)
    monkeypatch.setattr(sweep, "LONGEST", 0.05)
    heard = Heard()
    with ScriptedImap(capabilities=IDLE) as server:
        for number in range(30):
            server.folders[f"f{number:02}"] = Folder(f"f{number:02}")
        server.folders["closed"] = Folder("closed", "\\Noselect")
        await listen(provider, server, heard)
        assert 0 < count(server, "STATUS") <= 20
        while len({line for line in server.seen if line.startswith("STATUS")}) < 35:
            await provider._listeners._lane.run(lambda: None)
        for name in ("f29", "Sent"):
            server.folders[name].add(mail("new"))
            await heard.hint()
        server.folders["Sent"].messages[0].flags.add("\\Seen")
        await heard.hint()
        del server.folders["f00"]
        await heard.hint()
        assert not count(server, "STATUS INBOX") and not count(server, "STATUS closed")
        assert heard.errors == []


RESPONSES = st.lists(
    st.tuples(st.binary(max_size=8).filter(lambda b: b"\n" not in b and b"\r" not in b and b"}" not in b), st.binary())
)


@given(RESPONSES, st.lists(st.integers(0, 300), max_size=8))
def test_responses_are_found_wherever_the_octets_are_cut(said: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    data = b"".join(b"* %b{%d}\r\n%b end\r\n" % (text, len(literal), literal) for text, literal in said)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    splitter, found = Splitter(), []
    for start, end in zip([0, *ends], ends, strict=False):
        found += splitter.feed(data[start:end])
    assert [(line.text, line.literals) for line in found] == [
        (b"* %b{%d} end" % (text, len(literal)), [literal]) for text, literal in said
    ]


def test_a_response_without_an_end_is_given_up() -> None:
    splitter = Splitter()
    with pytest.raises(Lost):
        for _ in range(MAX_RESPONSE // 65536 + 2):
            splitter.feed(b"x" * 65536)


def test_a_socket_that_takes_no_more_is_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel, sent, received = Channel(ours), 0, 0
        while not channel.blocked:
            channel.send(b"x" * 65536)
            sent += 65536
        theirs.setblocking(False)
        while received < sent:
            try:
                received += len(theirs.recv(1 << 20))
            except BlockingIOError:
                channel.flush()
        assert not channel.blocked and received == sent


async def test_bye_while_signing_in(provider: ImapProvider) -> None:
    with ScriptedImap(capabilities=IDLE) as server:
        server.on("EXAMINE", bye("[UNAVAILABLE] later"))
        with pytest.raises(Unavailable):
            await listen(provider, server, Heard())
