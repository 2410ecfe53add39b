"""The HTTP client: where it may connect, what it follows, how much it reads. Receivers are real, on loopback addresses;
where the guard is on, it takes 127.0.0.2 for a public address."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from providers.base.errors import Denied, Invalid, Timeout, Unavailable
from providers.base.networks import is_public
from providers.base.provider import ProviderSettings
from providers.base.rest import Answer, Dropped, Http
from tests.servers.certificates import Authority
from tests.servers.ports import free_port
from tests.servers.receiver import Plan, Receiver
from tests.servers.web import Pages

pytestmark = pytest.mark.anyio
OUTSIDE = "127.0.0.2"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(OUTSIDE) as receiver:
        yield receiver


@asynccontextmanager
async def client(*addresses: str, resolve: bool = True) -> AsyncIterator[Http]:
    """A client for which every name has these addresses, first one answer, then the next."""
    answers = list(addresses)

    async def next_answer(host: str, port: int) -> list[str]:
        return answers.pop(0).split() if len(answers) > 1 else answers[0].split()

    http = Http(lambda address: address == OUTSIDE, resolve=next_answer if addresses else None)
    yield http
    await http.close()


async def post(http: Http, url: str, seconds: float = 5.0, limit: int = 1024) -> Answer:
    return await http.send("POST", url, headers={"X-One": "1"}, body=b"{}", timeout=seconds, limit=limit)


async def test_an_answer_and_the_beginning_of_its_body(receiver: Receiver) -> None:
    receiver.otherwise = Plan(201, "x" * 5000)
    async with client(OUTSIDE) as http:
        answer = await post(http, f"http://hook.example:{receiver.port}/a?b=c%2Fd", limit=1024)
        assert (answer.status, answer.body) == (201, b"x" * 1024)
        assert answer.headers["content-type"].startswith("text/plain")
        await post(http, f"http://hook.example:{receiver.port}/a", limit=1024)
    assert [(call.path, call.query, call.body) for call in receiver.calls] == [
        ("/a", "b=c%2Fd", b"{}"),
        ("/a", "", b"{}"),
    ]
    assert receiver.calls[0].headers["host"] == f"hook.example:{receiver.port}"


async def test_a_name_that_means_something_else_later(receiver: Receiver) -> None:
    """DNS rebinding: each new connection's address is looked at."""
    with Receiver("127.0.0.1", receiver.port) as inside:
        receiver.otherwise = Plan(headers={"Connection": "close"})
        async with client(OUTSIDE, "127.0.0.1") as http:
            assert (await post(http, f"http://hook.example:{receiver.port}/")).status == 200
            with pytest.raises(Denied):
                await post(http, f"http://hook.example:{receiver.port}/")
        assert (len(receiver.calls), len(inside.calls)) == (1, 0)


async def test_of_several_addresses_only_allowed_ones_are_tried(receiver: Receiver) -> None:
    with Receiver("127.0.0.1", receiver.port) as inside:
        async with client(f"127.0.0.1 {OUTSIDE}") as http:
            assert (await post(http, f"http://hook.example:{receiver.port}/")).status == 200
        assert (len(receiver.calls), len(inside.calls)) == (1, 0)
        async with client("127.0.0.1 ::1 10.0.0.1") as http:
            with pytest.raises(Denied):
                await post(http, f"http://hook.example:{receiver.port}/")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0.0.0.0",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
        "[2002:7f00:1::]",
    ],
)
async def test_addresses_that_are_not_public(host: str) -> None:
    """The default guard and the machine's own resolver, in every way an address can be written."""
    http = Http()
    try:
        with pytest.raises((Denied, Invalid, Unavailable)) as caught:
            await post(http, f"http://{host}:9/", seconds=3)
        assert "refused the connection" not in str(caught.value), "it was tried"
        assert not isinstance(caught.value, Timeout)
    finally:
        await http.close()


def test_the_guard_is_off_where_the_operator_says_so(tmp_path: object) -> None:
    from pathlib import Path

    assert Http.open(ProviderSettings(Path(), allow_private_networks=True))._allowed("127.0.0.1")
    assert Http.open(ProviderSettings(Path()))._allowed is is_public


async def test_redirects_are_answers(receiver: Receiver) -> None:
    receiver.otherwise = Plan(302, headers={"Location": "http://169.254.169.254/latest/meta-data"})
    async with client(OUTSIDE) as http:
        answer = await post(http, f"http://hook.example:{receiver.port}/")
    assert (answer.status, answer.headers["location"]) == (302, "http://169.254.169.254/latest/meta-data")


async def test_cookies_are_not_kept_and_proxies_of_the_environment_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    receiver.otherwise = Plan(headers={"Set-Cookie": "a=b"})
    async with client(OUTSIDE) as http:
        for _ in range(2):
            await post(http, f"http://hook.example:{receiver.port}/")
    assert "cookie" not in receiver.calls[1].headers


async def test_a_hang_ends_at_the_timeout(receiver: Receiver) -> None:
    receiver.otherwise = Plan(hang=True)
    async with client(OUTSIDE) as http:
        with pytest.raises(Timeout, match=r"did not answer within 0.2 s"):
            await post(http, f"http://hook.example:{receiver.port}/", seconds=0.2)


async def test_failures_have_words(receiver: Receiver) -> None:
    async with client(OUTSIDE) as http:
        with pytest.raises(Unavailable, match="refused the connection"):
            await post(http, f"http://hook.example:{free_port()}/")
        with pytest.raises(Unavailable, match="TLS handshake"):
            await post(http, f"https://hook.example:{receiver.port}/")
        receiver.otherwise = Plan()
        assert (await post(http, f"http://hook.example:{receiver.port}?a=1")).status == 200
        assert (receiver.calls[-1].path, receiver.calls[-1].query) == ("/", "a=1")
        for url in ("http:///x", "ftp://hook.example/", "http://[::1/"):
            with pytest.raises(Invalid):
                await post(http, url)
    http = Http()
    with pytest.raises(Unavailable, match="looked up"):
        await post(http, "http://no-such-name.invalid/")
    await http.close()


async def test_a_server_that_hangs_up() -> None:
    import asyncio

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(hang_up, OUTSIDE, 0)
    async with server, client(OUTSIDE) as http:
        with pytest.raises(Dropped):
            await post(http, f"http://hook.example:{server.sockets[0].getsockname()[1]}/")


async def test_certificates_are_checked(authority: Authority) -> None:
    with Pages({"/": b"there"}, authority.issue()) as server:
        trusting = Http(lambda _: True, str(authority.bundle))
        answer = await trusting.send("GET", server.url + "/", headers={}, timeout=5, limit=100)
        assert answer.body == b"there"
        await trusting.close()
        doubting = Http(lambda _: True)
        with pytest.raises(Unavailable, match="certificate"):
            await post(doubting, server.url)
        await doubting.close()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_write_whose_answer_was_lost_on_a_kept_connection_is_not_sent_again(method: str) -> None:
    """aiohttp would: it takes these for harmless."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            asked.append(line.split()[0])
            while (await reader.readline()).strip():
                pass
            if len(asked) > 1:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    http = Http(lambda _: True)
    await http.send("GET", url, headers={}, timeout=5, limit=100)
    with pytest.raises(Dropped):
        await http.send(method, url, headers={}, timeout=5, limit=100)
    await http.close()
    server.close()
    assert asked == [b"GET", method.encode()]
