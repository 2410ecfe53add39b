"""Traces with OpenTelemetry's SDK and exporter, as operators install them: from a server's notice to the webhook."""

import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, User
from tests.servers.gateway import Gateway, wait_until
from tests.servers.receiver import Receiver


class Collector:
    """Takes spans over HTTP (OTLP, protobuf)."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    collector.spans += [span for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def __enter__(self) -> "Collector":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def path(self, *names: str) -> list[Span]:
        """Spans of these names, each following from the one before; empty when there are none."""
        known = {span.span_id: span for span in self.spans}
        for last in [span for span in self.spans if span.name == names[-1]]:
            path = [last]
            while path[0].parent_span_id in known:
                path.insert(0, known[path[0].parent_span_id])
            if [span.name for span in path] == [*names]:
                return path
        return []


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as one:
        yield one


def test_a_message_is_traced_from_the_notice_to_the_webhook(
    collector: Collector, authority: Authority, dovecot: Dovecot, user: User
) -> None:
    exporting = {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "POSTROOM_CA_BUNDLE": str(authority.bundle),
    }
    program = str(Path(sys.executable).with_name("opentelemetry-instrument"))
    with Gateway(under=[program], **exporting) as gateway, Receiver() as receiver:
        token = gateway.link(
            serviceType="IMAP",
            email=user.address,
            password=user.password,
            serverUrl=f"imaps://{dovecot.host}:{dovecot.imaps}",
        )
        wanted = {"resource": "/email/messages", "notificationUrl": receiver.url}
        gateway.call("POST", "/v1/subscriptions", wanted, authorization=token)
        wait_until(lambda: gateway.call("POST", "/v1/email/sync", authorization=token)["ready"], 30)
        with dovecot.client(user) as client:  # the first ones may be found by looking, before anybody listens

            def traced() -> list[Span]:
                client.append("INBOX", b"Subject: traced\r\n\r\nhello\r\n")
                time.sleep(1)
                return collector.path("notice", "pull", "deliver")

            path = wait_until(traced, 40)
    assert len({span.trace_id for span in path}) == 1
    assert {one.key for one in path[-1].attributes} >= {"subscription", "attempt"}
    assert any(payload["changeType"] == "created" for call in receiver.calls for payload in call.payloads)
