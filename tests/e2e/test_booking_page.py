"""The booking page in a browser: with a keyboard, without JavaScript, and against forged and wrong forms."""

import base64
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.test_booking import OPEN
from tests.servers.gateway import Gateway
from tests.servers.packages import require

NAMES = iter(range(1000))
PHONE = {"width": 390, "height": 844}
_CONTRAST = """element => {
  const light = text => {
    const [r, g, b] = text.match(/[0-9.]+/g).slice(0, 3).map(Number).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = element;
  while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  const pair = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(light).sort();
  return (pair[1] + 0.05) / (pair[0] + 0.05);
}"""

_LABELS = "element => element.labels.length"
_HEIGHT = "element => element.getBoundingClientRect().height"


@dataclass
class Site:
    """A gateway with an account; each profile has a page."""

    gateway: Gateway
    client_id: str
    token: str

    def profile(self, **says: Any) -> str:
        """The URL of a new profile's page."""
        name = f"page-{next(NAMES)}"
        body = {"name": name, "workHours": OPEN, "startAfterMinutes": 0, "subject": "Talk with Ann", **says}
        self.gateway.call("POST", "/v1/book/account/profiles", body, self.token)
        return f"http://127.0.0.1:{self.gateway.port}/book/{self.client_id}/{name}"


@pytest.fixture(scope="module")
def site(gateway: Gateway) -> Site:
    client_id = base64.b64decode(gateway.basic.split()[1]).decode().partition(":")[0]
    return Site(gateway, client_id, gateway.link(serviceType="Sandbox", email="page@x.test", serverInfo="empty"))


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


def book(page: Page, url: str, slot: int = 0) -> str:
    """Go the whole way; the text of the chosen slot."""
    page.goto(url)
    link = page.locator(".slots a").nth(slot)
    chosen = link.inner_text()
    link.click()
    page.get_by_label("Your name").fill("Vi Sitor")
    page.get_by_label("Your e-mail address").fill("vi@example.com")
    page.get_by_role("button", name="Book this time").click()
    return chosen


def test_a_visitor_books_moves_and_cancels_without_javascript(site: Site, page: Page) -> None:
    chosen = book(page, f"{site.profile()}?tz=Asia/Kolkata")
    expect(page.get_by_role("status")).to_contain_text("is booked")
    expect(page.locator(".when")).to_contain_text(f"{chosen} to")
    expect(page.locator(".when")).to_contain_text("Asia/Kolkata")
    page.get_by_role("link", name="Choose another time").click()
    expect(page.locator("main")).to_contain_text("You are moving your meeting")
    page.locator(".slots a").nth(3).click()
    page.get_by_role("button", name="Move the meeting").click()
    expect(page.get_by_role("status")).to_contain_text("was moved")
    page.get_by_role("button", name="Cancel the meeting").click()
    expect(page.get_by_role("status")).to_contain_text("was cancelled")
    expect(page.get_by_role("button")).to_have_count(0)


def test_a_keyboard_is_enough(site: Site, browser: Browser) -> None:
    page = browser.new_context(viewport=PHONE).new_page()
    page.goto(f"{site.profile()}?tz=UTC")
    for expected in ("SELECT", "BUTTON", "A"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == expected
    page.keyboard.press("Enter")
    page.wait_for_url("**start=**")
    order = ["A", "name", "email", "BUTTON"]
    for expected in order:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name || document.activeElement.tagName") == expected
        if expected in ("name", "email"):
            page.keyboard.type("vi@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_focused()
    page.context.close()


def test_the_visitors_own_time_zone_is_found(site: Site, browser: Browser) -> None:
    page = browser.new_context(timezone_id="America/New_York").new_page()
    page.goto(site.profile())
    expect(page.get_by_label("Time zone")).to_have_value("America/New_York")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Change").click()
    expect(page.locator("main strong")).to_have_text("Europe/Berlin")
    page.context.close()


def test_whoever_comes_second_is_offered_other_times(site: Site, browser: Browser) -> None:
    url = site.profile()
    first, second = (browser.new_context(java_script_enabled=False).new_page() for _ in range(2))
    for page in (first, second):
        page.goto(url)
        page.locator(".slots a").nth(5).click()
        page.get_by_label("Your name").fill("Vi")
        page.get_by_label("Your e-mail address").fill("vi@example.com")
    first.get_by_role("button", name="Book this time").click()
    expect(first.get_by_role("status")).to_contain_text("is booked")
    second.get_by_role("button", name="Book this time").click()
    expect(second.get_by_role("alert")).to_contain_text("just taken")
    assert second.locator(".slots a").count() > 0
    for page in (first, second):
        page.context.close()


def test_a_form_that_is_sent_twice_books_once(site: Site, page: Page) -> None:
    url = site.profile()
    page.goto(url)
    page.locator(".slots a").first.click()
    fields = {one: page.locator(f"[name={one}]").input_value() for one in ("token", "start", "zone")}
    fields |= {"name": "Vi", "email": "vi@example.com"}
    ends = [page.request.post(page.url, form=fields, max_redirects=0).headers["location"] for _ in range(2)]
    assert ends[0] == ends[1]


def test_what_is_wrong_stands_beside_its_field(site: Site, page: Page) -> None:
    page.goto(site.profile(description="{{phone}} {{comments}}"))
    page.locator(".slots a").first.click()
    page.get_by_label("Your name").fill("<b>Vi</b>")
    fields, url = {one: page.locator(f"[name={one}]").input_value() for one in ("token", "start", "zone")}, page.url
    good = fields | {"name": "Vi", "email": "vi@example.com"}
    assert "Please fill this in." in page.request.post(url, form=good).text()
    page.set_content(page.request.post(page.url, form=fields | {"name": "<b>Vi</b>", "email": "nobody"}).text())
    expect(page.get_by_role("alert")).to_contain_text("e-mail address such as")
    expect(page.get_by_label("Your e-mail address")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Your name")).to_have_value("<b>Vi</b>")


def test_every_field_has_a_label_and_every_text_contrast(site: Site, browser: Browser) -> None:
    url = site.profile(description="{{phone}} {{comments}}")
    for scheme in ("light", "dark"):
        page = browser.new_context(viewport=PHONE, color_scheme=scheme, timezone_id="UTC").new_page()  # type: ignore[arg-type]
        page.goto(url)
        _check(page)
        page.locator(".slots a").first.click()
        _check(page)
        page.context.close()


def _check(page: Page) -> None:
    assert page.locator("h1").count() == 1 and page.locator("main").count() == 1 and page.title()
    labels = page.locator("input:not([type=hidden]), select, textarea").evaluate_all(f"all => all.map({_LABELS})")
    assert labels == [1] * len(labels)
    shown = "h1, h2, p, a, label, button, .hint, input:not([type=hidden]), select"
    assert min(page.locator(shown).evaluate_all(f"all => all.map({_CONTRAST})")) >= 4.5
    targets = page.locator("button, input:not([type=hidden]), .slots a").evaluate_all(f"all => all.map({_HEIGHT})")
    assert min(targets) >= 44
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pages_cannot_be_forged_framed_or_injected(site: Site, page: Page) -> None:
    url = site.profile(subject="<script>alert(1)</script>")
    answer = page.goto(url)
    assert answer is not None
    assert "<script>alert" not in answer.text() and "&lt;script&gt;" in answer.text()
    headers = answer.headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    page.locator(".slots a").first.click()
    fields = {one: page.locator(f"[name={one}]").input_value() for one in ("token", "start", "zone")}
    good = fields | {"name": "Vi", "email": "vi@example.com"}
    assert post(page.url, good, origin="https://evil.example") == 403
    assert post(page.url, good, **{"sec-fetch-site": "cross-site"}) == 403
    assert post(page.url, good | {"token": "forged"}) == 400
    assert post(page.url, good | {"start": "yesterday"}) == 400
    assert post(page.url, good | {"x": "y" * 70_000}) in (400, 413, 403)
    assert post(page.url, good) == 200  # follows the redirect
    root = f"http://127.0.0.1:{site.gateway.port}/book"
    assert post(f"{root}/meeting/forged", {"token": "x"}) == 400
    for missing in (f"{root}/nobody/nothing", f"{root}/{site.client_id}/nothing", f"{root}/meeting/forged"):
        assert get(missing) in (400, 404)


def post(url: str, fields: dict[str, str], **headers: str) -> int:
    return get(url, urllib.parse.urlencode(fields).encode(), **headers)


def get(url: str, data: bytes | None = None, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        assert refused.headers["content-type"].startswith("text/html")
        return refused.code
