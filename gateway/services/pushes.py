"""Calls of providers: something changed (design section 6). A call is a hint: it wakes whoever watches the account."""

import hmac
import json
import logging
from collections.abc import Mapping

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWKSet

from gateway.metrics import PUSHES
from gateway.raw import Raw
from gateway.services.published_keys import PublishedKeys
from gateway.store.channels import Channels
from gateway.store.hashing import fingerprint
from providers.base.errors import Denied, NotFound, ProviderError, Unauthorized, Unavailable
from providers.base.provider import Provider
from providers.base.push import Door, Signature, Told
from providers.base.rest import Http

log = logging.getLogger("postroom.push")
_LEEWAY = 300  # seconds that the clocks may be apart
_REQUIRED = {"require": ["exp", "iat", "aud", "iss"]}
_NOBODY = bytes(32)  # the fingerprint of no secret


class Pushes:
    """Takes them in; `providers` by name, `url` is where they reach the gateway."""

    def __init__(self, channels: Channels, providers: Mapping[str, Provider], http: Http, url: str) -> None:
        self._channels, self._providers, self._url = channels, providers, url
        self._keys = PublishedKeys(http, _key_set)

    async def receive(self, name: str, door: Door, raw: Raw) -> None:
        """Wake whoever watches what the call is about; nobody, when it says nothing, or is about nothing we know.

        Raises `Unauthorized` for calls by others, `Denied`, `Unavailable` (they are repeated then)."""
        provider = self._providers.get(name)
        if provider is None:
            raise NotFound("this gateway has no such provider")
        try:
            outcome = await self._received(provider, door, raw)
        except ProviderError as error:
            PUSHES.labels(name, door.name, "put off" if isinstance(error, Unavailable) else "refused").inc()
            raise
        PUSHES.labels(name, door.name, outcome).inc()

    async def _received(self, provider: Provider, door: Door, raw: Raw) -> str:
        if not door.signed:
            return await self._by_channel(provider, door, provider.told(raw.headers, raw.body))
        await self._check(provider, door, raw.headers.get("authorization", ""))
        told = provider.told(raw.headers, raw.body)
        if told is None or told.email is None or told.port != door.port:
            log.warning("a call at %s/%s says nothing that can be read", provider.name, door.name)
            return "unreadable"  # it would be repeated for days, and never say more
        count = await self._channels.tell_mailbox(provider.services, door.port, told.email)
        return "told" if count else "unknown"

    async def _by_channel(self, provider: Provider, door: Door, told: Told | None) -> str:
        """Of a channel that there is not as much is said as of one whose secret is another."""
        named = None
        if told is not None and told.channel and told.port == door.port:
            named = await self._channels.named(provider.services, told.channel)
        given = fingerprint(told.secret or "" if told else "")
        is_known = hmac.compare_digest(given, named.secret_hash if named else _NOBODY)
        if named is None or told is None or not is_known:
            raise Unauthorized("This call names no channel of this gateway, or not its secret")
        if told.begins:
            return "begun"
        await self._channels.tell(named)
        return "told"

    async def _check(self, provider: Provider, door: Door, authorization: str) -> None:
        """Raises `Unauthorized` without a valid identity token, `Denied` for one of somebody else."""
        scheme, _, token = authorization.partition(" ")
        if provider.signature is None or scheme.lower() != "bearer":
            raise Unauthorized("This call takes an identity token as Bearer")
        claims = await self._claims(provider.signature, token.strip(), f"{self._url}/push/{provider.name}/{door.name}")
        signers = provider.signature.signers
        if signers and not (claims.get("email_verified") is True and claims.get("email") in signers):
            raise Denied("The identity token is of nobody who may call here (POSTROOM_PUSH_SIGNERS)")

    async def _claims(self, signature: Signature, token: str, audience: str) -> Mapping[str, object]:
        try:
            key = await self._keys.find(signature.keys, str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                raise Unauthorized("The identity token is signed with a key that its issuer does not have")
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=audience,
                issuer=sorted(signature.issuers),
                leeway=_LEEWAY,
                options=_REQUIRED,  # type: ignore[arg-type]
            )
        except jwt.InvalidTokenError as error:
            raise Unauthorized(f"The identity token is not valid: {error}") from None


def _key_set(document: bytes) -> Mapping[str, RSAPublicKey]:
    """The RSA keys of a JSON Web Key Set (RFC 7517) by their ids. Raises `Unavailable`."""
    try:
        keys: list[PyJWK] = PyJWKSet.from_dict(json.loads(document)).keys
        return {str(one.key_id): one.key for one in keys if isinstance(one.key, RSAPublicKey)}
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise Unavailable("the issuer of the token tells its keys in a form that is not known") from None
