"""Signing in: the consent URL, the exchange, refreshing, service accounts, revoking."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.base.errors import Denied, Invalid, Unauthorized
from providers.base.oauth2 import Consent, OAuthClient, challenge, verifier
from providers.base.provider import Mailbox
from providers.google.scopes import granted, native
from schemas.accounts import Scope
from tests.providers.google.conftest import Desk
from tests.servers.google.assertions import Robot

pytestmark = pytest.mark.anyio
CLIENT = OAuthClient("cid", "secret")
GMAIL = "https://www.googleapis.com/auth/gmail."


def consent(*scopes: Scope) -> Consent:
    return Consent("https://gw.example/v1/auth/callback", "the state", verifier(), frozenset(scopes), "ann@example.org")


async def test_the_consent_url(desk: Desk) -> None:
    asked = consent(Scope.MAIL_READ_WRITE, Scope.MAIL_READ, Scope.CALENDAR_READ)
    url = urlsplit(desk.provider.auth.begin(CLIENT, asked))
    query = {name: value for name, [value] in parse_qs(url.query).items()}
    assert url.path == "/authorize"
    assert query["scope"].split() == [
        "openid", "email", "profile", "https://www.googleapis.com/auth/calendar.readonly", GMAIL + "modify",
    ]  # fmt: skip
    assert (query["access_type"], query["prompt"], query["include_granted_scopes"]) == ("offline", "consent", "true")
    assert (query["code_challenge"], query["code_challenge_method"]) == (challenge(asked.verifier), "S256")
    assert (query["state"], query["login_hint"], query["response_type"]) == ("the state", "ann@example.org", "code")


async def test_the_exchange_says_who_it_is_and_what_was_granted(desk: Desk) -> None:
    asked = consent(Scope.MAIL_READ, Scope.CALENDAR_READ)
    desk.google.world.granted = GMAIL + "readonly openid"
    linked = await desk.provider.auth.finish(CLIENT, asked, desk.user.email)
    assert (linked.email, linked.auth_user_id) == (desk.user.email, desk.user.sub)
    assert linked.scopes == {Scope.MAIL_READ}, "the calendar was unticked"
    assert linked.grant["refresh_token"] == desk.user.email and linked.grant["access_token"] == desk.user.token
    form = desk.google.world.token_requests[-1]
    assert (form["code_verifier"], form["redirect_uri"]) == (asked.verifier, asked.redirect_uri)


async def test_nothing_granted_is_no_account(desk: Desk) -> None:
    desk.google.world.granted = "openid email"
    with pytest.raises(Denied):
        await desk.provider.auth.finish(CLIENT, consent(Scope.MAIL_READ), desk.user.email)


async def test_a_refresh_keeps_what_the_answer_does_not_name(desk: Desk) -> None:
    before = {"refresh_token": desk.user.email, "access_token": "old", "scope": "x", "expires_at": 0, "more": 1}
    after = await desk.provider.auth.refresh(CLIENT, before)
    assert (after["refresh_token"], after["more"], after["access_token"]) == (desk.user.email, 1, desk.user.token)
    assert after["expires_at"] > 1_700_000_000
    assert "client_secret" in desk.google.world.token_requests[-1]


async def test_a_dead_grant_is_final(desk: Desk) -> None:
    desk.google.world.dead.add(desk.user.email)
    for grant in ({"refresh_token": desk.user.email}, {"access_token": "x"}):
        with pytest.raises(Unauthorized) as refused:
            await desk.provider.auth.refresh(CLIENT, grant)
        assert refused.value.final


async def test_imported_tokens_are_refreshed_and_identified(desk: Desk) -> None:
    linked = await desk.provider.auth.identify(CLIENT, {"refresh_token": desk.user.email})
    assert (linked.email, linked.auth_user_id) == (desk.user.email, desk.user.sub)
    assert linked.grant["access_token"] == desk.user.token


ROBOT = "gw@project.iam.example"


@pytest.fixture
def robot(desk: Desk) -> Robot:
    """A service account that may do anything with mail."""
    robot = desk.google.world.robots[ROBOT] = Robot.new(ROBOT, *native([Scope.MAIL_ALL]))
    return robot


def delegated(desk: Desk, key: Mapping[str, Any], **more: str) -> dict[str, Any]:
    """The grant of an account that lives by this key."""
    scope = " ".join(native([Scope.MAIL_ALL]))
    return {"service_account": key, "subject": desk.user.email, "scope": scope, **more}


@pytest.mark.parametrize("skew", [0.0, 300.0, -300.0])
async def test_a_service_account_acts_for_a_user(desk: Desk, robot: Robot, skew: float) -> None:
    """Also when the clocks differ by five minutes."""
    desk.google.world.ahead = skew
    grant = delegated(desk, robot.file)
    linked = await desk.provider.auth.identify(None, grant)
    assert (linked.email, linked.grant["access_token"]) == (desk.user.email, desk.user.token)
    assert linked.scopes == granted("https://mail.google.com/")
    claims = desk.google.world.claims[-1]
    assert (claims["iss"], claims["sub"], claims["aud"]) == (
        ROBOT, desk.user.email, f"{desk.google.url}token",
    )  # fmt: skip


async def test_a_service_accounts_refusals_are_final_and_say_why(desk: Desk, robot: Robot) -> None:
    other = Robot.new(ROBOT, *robot.scopes)
    wider = " ".join(native([Scope.MAIL_ALL, Scope.CALENDAR_READ]))
    for grant, words in (
        (delegated(desk, other.file), "Invalid JWT Signature"),
        (delegated(desk, {**robot.file, "client_email": "x@project.iam.example"}), "account not found"),
        (delegated(desk, robot.file, subject="nobody@example.test"), "Invalid email or User ID"),
        (delegated(desk, robot.file, scope=wider), "not authorized for any of the scopes"),
    ):
        with pytest.raises(Unauthorized) as refused:
            await desk.provider.auth.identify(None, grant)
        assert refused.value.final
        assert words in refused.value.message


async def test_a_key_that_is_none_is_the_callers_mistake(desk: Desk, robot: Robot) -> None:
    with pytest.raises(Invalid) as raised:
        await desk.provider.auth.identify(None, delegated(desk, {**robot.file, "private_key": "no key"}))
    assert raised.value.path == "authString1"


async def test_accounts_that_live_by_a_service_account_work(desk: Desk, robot: Robot) -> None:
    linked = await desk.provider.auth.identify(None, delegated(desk, robot.file))
    session = await desk.provider.open(Mailbox(2, 1, desk.user.email, linked.grant))
    await session.ping()


async def test_revoking(desk: Desk) -> None:
    await desk.provider.auth.revoke(CLIENT, {"refresh_token": "r", "access_token": "a"})
    assert desk.google.world.revoked[-1] == "r"
    count = len(desk.google.world.revoked)
    await desk.provider.auth.revoke(CLIENT, {"service_account": {}, "access_token": "a"})
    assert len(desk.google.world.revoked) == count


def test_every_scope_goes_there_and_back() -> None:
    for scope in Scope:
        assert scope in granted(" ".join(native([scope])))
    assert granted("openid https://example.org/other") == frozenset()
