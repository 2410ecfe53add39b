"""Signing in: XOAUTH2 with a token, else PLAIN, else LOGIN; never without TLS unless plain text was chosen."""

import ssl

from imapclient import IMAPClient

from providers.base import errors
from providers.imap.errors import refused_login
from providers.imap.grant import ImapGrant, Security
from providers.imap.wire import Refused, Wire, astring


def sign_in(client: IMAPClient, wire: Wire, capabilities: frozenset[str], grant: ImapGrant) -> None:
    """Authenticate. Raises `Unauthorized`, `RateLimited`, `Unavailable`; no message holds the secret."""
    if grant.imap.security is not Security.PLAIN and not isinstance(client._imap.sock, ssl.SSLSocket):
        raise errors.Unavailable(f"{grant.imap.host} offers no TLS: the password was not sent")
    try:
        _authenticate(wire, capabilities, grant)
    except Refused as refused:
        secret = grant.access_token or grant.password or "\0"
        clean = Refused(refused.status, refused.code, refused.text.replace(secret, "***"))
        raise refused_login(clean) from None
    client._imap.state = "AUTH"


def _authenticate(wire: Wire, capabilities: frozenset[str], grant: ImapGrant) -> None:
    initial, password = "SASL-IR" in capabilities, grant.password or ""
    if grant.access_token is not None:
        token = f"user={grant.login}\x01auth=Bearer {grant.access_token}\x01\x01"
        wire.authenticate(b"XOAUTH2", token.encode(), initial=initial)
    elif "AUTH=PLAIN" in capabilities:
        wire.authenticate(b"PLAIN", f"\0{grant.login}\0{password}".encode(), initial=initial)
    elif "LOGINDISABLED" in capabilities:
        raise errors.Unavailable(f"{grant.imap.host} takes no passwords on this connection (LOGINDISABLED)")
    else:
        wire.run(b"LOGIN ", astring(grant.login.encode()), b" ", astring(password.encode()))
