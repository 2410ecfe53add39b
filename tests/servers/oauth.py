"""A small OAuth 2 server with consent page, codes (PKCE), refresh, revocation, and an API that asks for its tokens.

It speaks as Google does: paths, parameters, and that revoking one token takes away all that the user granted to the
client. `rotating` gives a new refresh token each time; the one before is good until the new one was used (RFC 9700
4.14.2 leaves that to servers).
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT_ID, CLIENT_SECRET = "client-1", "client-secret-1"
IDENTITY = {
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
}


def subject(user: str) -> str:
    """The unchanging id of a user."""
    return hashlib.sha256(user.encode()).hexdigest()[:20]


@dataclass
class Consent:
    """A consent: whose, for what, and the tokens that came of it."""

    user: str
    scopes: list[str]
    redirect_uri: str
    challenge: str
    refresh_token: str = ""
    previous: str = ""
    access: dict[str, float] = field(default_factory=dict)
    revoked: bool = False


class OAuthServer:
    """`with OAuthServer() as server:`; `users` have an address each. `life`: seconds of an access token."""

    def __init__(self, *, rotating: bool = False, life: float = 3600) -> None:
        self.rotating, self.life = rotating, life
        self.redirect_uris: set[str] = set()
        self.codes: dict[str, Consent] = {}
        self.consents: list[Consent] = []
        self.refreshes = 0
        self.down = False
        self.asked: list[dict[str, str]] = []  # queries of the consent page
        self.before_answer: Callable[[], None] = lambda: None  # after a refresh was carried out, before it is told
        self._lock = threading.Lock()

    def __enter__(self) -> "OAuthServer":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def settings(self) -> dict[str, str]:
        """What makes a gateway use it."""
        return {
            "POSTROOM_GOOGLE_AUTH_URL": f"{self.url}/authorize",
            "POSTROOM_GOOGLE_TOKEN_URL": f"{self.url}/token",
            "POSTROOM_GOOGLE_API_URL": self.url,
        }

    def decide(self, query: dict[str, str], user: str, kept: list[str] | None) -> str:
        """What the browser is sent to after consent (`kept`: the scopes that stayed ticked) or denial."""
        back = {"state": query["state"]}
        if kept is None:
            return f"{query['redirect_uri']}?{urlencode({**back, 'error': 'access_denied'})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = Consent(user, kept, query["redirect_uri"], query["code_challenge"])
        return f"{query['redirect_uri']}?{urlencode({**back, 'code': code, 'scope': ' '.join(kept)})}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """The token endpoint (RFC 6749 4.1.3, 6)."""
        if self.down:
            return 503, {"error": "temporarily_unavailable"}
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        with self._lock:
            return self._code(form) if form.get("grant_type") == "authorization_code" else self._refresh(form)

    def _code(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        consent = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if consent is None or consent.redirect_uri != form.get("redirect_uri") or consent.challenge != proof:
            return 400, {"error": "invalid_grant"}
        consent.refresh_token = secrets.token_urlsafe(16)
        self.consents.append(consent)
        claims = {"sub": subject(consent.user), "email": consent.user}
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        return 200, {**self._access(consent), "refresh_token": consent.refresh_token, "id_token": f"e30.{body}.x"}

    def _refresh(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        self.refreshes += 1
        given = form.get("refresh_token", "")
        consent = next((one for one in self.consents if given and given in (one.refresh_token, one.previous)), None)
        if consent is None or consent.revoked:
            return 400, {"error": "invalid_grant"}
        answer = self._access(consent)
        if self.rotating:
            consent.previous, consent.refresh_token = given, secrets.token_urlsafe(16)
            answer["refresh_token"] = consent.refresh_token
        self.before_answer()
        return 200, answer

    def _access(self, consent: Consent) -> dict[str, object]:
        token = secrets.token_urlsafe(16)
        consent.access[token] = time.time() + self.life
        scope = " ".join(consent.scopes)
        return {"access_token": token, "expires_in": self.life, "scope": scope, "token_type": "Bearer"}

    def revoke(self, token: str) -> tuple[int, dict[str, object]]:
        """All consents of the token's user are gone."""
        if self.down:
            return 503, {"error": "temporarily_unavailable"}
        living = [one for one in self.consents if not one.revoked]
        found = [one for one in living if token in (one.refresh_token, one.previous, *one.access)]
        for consent in self.consents:
            consent.revoked |= any(consent.user == one.user for one in found)
        return (200, {}) if found else (400, {"error": "invalid_token"})

    def alive(self, user: str) -> bool:
        """Whether a grant of theirs is good."""
        return any(one.user == user and not one.revoked for one in self.consents)

    def user_of(self, bearer: str) -> str | None:
        """Whose a living access token is."""
        for consent in self.consents:
            if not consent.revoked and consent.access.get(bearer, 0) > time.time():
                return consent.user
        return None

    def expire(self) -> None:
        """No access token that was given is good any more."""
        for consent in self.consents:
            consent.access.clear()


def _handler(server: OAuthServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/authorize":
                self._page(query)
                return
            user = server.user_of(self.headers.get("authorization", "").removeprefix("Bearer "))
            if user is None:
                self._answer(
                    401, {"error": {"code": 401, "message": "Invalid Credentials", "errors": [{"reason": "authError"}]}}
                )
            elif parts.path.endswith("/userinfo"):
                self._answer(200, {"id": subject(user), "email": user})
            elif parts.path.endswith("/profile"):
                self._answer(200, {"emailAddress": user, "messagesTotal": 0, "threadsTotal": 0, "historyId": "1"})
            elif parts.path.endswith("/labels"):
                self._answer(200, {"labels": [{"id": "INBOX", "name": "INBOX", "type": "system"}]})
            else:
                self._answer(404, {"error": {"code": 404, "message": "not here"}})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            fields = parse_qs(text, keep_blank_values=True)
            form = {name: values[-1] for name, values in fields.items()}
            if self.path == "/token":
                self._answer(*server.token(form))
            elif self.path == "/revoke":
                self._answer(*server.revoke(form["token"]))
            else:  # the consent page was sent
                query = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
                kept = None if "deny" in form else [*fields.get("scope", []), *sorted(IDENTITY)]
                self.send_response(302)
                self.send_header("location", server.decide(query, form.get("user", ""), kept))
                self.end_headers()

        def _page(self, query: dict[str, str]) -> None:
            server.asked.append(query)
            known = query.get("redirect_uri") in server.redirect_uris and query.get("client_id") == CLIENT_ID
            if not known or query.get("code_challenge_method") != "S256":
                self._answer(400, {"error": "redirect_uri_mismatch"})
                return
            asked = [scope for scope in query["scope"].split() if scope not in {*IDENTITY, "email", "profile"}]
            boxes = "".join(f'<input type="checkbox" name="scope" value="{html.escape(one)}" checked>' for one in asked)
            user = f'<input name="user" value="{html.escape(query.get("login_hint", ""))}">'
            buttons = '<button id="allow">Allow</button><button name="deny">Deny</button>'
            page = f'<form method="post">{user}{boxes}{buttons}</form>'
            self._send(200, "text/html", page.encode())

        def _answer(self, status: int, body: dict[str, object]) -> None:
            self._send(status, "application/json", json.dumps(body).encode())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
