"""Signing in with a password: from the application's link over the form back to the application, and its token."""

import httpx
import pytest

from tests.e2e.signing import BACK, App, Visitor, application, back
from tests.servers.dovecot import Dovecot
from tests.servers.gateway import Gateway
from tests.servers.postfix import Postfix


@pytest.fixture(scope="module")
def app(gateway: Gateway) -> App:
    return application(gateway)


@pytest.fixture
def visitor(app: App) -> Visitor:
    return Visitor(app)


def bearer(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['accessToken']}"}


def test_the_whole_way_with_a_sandbox_account(app: App, visitor: Visitor) -> None:
    given = visitor.sign_in("ann@sandbox.test", state="s p&=+é", scopes="Mail.Read Mail.Send", clientOrgId="acme")
    assert given["status"] == "success"
    assert given["state"] == "s p&=+é"
    answer = app.exchange(given["code"])
    saved = answer.json()
    assert saved.keys() == {"accountId", "accessToken", "accServiceType"}
    me = httpx.get(f"{app.url}/v1/account", headers=bearer(answer)).json()
    assert (me["id"], me["email"], me["clientOrgId"]) == (saved["accountId"], "ann@sandbox.test", "acme")
    assert me["authScopes"] == ["Mail.Read", "Mail.Send"]
    assert httpx.get(f"{app.url}/v1/email/messages", headers=bearer(answer)).json()["records"]
    assert httpx.get(f"{app.url}/v1/calendars", headers=bearer(answer)).status_code == 403


def test_the_whole_way_with_a_real_mailbox(app: App, visitor: Visitor, dovecot: Dovecot, postfix: Postfix) -> None:
    user = dovecot.new_user()
    begun = visitor.begin(serviceType="IMAP", ensureAccess="true", loginHint=user.address)
    servers = {"serverUrl": f"imaps://localhost:{dovecot.imaps}", "serverUrl2": f"localhost:{postfix.submissions}"}
    refused = visitor.fill(begun, email=user.address, password="wrong", **servers)
    assert refused.status_code == 400
    assert "The sign-in was refused" in refused.text
    assert (
        "wrong" not in refused.text.replace('wrong"', "").replace("wrong-", "") or 'value="wrong"' not in refused.text
    )
    sent = visitor.send(begun.headers["location"], refused.text, email=user.address, password=user.password, **servers)
    answer = app.exchange(back(sent)["code"])
    folders = httpx.get(f"{app.url}/v1/email/folders", headers=bearer(answer)).json()["records"]
    assert "INBOX" in {folder["name"].upper() for folder in folders}


@pytest.mark.parametrize(
    "scopes", ["Mail.Read Contacts.Read", "Mail.ReadOnly,Contacts.Read", ["Mail.Read", "Contacts.Read"]]
)
def test_scopes_are_read_in_every_form(app: App, visitor: Visitor, scopes: object) -> None:
    answer = app.exchange(visitor.sign_in("forms@sandbox.test", scopes=scopes)["code"])
    me = httpx.get(f"{app.url}/v1/account", headers=bearer(answer)).json()
    assert me["authScopes"] == ["Contacts.Read", "Mail.Read"]


def test_a_token_is_given_to_trusted_domains_only(app: App, visitor: Visitor, gateway: Gateway) -> None:
    given = visitor.sign_in("token@sandbox.test", responseType="token")
    me = httpx.get(f"{app.url}/v1/account", headers={"authorization": f"Bearer {given['accessToken']}"}).json()
    assert str(me["id"]) == given["accountId"]
    elsewhere = "https://other.example.test/back"
    gateway.postroom("apps", "urls", app.client_id, "add", elsewhere)
    refused = visitor.begin(returnUrl=elsewhere, responseType="token")
    assert refused.status_code == 400
    assert "location" not in refused.headers


def test_a_return_url_keeps_its_query(app: App, visitor: Visitor) -> None:
    begun = visitor.begin(returnUrl=f"{BACK}?page=1")
    assert back(visitor.fill(begun, email="q@sandbox.test", password="x"), f"{BACK}?page=1&status=success&")["code"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/back",
        "https://app.example.test/other",
        "https://app.example.test.evil.test/back",
        "https://app.example.test@evil.test/back",
        "https://app.example.test/back/../other",
        "https://app.example.test/back#fragment",
        "https://app.example.test\\@evil.test/back",
        "https://app.example.test/back\t?x",
        "//evil.test/back",
        "javascript:alert(1)",
        "HTTPS://APP.EXAMPLE.TEST/back",
        "https://app.example.test/backx",
        "",
    ],
)
def test_no_other_return_url_is_ever_followed(visitor: Visitor, url: str) -> None:
    shown = visitor.begin(returnUrl=url)
    assert shown.status_code == 400
    assert "location" not in shown.headers
    if url:
        assert shown.headers["content-type"].startswith("text/html")


def test_an_unknown_client_is_shown_and_not_redirected(visitor: Visitor) -> None:
    shown = visitor.begin(clientId="nobody")
    assert shown.status_code == 400
    assert "clientId" in shown.text
    assert "location" not in shown.headers
    as_program = visitor.http.get(
        f"/v1/auth/authorize?clientId=x&serviceType=IMAP&returnUrl={BACK}", headers={"accept": "*/*"}
    )
    assert as_program.json()["code"] == "clientId.notValid"


def test_what_the_gateway_lacks_is_told_to_the_application(visitor: Visitor) -> None:
    assert back(visitor.begin(serviceType="Slack", state="z")) | {"requestId": "", "message": "", "details": ""} == {
        "status": "error", "state": "z", "error": "unsupported_service", "requestId": "", "message": "", "details": "",
    }  # fmt: skip
    assert back(visitor.begin(serviceType="CalDAV", scopes="Mail.Read"))["error"] == "invalid_scope"


def test_another_address_than_the_one_asked_for_fails(visitor: Visitor) -> None:
    given = visitor.sign_in("mallory@sandbox.test", authEmail="ann@sandbox.test")
    assert (given["status"], given["error"]) == ("error", "wrong_account")
    assert "code" not in given
    assert visitor.sign_in("Ann@sandbox.test", authEmail="ann@sandbox.test")["status"] == "success"


def test_who_cancels_comes_back_without_a_code(visitor: Visitor) -> None:
    begun = visitor.begin(state="c")
    given = back(visitor.fill(begun, cancel="1"))
    assert (given["status"], given["error"], given["state"]) == ("error", "access_denied", "c")
    assert visitor.http.get(begun.headers["location"]).status_code == 400


def test_a_form_is_good_once(visitor: Visitor) -> None:
    begun = visitor.begin()
    place = begun.headers["location"]
    form = visitor.http.get(place).text
    fields = {"email": "once@sandbox.test", "password": "x"}
    assert back(visitor.send(place, form, **fields))["code"]
    again = visitor.send(place, form, **fields)
    assert again.status_code == 400
    assert "location" not in again.headers


def test_a_sign_in_stays_in_its_browser(app: App, visitor: Visitor) -> None:
    place = visitor.begin().headers["location"]
    form = visitor.http.get(place).text
    other = Visitor(app)
    assert other.http.get(place).status_code == 400
    other.begin()  # has a sign-in, and a cookie, of its own
    assert other.http.get(place).status_code == 400
    assert other.send(place, form, email="x@sandbox.test", password="x").status_code == 400


def test_forged_forms_are_refused(visitor: Visitor) -> None:
    begun = visitor.begin()
    place = begun.headers["location"]
    form = visitor.http.get(place).text
    fields = {"email": "x@sandbox.test", "password": "x"}
    assert visitor.http.post(place, data=fields).status_code == 400
    other = visitor.http.get(visitor.begin().headers["location"]).text
    assert visitor.send(place, other, **fields).status_code == 400
    visitor.http.headers["origin"] = "https://evil.test"
    assert visitor.send(place, form, **fields).status_code == 403


def test_passwords_cannot_be_tried_for_ever(visitor: Visitor) -> None:
    begun = visitor.begin()
    place = begun.headers["location"]
    form = visitor.http.get(place).text
    fields = {"email": "guessed@sandbox.test", "password": "wrong"}
    assert {visitor.send(place, form, **fields).status_code for _ in range(20)} == {400}
    assert visitor.send(place, form, **fields).status_code == 429


def test_guessing_goes_on_in_no_other_sign_in(app: App, visitor: Visitor, gateway: Gateway) -> None:
    fields = {"email": "Victim@sandbox.test", "password": "wrong"}
    for _ in range(2):
        begun = visitor.begin()
        form = visitor.http.get(begun.headers["location"]).text
        assert {visitor.send(begun.headers["location"], form, **fields).status_code for _ in range(10)} == {400}
    for other in (Visitor(app), Visitor(application(gateway))):
        right = {"email": "victim@sandbox.test", "password": "x"}
        refused = other.fill(other.begin(), **right)
        assert (refused.status_code, "location" in refused.headers) == (429, False)
        assert 0 < int(refused.headers["retry-after"]) <= 900
        assert "Too many passwords were tried" in refused.text
    assert visitor.sign_in("somebody-else@sandbox.test")["status"] == "success"


def test_a_right_password_begins_the_count_anew(visitor: Visitor) -> None:
    for _ in range(3):
        begun = visitor.begin()
        place = begun.headers["location"]
        form = visitor.http.get(place).text
        wrong = {"email": "typist@sandbox.test", "password": "wrong"}
        assert {visitor.send(place, form, **wrong).status_code for _ in range(9)} == {400}
        assert back(visitor.send(place, form, email="typist@sandbox.test", password="x"))["code"]


def test_a_code_works_once_and_a_second_use_takes_the_token_away(app: App, visitor: Visitor) -> None:
    code = visitor.sign_in("replay@sandbox.test")["code"]
    first = app.exchange(code)
    account = f"{app.url}/v1/account"
    assert httpx.get(account, headers=bearer(first)).status_code == 200
    assert app.call("GET", f"/v1/auth/token/{code}").status_code == 400
    assert httpx.get(account, headers=bearer(first)).status_code == 401


def test_codes_are_exchanged_in_every_form(app: App, visitor: Visitor) -> None:
    """Clients post nothing, `{}` or stray parameters; the older form is a GET (behaviour.md, section 2)."""
    path = "/v1/auth/token/{}"
    for method, query, more in (
        ("POST", "", {}),
        ("POST", "", {"json": {}}),
        ("POST", "?grant_type=authorization_code", {"data": {"a": "b"}}),
        ("GET", "", {}),
    ):
        code = visitor.sign_in("form@sandbox.test")["code"]
        assert app.call(method, path.format(code) + query, **more).json()["accessToken"]


def test_a_code_is_of_its_application(app: App, visitor: Visitor, gateway: Gateway) -> None:
    code = visitor.sign_in("mine@sandbox.test")["code"]
    stranger = application(gateway)
    assert stranger.exchange(code).status_code == 400
    assert httpx.post(f"{app.url}/v1/auth/token/{code}").status_code == 401
    assert app.exchange(code).status_code == 200  # nobody spoiled it


def test_accounts_are_reused_when_asked(app: App, visitor: Visitor, dovecot: Dovecot, postfix: Postfix) -> None:
    def account(email: str, **query: str) -> int:
        return int(app.exchange(visitor.sign_in(email, **query)["code"]).json()["accountId"])

    first = account("again@sandbox.test")
    assert account("again@sandbox.test") != first
    assert account("AGAIN@sandbox.test", recycle="true") == first
    assert account("again@sandbox.test", recycle="true", clientOrgId="other") != first
    assert account("again@sandbox.test", accountId=str(first)) == first
    assert visitor.sign_in("else@sandbox.test", accountId=str(first))["error"] == "wrong_account"
    assert visitor.sign_in("again@sandbox.test", accountId="99999999")["error"] == "unknown_account"


def test_an_account_is_not_taken_over_by_a_server_that_says_its_address(
    app: App, visitor: Visitor, dovecot: Dovecot, postfix: Postfix
) -> None:
    """Whoever runs a mail server can make it say any address: it is another mailbox all the same."""
    user = dovecot.new_user()
    smtp = f"localhost:{postfix.submissions}"
    real = {"serviceType": "IMAP", "active": True, "email": user.address, "password": user.password,
            "serverUrl": f"imaps://localhost:{dovecot.imaps}", "serverUrl2": smtp}  # fmt: skip
    saved = app.call("POST", "/v1/am/accounts", json=real).json()
    theirs = {"serverUrl": f"127.0.0.1:{dovecot.imap}", "serverUrl2": smtp}
    begun = visitor.begin(serviceType="IMAP", accountId=str(saved["accountId"]))
    given = back(visitor.fill(begun, email=user.address, password=user.password, **theirs))
    assert given["error"] == "wrong_account"
