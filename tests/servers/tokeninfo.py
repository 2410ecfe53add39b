"""The token-info endpoint of an OAuth 2 server, as Dovecot asks it about XOAUTH2 access tokens."""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class TokenInfo:
    """`tokens` maps access tokens to e-mail addresses; anything else is refused."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/tokeninfo?access_token="
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        tokens = self.tokens

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                email = tokens.get(query.get("access_token", [""])[0])
                body = json.dumps({"email": email} if email else {"error": "invalid_token"}).encode()
                self.send_response(200 if email else 400)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
