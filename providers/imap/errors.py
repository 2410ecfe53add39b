"""The one table: what imaplib, imapclient, sockets and servers raise -> what the caller does next.

Response codes are those of RFC 5530 (and 3501, 4315, 7889); servers without codes are known by their words.
"""

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from imapclient.exceptions import IMAPClientError

from providers.base import errors
from providers.imap.wire import Lost, Refused

_BUSY = 60.0  # seconds; servers that count connections forget slowly (providers with per-account limits)

Make = Callable[[str, str], errors.ProviderError]

CODES: Mapping[str, Make] = {
    "AUTHENTICATIONFAILED": lambda text, original: errors.Unauthorized(text, original=original),
    "AUTHORIZATIONFAILED": lambda text, original: errors.Unauthorized(text, original=original),
    "EXPIRED": lambda text, original: errors.Unauthorized(text, original=original),
    "PRIVACYREQUIRED": lambda text, original: errors.Denied(text, original=original),
    "CONTACTADMIN": lambda text, original: errors.Denied(text, original=original),
    "NOPERM": lambda text, original: errors.Denied(text, original=original),
    "READ-ONLY": lambda text, original: errors.Denied(text, original=original),
    "OVERQUOTA": lambda text, original: errors.Denied(text, original=original),
    "NONEXISTENT": lambda text, original: errors.NotFound(text, original=original),
    "TRYCREATE": lambda text, original: errors.NotFound(text, original=original),
    "ALREADYEXISTS": lambda text, original: errors.Exists(text, original=original),
    "CANNOT": lambda text, original: errors.Invalid(text, original=original),
    "BADCHARSET": lambda text, original: errors.Invalid(text, original=original),
    "TOOBIG": lambda text, original: errors.TooLarge(text, original=original),
    "APPENDLIMIT": lambda text, original: errors.TooLarge(text, original=original),
    "LIMIT": lambda text, original: errors.RateLimited(text, retry_after=_BUSY, original=original),
    "THROTTLED": lambda text, original: errors.RateLimited(text, retry_after=_BUSY, original=original),
    "OVERLOADED": lambda text, original: errors.RateLimited(text, retry_after=_BUSY, original=original),
    "INUSE": lambda text, original: errors.Unavailable(text, retry_after=5.0, original=original),
    "UNAVAILABLE": lambda text, original: errors.Unavailable(text, retry_after=_BUSY, original=original),
    "EXPUNGEISSUED": lambda text, original: errors.NotFound(text, original=original),
}

_CROWDED = re.compile(r"too many|maximum number of connections|rate.?limit|bandwidth|throttl|exceeded.*limit", re.I)
_CODE = re.compile(r"\[([A-Z-]+)[^\]]*\] ?(.*)", re.I | re.S)
_TIMED_OUT = "the mail server did not answer in time"
_GONE = "the mail server closed the connection"


@contextmanager
def translated() -> Iterator[None]:
    """Raise the provider contract's errors for those of the libraries and the server."""
    try:
        yield
    except (Refused, Lost, OSError, imaplib.IMAP4.error, IMAPClientError) as error:
        raise translate(error) from error


def translate(error: Exception) -> errors.ProviderError:
    """The error of the contract for one of the libraries' or of `wire`'s; what is in no table is `Unavailable`."""
    if isinstance(error, (Refused, Lost)):
        return _said(error.code, error.text, _GONE if isinstance(error, Lost) else "the mail server refused")
    if isinstance(error, ssl.SSLError):
        return errors.Unavailable(f"the TLS connection to the mail server failed: {error.reason or error}")
    if isinstance(error, TimeoutError):
        return errors.Timeout(_TIMED_OUT)
    if isinstance(error, OSError):
        return errors.Unavailable(f"the connection to the mail server failed: {error.strerror or error}")
    return _from_imaplib(error)


def refused_login(error: Refused) -> errors.ProviderError:
    """The error of a sign-in that got NO: wrong credentials, unless the server says that it is busy."""
    known = translate(error)
    if isinstance(known, (errors.Retryable, errors.Denied)) and (error.code or isinstance(known, errors.RateLimited)):
        return known
    return errors.Unauthorized(f"the mail server refused the sign-in: {error.text}", original=str(error))


def _from_imaplib(error: Exception) -> errors.ProviderError:
    """imaplib's errors hold the server's line as bytes or as text."""
    first = error.args[0] if error.args else ""
    text = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
    code = _CODE.search(text)
    lost = isinstance(error, imaplib.IMAP4.abort)
    return _said(
        code[1].upper() if code else "", code[2] if code else text, _GONE if lost else "the mail server failed"
    )


def _said(code: str, text: str, what: str) -> errors.ProviderError:
    message, original = f"{what}: {text}" if text else what, f"[{code}] {text}" if code else text
    if code in CODES:
        return CODES[code](message, original)
    if _CROWDED.search(text):
        return errors.RateLimited(message, retry_after=_BUSY, original=original)
    return errors.Unavailable(message, original=original)
