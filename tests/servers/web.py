"""An https server with fixed pages."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.servers.certificates import Certificate


class Pages:
    """`with Pages({"/path": b"body"}, certificate) as server:`; other paths are 404. `asked` has every path."""

    def __init__(self, pages: dict[str, bytes], certificate: Certificate) -> None:
        self.pages, self.certificate = pages, certificate
        self.asked: list[str] = []

    def __enter__(self) -> "Pages":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = self.certificate.context().wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self) -> None:
        try:
            self._server.serve_forever(poll_interval=0.02)
        except ssl.SSLError:
            pass

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pages, asked = self.pages, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                body = pages.get(self.path)
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        return Handler
