"""An Exchange server's metadata document, and the identity tokens that it signs for add-ins."""

import base64
import hashlib
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


class ExchangeIdentity:
    """`with ExchangeIdentity() as issuer:`; `token(...)` is one that is valid unless told otherwise."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        certificate = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        self.x5t = base64.urlsafe_b64encode(hashlib.sha1(certificate).digest()).rstrip(b"=").decode()
        value = {"type": "x509Certificate", "value": base64.b64encode(certificate).decode()}
        self.document = json.dumps({"keys": [{"keyinfo": {"x5t": self.x5t}, "keyvalue": value}]}).encode()

    def __enter__(self) -> "ExchangeIdentity":
        document = self.document

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(document)))
                self.end_headers()
                self.wfile.write(document)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/metadata/json/1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, mailbox: str, audience: str, *, key: Any = None, amurl: str | None = None, **claims: Any) -> str:
        context = {"msexchuid": mailbox, "version": "ExIdTok.V1", "amurl": amurl or self.url}
        now = int(time.time())
        payload = {"aud": audience, "nbf": now, "exp": now + 600, "appctx": json.dumps(context), **claims}
        return jwt.encode(payload, key or self.key, algorithm="RS256", headers={"x5t": self.x5t})
