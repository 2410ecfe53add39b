"""What an SMTP reply means for the caller (RFC 5321 4.2, enhanced codes of RFC 3463 and 5248)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from providers.base.errors import (
    Denied,
    Invalid,
    ProviderError,
    RateLimited,
    Timeout,
    TooLarge,
    Unauthorized,
    Unavailable,
)

_LIMITS = re.compile(r"rate|too many|limit|quota|throttl|exceeded", re.IGNORECASE)
_RETRY_LATER = 60.0  # seconds; greylisting and rate limits want minutes
_DAILY = 3600.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: its code and its lines without it."""

    code: int
    lines: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """2xx or 3xx."""
        return 200 <= self.code < 400

    @property
    def text(self) -> str:
        """All of it, in the server's words."""
        return f"{self.code} {' '.join(self.lines)}".strip()

    @property
    def enhanced(self) -> str:
        """The enhanced status code such as 5.3.4, or nothing."""
        match = re.match(r"[245]\.\d{1,3}\.\d{1,3}(?= |\Z)", self.lines[0]) if self.lines else None
        return match[0] if match else ""


def failure(reply: Reply, where: str, step: str, sender: str = "") -> ProviderError:
    """The error of a refused step (a command, or `the message` after the final dot): nothing was sent."""
    said, original = f"{where} refused {step}: {reply.text}", reply.text
    if reply.code in (530, 534, 535, 538):
        return Unauthorized(f"{where} wants a sign-in: {reply.text}", original=original)
    if reply.enhanced in ("5.3.4", "5.2.3") or reply.code == 552:
        return TooLarge(said, path="attachments", original=original)
    if reply.enhanced == "5.4.5":  # Gmail: daily limit
        return RateLimited(said, retry_after=_DAILY, original=original)
    if reply.code < 500:
        return _later(reply, said)
    if sender:
        return Denied(f"{where} does not let this account send as {sender}: {reply.text}", original=original)
    return Denied(said, original=original)


def refused_login(reply: Reply, where: str, *, secrets: Iterable[str | None]) -> ProviderError:
    """The error of AUTH; what the server repeats of a secret is struck out."""
    text = reply.text
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    if 400 <= reply.code < 500 and reply.code != 432:  # 432: a password transition is needed
        return _later(Reply(reply.code, (text,)), f"the SMTP server {where} cannot check the password now: {text}")
    return Unauthorized(f"the SMTP server {where} refused the sign-in: {text}", original=text)


def nobody(refusals: Mapping[str, Reply], where: str) -> ProviderError:
    """The error of a message that no recipient was accepted for: permanent when one refusal is."""
    original = {address: reply.text for address, reply in refusals.items()}
    permanent = [(address, reply) for address, reply in refusals.items() if reply.code >= 500]
    if not permanent:
        first = next(iter(refusals.values()))
        error = _later(first, f"{where} takes no recipient now: {first.text}")
        return type(error)(error.message, retry_after=error.retry_after, original=original)
    address, reply = permanent[0]
    if reply.code == 530:
        return failure(reply, where, "RCPT")
    return Invalid(f"{where} refused every recipient; {address}: {reply.text}", path="to", original=original)


def lost(error: OSError, where: str) -> Unavailable:
    """The error of a connection that broke before the message was complete."""
    if isinstance(error, TimeoutError):
        return Timeout(f"the SMTP server {where} did not answer in time: nothing was sent")
    why = error.strerror or type(error).__name__
    return Unavailable(f"the connection to the SMTP server {where} broke ({why}): nothing was sent", retry_after=5.0)


def _later(reply: Reply, message: str) -> RateLimited | Unavailable:
    kind = RateLimited if _LIMITS.search(reply.text) else Unavailable
    return kind(message, retry_after=_RETRY_LATER, original=reply.text)
