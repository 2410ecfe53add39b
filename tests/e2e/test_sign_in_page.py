"""The sign-in form and the sessions it begins, in a browser, with pages of other origins around it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.signing import App, application
from tests.servers.dav import Radicale
from tests.servers.dovecot import Dovecot
from tests.servers.gateway import Gateway
from tests.servers.packages import require
from tests.servers.postfix import Postfix

PHONE = {"width": 390, "height": 844}
_POPUP = """url => new Promise(resolve => {
  window.onmessage = event => resolve([event.origin, event.data]);
  window.open(url);
  setTimeout(() => resolve(null), 20000);
})"""
_ASK = """async ([url, method, client]) => {
  try {
    const headers = {"X-Aurinko-ClientId": client};
    const answer = await fetch(url, {method, headers, credentials: "include"});
    return answer.status;
  } catch (error) { return "blocked"; }
}"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>app</title><h1>The application</h1>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def origins() -> Iterator[list[str]]:
    """Two sites: the application's, and somebody else's."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _Page) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def app(gateway: Gateway, origins: list[str]) -> App:
    app = application(gateway, f"{origins[0]}/back")
    gateway.postroom("apps", "domains", app.name, "add", origins[0])
    return app


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A telephone without JavaScript."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    yield context.new_page()
    context.close()


def link(app: App, origins: list[str], path: str = "authorize", **query: str) -> str:
    given = {"clientId": app.client_id, "serviceType": "Sandbox", "returnUrl": f"{origins[0]}/back", **query}
    return f"{app.url}/v1/auth/{path}?{urlencode(given)}"


def test_somebody_connects_a_mailbox_without_javascript(
    app: App, origins: list[str], page: Page, dovecot: Dovecot, postfix: Postfix
) -> None:
    user = dovecot.new_user()
    page.goto(link(app, origins, serviceType="IMAP", loginHint=user.address, state="s"))
    expect(page.locator("main")).to_contain_text(app.name)
    expect(page.get_by_label("E-mail address")).to_have_value(user.address)
    page.get_by_label("Password").fill("wrong")
    page.locator("summary").click()
    page.get_by_label("Server", exact=False).first.fill(f"imaps://localhost:{dovecot.imaps}")
    page.get_by_label("Server for sending").fill(f"localhost:{postfix.submissions}")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("alert")).to_contain_text("The sign-in was refused")
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Server for sending")).to_have_value(f"localhost:{postfix.submissions}")
    page.get_by_label("Password").fill(user.password)
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url(f"{origins[0]}/back?status=success&*")
    assert "state=s" in page.url
    code = page.url.partition("code=")[2].partition("&")[0]
    assert app.exchange(code).status_code == 200


def test_somebody_connects_a_calendar_server(app: App, origins: list[str], page: Page, radicale: Radicale) -> None:
    user = radicale.new_user()
    page.goto(link(app, origins, serviceType="CalDAV", loginHint=user.address, serverUrl=radicale.url))
    expect(page.get_by_role("heading")).to_have_text("Connect your calendar account")
    expect(page.get_by_label("Server", exact=False).first).to_have_value(radicale.url)
    assert page.get_by_label("Server for sending").count() == 0
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("alert")).to_contain_text("The sign-in was refused")
    page.get_by_label("Password").fill(user.password)
    page.get_by_role("button", name="Connect").click()
    _works(app, origins, page, "/v1/calendars", "/v1/contacts")


def test_somebody_connects_an_icloud_account(origins: list[str], page: Page, radicale: Radicale) -> None:
    """Its servers are known: nobody is asked for them, and another kind of password is."""
    user = radicale.new_user()
    with Gateway(POSTROOM_ICLOUD_DAV_URL=radicale.url) as gateway:
        app = application(gateway, f"{origins[0]}/back")
        page.goto(link(app, origins, serviceType="iCloud", scopes="Calendar.ReadWrite Contacts.Read"))
        assert page.get_by_label("Server", exact=False).count() == 0
        page.get_by_label("E-mail address").fill(user.address)
        page.get_by_label("App-specific password").fill("wrong")
        page.get_by_role("button", name="Connect").click()
        expect(page.get_by_role("alert")).to_contain_text("The sign-in was refused")
        page.get_by_label("App-specific password").fill(user.password)
        page.get_by_role("button", name="Connect").click()
        _works(app, origins, page, "/v1/calendars", "/v1/contacts")


def _works(app: App, origins: list[str], page: Page, *paths: str) -> None:
    """The browser came back with a code whose account is of use."""
    page.wait_for_url(f"{origins[0]}/back?status=success&*")
    saved = app.exchange(page.url.partition("code=")[2].partition("&")[0]).json()
    headers = {"authorization": f"Bearer {saved['accessToken']}"}
    assert {httpx.get(app.url + path, headers=headers, timeout=30).status_code for path in paths} == {200}


def test_a_keyboard_is_enough_and_labels_are_there(app: App, origins: list[str], page: Page) -> None:
    page.goto(link(app, origins))
    for one in page.locator("input:not([type=hidden])").all():
        assert one.evaluate("element => element.labels.length") == 1
    page.get_by_label("E-mail address").focus()
    page.keyboard.type("keys@sandbox.test")
    page.keyboard.press("Tab")
    page.keyboard.type("x")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{origins[0]}/back?status=success&*")


def test_cancelling_and_old_links(app: App, origins: list[str], page: Page) -> None:
    page.goto(link(app, origins))
    form = page.url
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(f"{origins[0]}/back?status=error&*access_denied*")
    page.goto(form)
    expect(page.get_by_role("alert")).to_contain_text("This sign-in is over")
    page.goto(link(app, origins, returnUrl="https://evil.test/"))
    expect(page.get_by_role("alert")).to_contain_text("not registered")
    assert page.url.startswith(app.url)


def test_the_form_cannot_be_framed_or_forged(app: App, origins: list[str], browser: Browser) -> None:
    page = browser.new_context().new_page()
    page.goto(link(app, origins))
    place = page.url
    evil = page.context.new_page()
    evil.goto(origins[1])
    evil.set_content(f'<iframe src="{place}"></iframe>')
    framed = evil.frames[1] if len(evil.frames) > 1 else None
    assert framed is None or framed.locator("input[name=password]").count() == 0
    fields = (
        '<input name="email" value="x@sandbox.test"><input name="password" value="x"><input name="token" value="t">'
    )
    evil.goto(origins[1])
    evil.set_content(f'<form method="post" action="{place}">{fields}<button>go</button></form>')
    evil.get_by_role("button").click()
    expect(evil.get_by_role("alert")).to_contain_text("another site")
    page.context.close()


def test_a_session_is_of_use_to_the_applications_own_pages_only(app: App, origins: list[str], browser: Browser) -> None:
    page = browser.new_context().new_page()
    page.goto(link(app, origins, "authorizeUser", accountRole="primary"))
    page.get_by_label("E-mail address").fill("session@sandbox.test")
    page.get_by_label("Password").fill("x")
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url(f"{origins[0]}/back?status=success")
    me, out = f"{app.url}/v1/user", f"{app.url}/v1/user/logout"
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate(_ASK, [me, "GET", app.client_id]) == 200
    evil = page.context.new_page()
    evil.goto(origins[1])
    assert evil.evaluate(_ASK, [me, "GET", app.client_id]) == "blocked"
    assert evil.evaluate(_ASK, [out, "POST", app.client_id]) == "blocked"
    assert page.evaluate(_ASK, [me, "GET", app.client_id]) == 200
    assert page.evaluate(_ASK, [out, "POST", app.client_id]) == 200
    assert page.evaluate(_ASK, [me, "GET", app.client_id]) == 401
    page.context.close()


def test_a_window_of_its_own_tells_the_page_that_opened_it(app: App, origins: list[str], browser: Browser) -> None:
    """As older clients do it: no return URL, and a message."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(origins[0])
    given = {"clientId": app.client_id, "serviceType": "Sandbox", "userAccount": "primary", "state": "<s>"}
    url = f"{app.url}/v1/auth/authorize?{urlencode(given)}"
    with context.expect_page() as opened:
        page.evaluate(f"url => {{ window.heard = ({_POPUP})(url); }}", url)
    opened.value.get_by_label("E-mail address").fill("popup@sandbox.test")
    opened.value.get_by_label("Password").fill("x")
    with opened.value.expect_event("close"):
        opened.value.get_by_role("button", name="Connect").click()
    assert page.evaluate("window.heard") == [app.url, {"status": "success", "state": "<s>"}]
    assert page.evaluate(_ASK, [f"{app.url}/v1/user", "GET", app.client_id]) == 200
    context.close()


def test_a_foreign_page_that_opened_the_window_hears_nothing(app: App, origins: list[str], browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(origins[1])
    url = f"{app.url}/signin/done?clientId={app.client_id}&status=error&message=%3Cb%3Eno%3C%2Fb%3E"
    page.evaluate("() => { window.heard = []; window.onmessage = event => window.heard.push(event.data); }")
    with context.expect_page() as opened:
        page.evaluate("url => { window.open(url); }", url)
    if not opened.value.is_closed():
        opened.value.wait_for_event("close")
    assert page.evaluate("new Promise(done => setTimeout(() => done(window.heard), 200))") == []
    context.close()


def test_the_end_of_a_sign_in_is_shown_without_javascript(app: App, page: Page) -> None:
    page.goto(f"{app.url}/signin/done?clientId={app.client_id}&status=error&message=%3Cb%3Eno%3C%2Fb%3E")
    expect(page.get_by_role("status")).to_have_text("<b>no</b>")
    page.goto(f"{app.url}/signin/done?clientId=nobody&status=success")
    expect(page.get_by_role("alert")).to_contain_text("no application has this client id")
