"""An application whose people sign in, and their browsers: cookies, forms, redirects, as HTTP has them."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import httpx

from tests.servers.gateway import Gateway

BACK = "https://app.example.test/back"
ORIGIN = "https://app.example.test"


@dataclass
class App:
    """An application of the gateway with a return URL and a trusted domain."""

    gateway: Gateway
    client_id: str
    secret: str
    name: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()

    def call(self, method: str, path: str, **given: Any) -> httpx.Response:
        """A call of the application's server."""
        headers = {"authorization": self.basic, **given.pop("headers", {})}
        return httpx.request(method, self.url + path, headers=headers, timeout=30, **given)

    def exchange(self, code: str) -> httpx.Response:
        return self.call("POST", f"/v1/auth/token/{code}")


def application(gateway: Gateway, *urls: str) -> App:
    """A new application."""
    name = f"app {uuid4().hex[:8]}"
    made = json.loads(gateway.postroom("apps", "create", name, "--json"))
    gateway.postroom("apps", "urls", name, "add", *(urls or (BACK,)))
    gateway.postroom("apps", "domains", name, "add", ORIGIN)
    return App(gateway, made["clientId"], made["clientSecret"], name)


class Visitor:
    """A person's browser: it follows nothing by itself."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.http = httpx.Client(base_url=app.url, timeout=30, headers={"accept": "text/html"})

    def begin(self, path: str = "/v1/auth/authorize", **query: Any) -> httpx.Response:
        """Follow a link of the application."""
        given = {"clientId": self.app.client_id, "serviceType": "Sandbox", "returnUrl": BACK, **query}
        pairs = {name: value for name, value in given.items() if value is not None}
        return self.http.get(f"{path}?{urlencode(pairs, doseq=True)}")

    def fill(self, begun: httpx.Response, **fields: str) -> httpx.Response:
        """Fill the form that the answer leads to."""
        assert begun.status_code == 303, begun.text
        place = begun.headers["location"]
        shown = self.http.get(place)
        assert shown.status_code == 200, shown.text
        return self.send(place, shown.text, **fields)

    def send(self, place: str, form: str, **fields: str) -> httpx.Response:
        """Send a form that was shown."""
        token = re.search(r'name="token" value="([^"]+)"', form)
        assert token
        return self.http.post(place, data={"token": token[1], **fields})

    def sign_in(self, email: str, path: str = "/v1/auth/authorize", **query: Any) -> Mapping[str, str]:
        """The whole way with a sandbox account; what the application gets."""
        return back(self.fill(self.begin(path, **query), email=email, password="x"))


def back(answer: httpx.Response, url: str = BACK) -> dict[str, str]:
    """The parameters with which the browser comes back to the application."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(url), location
    return dict(parse_qsl(urlsplit(location).query))
