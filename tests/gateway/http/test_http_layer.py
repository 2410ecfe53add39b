"""Binding, security, tokens, problems and idempotency through a small application on the real HTTP layer."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest

from tests.gateway.http.toy import ORIGIN, basic, client, toy

Json = dict[str, Any]


def ask(*calls: tuple[Any, ...], authorization: str = "Bearer t2", app: Any = None) -> list[httpx.Response]:
    """The answers to (method, path, options) calls, in order."""

    async def run() -> list[httpx.Response]:
        async with client(app or toy()[0], authorization) as http:
            return [await http.request(method, path, **(rest[0] if rest else {})) for method, path, *rest in calls]

    return asyncio.run(run())


def test_parameters_are_typed_and_lists_come_in_both_encodings() -> None:
    repeated, joined, header = ask(
        ("GET", "/echo/7?q=a%20b&bodyType=text&keys=html&keys=text&deep=true&unknown=1"),
        ("GET", "/echo/7?keys=html,text"),
        ("GET", "/echo/7", {"headers": {"If-Match": '"v"'}}),
    )
    assert repeated.json()["name"] == "['a b', 'text', ['html', 'text'], True, None]"
    assert joined.json()["name"] == "[None, 'html', ['html', 'text'], False, None]"
    assert header.json()["name"].endswith("""'"v"']""")


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/echo/x", "id"),
        ("/echo/-1", "id"),
        ("/echo/99999999999999999999", "id"),
        ("/echo/1?bodyType=pdf", "bodyType"),
        ("/echo/1?keys=html,pdf", "keys.1"),
        ("/echo/1?deep=perhaps", "deep"),
        ("/folders?limit=0", "limit"),
        ("/folders?limit=x", "limit"),
    ],
)
def test_a_bad_parameter_is_named(path: str, where: str) -> None:
    (answer,) = ask(("GET", path))
    assert answer.status_code == 400
    assert answer.json()["code"] == "badRequest"
    assert answer.json()["message"].startswith(f"{where}: ")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("", "body"),
        ("{", "body"),
        ("[]", "body"),
        ('{"to":[{"address":"no address"}]}', "to.0"),
        ('{"to":[{"address":"a@b.test","name":"x\\r\\nBcc: y"}]}', "to.0"),
        ('{"subject":"a\\nBcc: b@c.test"}', "subject"),
        ('{"subject":"a\\u2028b"}', "subject"),
        ('{"body":"\\u0000"}', "body"),
        ('{"attachments":[{"content":"%%%"}]}', "attachments.0.content"),
        ('{"attachments":[{"content":"QUJ","mimeType":"text"}]}', "attachments.0.mimeType"),
        ('{"xHeaders":[{"name":"Bcc","value":"x"}]}', "xHeaders.0"),
        ('{"xHeaders":[{"name":"X y","value":"x"}]}', "xHeaders.0.name"),
        ('{"keywords":"red"}', "keywords"),
    ],
)
def test_a_bad_body_is_refused_with_the_path(body: str, where: str) -> None:
    (answer,) = ask(("POST", "/mail", {"content": body}), authorization=basic("one"))
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"].startswith(f"{where}: ")


def test_a_body_over_the_limit_is_413_declared_or_not() -> None:
    async def endless() -> Any:
        for _ in range(10):
            yield b" " * 1000

    async def run() -> list[int]:
        async with client(toy()[0], basic("one")) as http:
            declared = await http.post("/mail", content=b" " * 5000)
            streamed = await http.post("/mail", content=endless())
            return [declared.status_code, streamed.status_code]

    assert asyncio.run(run()) == [413, 413]


def test_problems_have_one_shape_and_an_id_of_their_own() -> None:
    missing, wrong_method, refused = ask(("GET", "/nowhere"), ("PUT", "/raw"), ("GET", "/echo/x"))
    assert [missing.status_code, wrong_method.status_code, refused.status_code] == [404, 405, 400]
    assert wrong_method.headers["allow"] == "GET"
    for answer in (missing, wrong_method, refused):
        assert set(answer.json()) == {"code", "message", "requestId"}
        assert uuid.UUID(answer.json()["requestId"]) == uuid.UUID(answer.headers["x-request-id"])


def test_what_the_code_did_not_foresee_is_500_without_its_words() -> None:
    (answer,) = ask(("POST", "/make", {"json": {"name": "broken"}}))
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_a_retryable_failure_says_when() -> None:
    (answer,) = ask(("POST", "/make", {"json": {"name": "busy"}}))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_streams_are_text_or_base64_in_json() -> None:
    raw, coded = ask(("GET", "/raw"), ("GET", "/base64"))
    assert (raw.content, raw.headers["content-type"]) == (b"abcdefg", "text/plain; charset=utf-8")
    assert coded.json() == {"content": "YWJjZGVmZw=="}


@pytest.mark.parametrize(
    ("authorization", "headers", "status"),
    [
        ("Bearer t1", {}, 200),
        ("bearer t1", {}, 200),
        ("Bearer nobody", {}, 401),
        ("", {}, 401),
        ("Basic !!", {}, 401),
        (basic("one"), {}, 401),
        (basic("one", "wrong"), {"X-Aurinko-Account-Id": "1"}, 401),
        (basic("one"), {"X-Aurinko-Account-Id": "1"}, 200),
        (basic("one"), {"X-Aurinko-AccountId": "1"}, 200),
        (basic("one"), {"X-Aurinko-AccountId": "2"}, 404),
        (basic("one"), {"X-Aurinko-AccountId": "one"}, 400),
    ],
)
def test_who_may_call_for_an_account(authorization: str, headers: dict[str, str], status: int) -> None:
    (answer,) = ask(("GET", "/folders", {"headers": headers}), authorization=authorization)
    assert answer.status_code == status, answer.text
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_an_account_token_does_not_stand_for_the_application() -> None:
    (answer,) = ask(("POST", "/mail", {"json": {}}), authorization="Bearer t1")
    assert answer.status_code == 401


def test_a_missing_scope_is_403_and_named() -> None:
    (answer,) = ask(("POST", "/make", {"json": {"name": "x"}}), authorization="Bearer t1")
    assert answer.status_code == 403
    assert "Mail.All" in answer.json()["message"]


def test_pages_go_on_with_the_token_alone_and_end() -> None:
    async def run() -> list[str]:
        seen: list[str] = []
        async with client(toy()[0]) as http:
            query: dict[str, str] = {"q": "ü", "limit": "30"}
            while True:
                page = (await http.get("/folders", params=query)).json()
                assert page["length"] == len(page["records"])
                seen += [record["id"] for record in page["records"]]
                if "nextPageToken" not in page:
                    return seen
                query = {"pageToken": page["nextPageToken"], "limit": "30"}

    assert asyncio.run(run()) == [str(n) for n in range(100)]


def test_a_page_token_is_good_for_its_account_route_and_query_only() -> None:
    app, _ = toy()
    token = ask(("GET", "/folders?q=a"), app=app)[0].json()["nextPageToken"]
    same, other_query, other_route = ask(
        ("GET", "/folders", {"params": {"pageToken": token, "q": "a"}}),
        ("GET", "/folders", {"params": {"pageToken": token, "q": "b"}}),
        ("GET", "/more", {"params": {"pageToken": token}}),
        app=app,
    )
    (other_account,) = ask(("GET", "/folders", {"params": {"pageToken": token}}), authorization="Bearer t1", app=app)
    forged = [token[:-1], token[1:], "x", "x" * 5000, "é", token + "."]
    assert same.status_code == 200
    for answer in (
        other_query,
        other_route,
        other_account,
        *(ask(("GET", "/folders", {"params": {"pageToken": bad}}), app=app)[0] for bad in forged),
    ):
        assert answer.status_code == 400
        assert answer.json()["code"] == "token.notValid"
        assert "Page token is invalid" in answer.json()["message"]


def test_a_repeated_key_gets_the_first_answer() -> None:
    app, tally = toy()
    call = ("POST", "/make", {"json": {"name": "a"}, "headers": {"Idempotency-Key": "k"}})
    other = ("POST", "/make", {"json": {"name": "b"}, "headers": {"Idempotency-Key": "k"}})
    first, again, mismatch = ask(call, call, other, app=app)
    assert tally.calls == ["a"]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert mismatch.status_code == 422


def test_a_key_is_free_again_after_a_failure_but_not_after_an_uncertain_one() -> None:
    app, tally = toy()

    def call(name: str, key: str) -> tuple[Any, ...]:
        return ("POST", "/make", {"json": {"name": name}, "headers": {"Idempotency-Key": key}})

    answers = ask(call("busy", "1"), call("busy", "1"), call("lost", "2"), call("lost", "2"), app=app)
    assert [answer.status_code for answer in answers] == [429, 429, 502, 502]
    assert tally.calls == ["busy", "busy", "lost"]
    assert json.loads(answers[3].text)["code"] == "uncertain"


def test_browsers_of_trusted_domains_only() -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    trusted, preflight, stranger = ask(
        ("GET", "/folders", {"headers": {"Origin": ORIGIN}}),
        ("OPTIONS", "/folders", {"headers": asked}),
        ("OPTIONS", "/folders", {"headers": {**asked, "Origin": "https://evil.test"}}),
    )
    assert trusted.headers["access-control-allow-origin"] == ORIGIN
    assert trusted.headers["access-control-allow-credentials"] == "true"
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "access-control-allow-origin" not in stranger.headers
