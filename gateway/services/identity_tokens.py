"""Exchange identity tokens: JWTs that Outlook gives its add-ins, signed by the mailbox's server.

https://learn.microsoft.com/office/dev/add-ins/outlook/inside-the-identity-token
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate

from gateway.identity import Application, User
from gateway.services.published_keys import PublishedKeys
from gateway.services.signin import return_urls
from gateway.services.signin.tickets import Tickets
from gateway.store import values
from gateway.store.database import Database
from gateway.store.queries import users
from providers.base.errors import Denied, Unavailable
from providers.base.rest import Http
from schemas.users import PreparedAuthToken

_LEEWAY = 300  # seconds that the clocks may be apart
_VERSION = "ExIdTok.V1"


class IdentityTokens:
    """Checks them. `issuers`: addresses of the metadata documents that are believed; a token names its own, and anybody
    can write one."""

    def __init__(self, database: Database, http: Http, tickets: Tickets, issuers: Sequence[str]) -> None:
        self._database, self._tickets = database, tickets
        self._issuers = {_canonical(issuer) for issuer in issuers}
        self._keys = PublishedKeys(http, _keys)

    def prepared(self, application: Application, external_id: str) -> PreparedAuthToken:
        """What stands for a checked identity in a link, for a while."""
        return PreparedAuthToken(token=self._tickets.prepared(application.id, external_id))

    async def user(self, application: Application, token: str) -> User | None:
        """The user who has this identity; None for a token that is not valid, or nobody's. Raises `Unavailable`."""
        try:
            external_id = await self.external_id(application, token)
        except Denied:
            return None
        async with self._database.read() as session:
            row = await users.by_external_id(session, application.id, external_id)
        return values.user(row) if row else None

    async def external_id(self, application: Application, token: str) -> str:
        """The identity that a valid token is of. Raises `Denied`, `Unavailable`."""
        try:
            header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
            context = _context(claims)
            issuer, mailbox = _canonical(str(context["amurl"])), str(context["msexchuid"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise Denied("the identity token cannot be read") from None
        if issuer not in self._issuers or context.get("version") != _VERSION:
            raise Denied("the identity token is of an issuer that is not trusted here")
        key = await self._keys.find(issuer, str(header.get("x5t")))
        if key is None:
            raise Denied("the identity token is signed with a key that its issuer does not have")
        self._check(application, token, key)
        return f"{issuer} {mailbox}"

    def _check(self, application: Application, token: str, key: RSAPublicKey) -> None:
        required = {"require": ["exp", "nbf", "aud"], "verify_aud": False}
        try:
            claims = jwt.decode(token, key, algorithms=["RS256"], leeway=_LEEWAY, options=required)  # type: ignore[arg-type]
        except jwt.InvalidTokenError as error:
            raise Denied(f"the identity token is not valid: {error}") from None
        if return_urls.origin(str(claims["aud"])) not in application.trusted_domains:
            raise Denied("the identity token is for a page that is not on a trusted domain of this application")


def _context(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claim `appctx`, which is JSON within a string."""
    context = claims["appctx"]
    loaded = json.loads(context) if isinstance(context, str) else context
    if not isinstance(loaded, dict):
        raise TypeError
    return loaded


def _canonical(url: str) -> str:
    """The address without a port that goes without saying: issuers write it both ways."""
    parts = urlsplit(url.strip())
    return f"{return_urls.origin(url)}{parts.path}"


def _keys(document: bytes) -> Mapping[str, RSAPublicKey]:
    """The keys of a metadata document, by the digest of their certificates. Raises `Unavailable`."""
    found: dict[str, RSAPublicKey] = {}
    try:
        for one in json.loads(document)["keys"]:
            certificate = load_der_x509_certificate(base64.b64decode(one["keyvalue"]["value"]))
            key = certificate.public_key()
            if isinstance(key, RSAPublicKey):
                found[one["keyinfo"]["x5t"]] = key
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise Unavailable("the issuer of the identity token tells its keys in a form that is not known") from None
    return found
