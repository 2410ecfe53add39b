"""Submission of one message (RFC 6409, 5321, 4954): a dialogue of our own, since smtplib wants the message whole.

What is sent is streamed, and an answer that is lost after the final dot is told apart from every other failure.
"""

import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from providers.base.errors import Invalid, TooLarge, Unavailable, Uncertain, Unsupported
from providers.base.provider import ProviderSettings
from providers.imap import net, smtp_errors
from providers.imap.dots import transparent
from providers.imap.grant import Endpoint, ImapGrant, Security
from providers.imap.smtp_errors import Reply

_MAX_LINE = 8192  # octets; RFC 5321 4.5.3.1.5 says 512
_MAX_LINES = 200


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends to whom, and what the server has to be able to do; `size` in octets, without dot-stuffing."""

    sender: str
    recipients: Sequence[str]
    size: int
    smtputf8: bool = False
    eight_bit: bool = False


def submit(
    grant: ImapGrant,
    settings: ProviderSettings,
    envelope: Envelope,
    chunks: Iterable[bytes],
    leaving: Callable[[], None] | None = None,
) -> dict[str, str]:
    """Send one message; the recipients that were refused, with the server's words. `leaving` is called before DATA.

    Raises `Invalid("to")` (no recipients, or all refused), `TooLarge`, `Unauthorized`, `Denied`, `RateLimited`,
    `Unavailable`: nothing left. Raises `Uncertain` when the answer was lost after the message had gone out.
    """
    if grant.smtp is None:
        raise Unsupported(
            "this account has no SMTP server, so it cannot send: link it again with serverUrl2 (host or host:port)"
        )
    if not envelope.recipients:
        raise Invalid("the message has no recipients", path="to")
    with Submitter.open(grant.smtp, settings) as submitter:
        submitter.sign_in(grant)
        return submitter.submit(envelope, chunks, leaving)


@dataclass(slots=True)
class Submitter:
    """A connection to a submission server; a context manager that says QUIT."""

    endpoint: Endpoint
    settings: ProviderSettings
    connection: socket.socket
    extensions: Mapping[str, str] = field(default_factory=dict)  # upper case keyword -> its parameters
    _unread: bytearray = field(default_factory=bytearray)

    @classmethod
    def open(cls, endpoint: Endpoint, settings: ProviderSettings) -> "Submitter":
        """Connect, greet, protect. Raises `Invalid("serverUrl2")` for a forbidden address, `Timeout`, `Unavailable`."""
        submitter = cls(endpoint, settings, net.connect(endpoint, settings, path="serverUrl2"))
        try:
            submitter._begin()
        except BaseException:
            submitter.connection.close()
            raise
        return submitter

    def __enter__(self) -> "Submitter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.connection.sendall(b"QUIT\r\n")  # nobody waits for the answer
        except OSError:
            pass
        self.connection.close()

    @property
    def where(self) -> str:
        """host:port, for messages."""
        return f"{self.endpoint.host}:{self.endpoint.port}"

    def _begin(self) -> None:
        self._expect(self._reply(), "the greeting")
        self._hello()
        if self.endpoint.security is Security.STARTTLS:
            self._protect()

    def _protect(self) -> None:
        if "STARTTLS" not in self.extensions:
            raise net.Misconfigured(f"the SMTP server {self.where} does not offer STARTTLS: no password was sent")
        self._expect(self._command("STARTTLS"), "STARTTLS")
        if self._unread:  # injected before the protection (CVE-2011-0411)
            raise Unavailable(f"the SMTP server {self.where} spoke out of turn before TLS")
        self.connection = net.secure(self.connection, self.endpoint, self.settings)
        self._hello()

    def _hello(self) -> None:
        """EHLO with an address literal (RFC 5321 4.1.3), since a gateway's own name is nobody's business."""
        address = str(self.connection.getsockname()[0])
        literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        reply = self._expect(self._command(f"EHLO {literal}"), "EHLO")
        words = [line.upper().replace("AUTH=", "AUTH ").partition(" ") for line in reply.lines[1:]]
        self.extensions = {keyword: parameters for keyword, _, parameters in words}

    def sign_in(self, grant: ImapGrant) -> None:
        """AUTH. Raises `Unauthorized`; `Unavailable` when the server offers no way that we know."""
        offered = self.extensions.get("AUTH", "").split()
        if not offered and self.endpoint.security is Security.PLAIN:
            return  # a relay in a private network that knows its clients by address
        protected = isinstance(self.connection, ssl.SSLSocket)
        if not protected and self.endpoint.security is not Security.PLAIN:
            raise Unavailable(f"the SMTP connection to {self.where} is not protected: no password was sent")
        reply = self._authenticate(grant, offered)
        if reply.code != 235:
            raise smtp_errors.refused_login(reply, self.where, secrets=(grant.password, grant.access_token))

    def _authenticate(self, grant: ImapGrant, offered: list[str]) -> Reply:
        login, password = grant.smtp_login, grant.password or ""
        if grant.access_token is not None:
            token = f"user={login}\x01auth=Bearer {grant.access_token}\x01\x01"
            reply = self._command(f"AUTH XOAUTH2 {_base64(token)}")
            return self._command("") if reply.code == 334 else reply  # 334: the reason; then comes the refusal
        if "PLAIN" in offered:
            text = _base64(f"\0{login}\0{password}")
            reply = self._command(f"AUTH PLAIN {text}")
            return self._command(text) if reply.code == 334 else reply
        if "LOGIN" in offered:
            return self._dialogue("AUTH LOGIN", _base64(login), _base64(password))
        raise Unavailable(f"the SMTP server {self.where} offers no sign-in that is supported (AUTH PLAIN or LOGIN)")

    def _dialogue(self, *lines: str) -> Reply:
        reply = Reply(334)
        for line in lines:
            reply = self._command(line)
            if reply.code != 334:
                break
        return reply

    def submit(
        self, envelope: Envelope, chunks: Iterable[bytes], leaving: Callable[[], None] | None = None
    ) -> dict[str, str]:
        """The message to those recipients who are accepted. Raises as the function of this name."""
        self._check(envelope)
        refused = self._address(envelope)
        if leaving is not None:
            leaving()
        reply = self._command("DATA")
        if reply.code != 354:
            raise smtp_errors.failure(reply, self.where, "DATA")
        self._pour(chunks)
        self._finish()
        return refused

    def _check(self, envelope: Envelope) -> None:
        limit = self.extensions.get("SIZE", "")
        if limit.isdigit() and 0 < int(limit) < envelope.size:
            raise TooLarge(
                f"the message has {envelope.size:,} octets; {self.where} takes at most {int(limit):,}",
                path="attachments",
            )
        if envelope.smtputf8 and "SMTPUTF8" not in self.extensions:
            foreign = [one for one in (envelope.sender, *envelope.recipients) if not one.isascii()]
            named = f"the address {foreign[0]!r}" if foreign else "an address in the header"
            raise Invalid(f"{named} needs SMTPUTF8 (RFC 6531), which {self.where} does not offer", path="to")

    def _address(self, envelope: Envelope) -> dict[str, str]:
        """MAIL and RCPT; the refused recipients. Raises when the sender, or every recipient, is refused."""
        options = f" SIZE={envelope.size}" if "SIZE" in self.extensions else ""
        options += " BODY=8BITMIME" if envelope.eight_bit and "8BITMIME" in self.extensions else ""
        options += " SMTPUTF8" if envelope.smtputf8 else ""
        recipients = list(dict.fromkeys(envelope.recipients))
        lines = [f"MAIL FROM:<{envelope.sender}>{options}", *(f"RCPT TO:<{one}>" for one in recipients)]
        answers = self._commands(lines)
        if not (mail := next(answers)).ok:
            raise smtp_errors.failure(mail, self.where, "MAIL", envelope.sender)
        refusals = {one: reply for one, reply in zip(recipients, answers, strict=True) if not reply.ok}
        if len(refusals) == len(recipients):
            raise smtp_errors.nobody(refusals, self.where)
        return {one: reply.text for one, reply in refusals.items()}

    def _pour(self, chunks: Iterable[bytes]) -> None:
        """The message without its final dot: whatever fails here, the server has not taken it."""
        try:
            for chunk in transparent(chunks):
                self.connection.sendall(chunk)
        except OSError as error:
            raise self._lost(error) from error

    def _finish(self) -> None:
        """The final dot. From here on the message may be out, whatever happens to the answer."""
        try:
            self.connection.sendall(b".\r\n")
            reply = self._reply()
        except (OSError, Unavailable) as error:
            raise Uncertain(
                f"{self.where} did not say whether it took the message: look for it before sending it again"
            ) from error
        if not reply.ok:
            raise smtp_errors.failure(reply, self.where, "the message")

    def _commands(self, lines: Sequence[str]) -> Iterator[Reply]:
        """The replies to several commands, which go out in one piece where that is allowed (RFC 2920)."""
        pipelining = "PIPELINING" in self.extensions
        if pipelining:
            self._send("".join(f"{line}\r\n" for line in lines))
        for line in lines:
            yield self._reply() if pipelining else self._command(line)

    def _command(self, line: str) -> Reply:
        self._send(line + "\r\n")
        return self._reply()

    def _send(self, text: str) -> None:
        try:
            self.connection.sendall(text.encode())
        except OSError as error:
            raise self._lost(error) from error

    def _expect(self, reply: Reply, step: str) -> Reply:
        if not reply.ok:
            raise smtp_errors.failure(reply, self.where, step)
        return reply

    def _reply(self) -> Reply:
        """The next reply, of one line or several. Raises `Unavailable`, `Timeout`."""
        deadline = time.monotonic() + self.settings.read_timeout
        lines: list[str] = []
        while len(lines) < _MAX_LINES:
            line = self._line(deadline)
            if len(line) < 3 or not line[:3].isdigit():
                raise net.Misconfigured(f"{self.where} does not speak SMTP: it says {line[:80]!r}")
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), tuple(lines))
        raise Unavailable(f"the SMTP server {self.where} sent an endless answer")

    def _line(self, deadline: float) -> str:
        while (end := self._unread.find(b"\n")) < 0:
            if len(self._unread) > _MAX_LINE:
                raise Unavailable(f"the SMTP server {self.where} sent an endless line")
            self._unread += self._receive(deadline)
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def _receive(self, deadline: float) -> bytes:
        try:
            if time.monotonic() > deadline:
                raise TimeoutError
            data = self.connection.recv(4096)
        except OSError as error:
            raise self._lost(error) from error
        if not data:
            raise Unavailable(f"the SMTP server {self.where} closed the connection: nothing was sent", retry_after=5.0)
        return data

    def _lost(self, error: OSError) -> Unavailable:
        return smtp_errors.lost(error, self.where)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
