"""Microseconds per message for reading a list's header fields: ours against CPython's email package.

`python -m bench headers`
"""

import email
import email.policy
import email.utils
import time
from collections.abc import Callable

from providers.formats.envelope import envelope
from providers.formats.headers import Headers

_MESSAGES = 10_000
_PLAIN = (
    b"Date: Tue, 17 Nov 2026 09:%02d:11 +0100\r\nSubject: Minutes of meeting %d\r\n"
    b"From: Ada Lovelace <ada%d@example.com>\r\nTo: Charles Babbage <charles@example.com>, team@example.com\r\n"
    b"Message-ID: <%d.abc@example.com>\r\nIn-Reply-To: <%d.abd@example.com>\r\n"
    b"References: <1.abc@example.com>\r\n <2.abc@example.com>\r\n\r\n"
)
_ENCODED = _PLAIN.replace(b"Minutes of meeting", b"=?utf-8?q?Protokoll_f=C3=BCr_?= =?utf-8?b?R3LDvMOfZQ==?=").replace(
    b"Ada Lovelace", b"=?utf-8?q?J=C3=B6rg_M=C3=BCller?="
)


def _ours(data: bytes) -> None:
    envelope(Headers.parse(data))


def _compat32_headers(data: bytes) -> None:
    email.message_from_bytes(data)  # splits the fields; decodes nothing


def _compat32(data: bytes) -> None:
    message = email.message_from_bytes(data)
    str(email.header.make_header(email.header.decode_header(message["Subject"])))
    email.utils.getaddresses([message["From"]])
    email.utils.getaddresses([message["To"]])
    email.utils.parsedate_to_datetime(message["Date"])


def _default(data: bytes) -> None:
    message = email.message_from_bytes(data, policy=email.policy.default)
    _ = str(message["Subject"]), message["From"].addresses, message["To"].addresses, message["Date"].datetime


def _microseconds(read: Callable[[bytes], None], messages: list[bytes]) -> float:
    start = time.process_time()
    for data in messages:
        read(data)
    return (time.process_time() - start) / len(messages) * 1e6


def main() -> None:
    """Print one line for each kind of mail."""
    count = _MESSAGES
    for name, template in (("plain", _PLAIN), ("encoded", _ENCODED)):
        messages = [template % (n % 60, n, n, n, n) for n in range(count)]
        few = messages[: count // 20 or 1]
        figures = (
            ("ours", _microseconds(_ours, messages)),
            ("compat32, split only", _microseconds(_compat32_headers, messages)),
            ("compat32, same fields", _microseconds(_compat32, messages)),
            ("policy.default", _microseconds(_default, few)),
        )
        print(f"{name:8}", *(f"{label} {figure:.1f}  " for label, figure in figures), "us/message")
