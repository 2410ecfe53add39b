"""Signing in at Google: consent with PKCE, code exchange, refresh, revocation, and service accounts that act for users
(domain-wide delegation). https://developers.google.com/identity/protocols/oauth2/web-server
"""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from google.auth import crypt, jwt

from providers.base.errors import Denied, Invalid, ProviderError, Timeout, Unauthorized, Unavailable
from providers.base.linked import Grant, Linked
from providers.base.oauth2 import Auth, Consent, OAuthClient, challenge, usable
from providers.base.provider import ProviderSettings
from providers.base.rest import Answer, Dropped, Http
from providers.google import scopes
from providers.google.errors import refusal

_REVOKE = "https://oauth2.googleapis.com/revoke"
_API = "https://www.googleapis.com/"
_LIMIT = 1024 * 1024  # octets of an answer
_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523 2.1
_LIFE = 3600  # seconds of a service account's assertion; Google allows no more
_EARLIER = 360  # seconds from which it begins to be good before now: clocks differ, and Google takes none of the future
_FINAL = frozenset(
    ("invalid_grant", "unauthorized_client", "invalid_client", "deleted_client", "admin_policy_enforced")
)


class GoogleAuth(Auth):
    """`endpoints` are those of `GoogleProvider.endpoints`."""

    def __init__(self, http: Http, settings: ProviderSettings, endpoints: Mapping[str, str]) -> None:
        self._http, self._settings = http, settings
        self._consent, self._token = endpoints["google_auth_url"], endpoints["google_token_url"]
        self._api = (endpoints["google_api_url"] or _API).rstrip("/") + "/"
        own = self._token.rpartition("/")[0] + "/revoke"
        self._revoke = _REVOKE if self._token.startswith("https://oauth2.googleapis.com/") else own

    def begin(self, client: OAuthClient, consent: Consent) -> str:
        query = {
            "client_id": client.client_id,
            "redirect_uri": consent.redirect_uri,
            "response_type": "code",
            "scope": " ".join([*scopes.native(consent.scopes), *consent.native_scopes]),
            "state": consent.state,
            "code_challenge": challenge(consent.verifier),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "include_granted_scopes": "true",
            "prompt": _prompt(consent.prompt),
        }
        if consent.hint:
            query["login_hint"] = consent.hint
        joint = "&" if "?" in self._consent else "?"
        return f"{self._consent}{joint}{urlencode(query)}"

    async def finish(self, client: OAuthClient, consent: Consent, code: str) -> Linked:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": consent.redirect_uri,
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "code_verifier": consent.verifier,
        }
        answer = await self._exchange(form)
        if not answer.get("refresh_token"):
            raise Denied(
                "Google gave no refresh token: remove this application's access in the Google account, and retry"
            )
        grant = _granted({}, answer)
        linked = await self._who(grant, answer.get("id_token"))
        if consent.scopes and not (linked.scopes or frozenset()) & consent.scopes:
            raise Denied("nothing of what was asked for was allowed at Google")
        return linked

    async def refresh(self, client: OAuthClient | None, grant: Grant) -> Grant:
        return _granted(grant, await self._exchange(self._form(client, grant)))

    async def identify(self, client: OAuthClient | None, grant: Grant) -> Linked:
        fresh = usable(grant, time.time()) or (not _renewable(client, grant) and grant.get("access_token"))
        return await self._who(grant if fresh else await self.refresh(client, grant), None)

    async def revoke(self, client: OAuthClient | None, grant: Grant) -> None:
        token = grant.get("refresh_token") or (None if "service_account" in grant else grant.get("access_token"))
        if not token:
            return
        answer = await self._post(self._revoke, {"token": str(token)})
        if answer.status >= 500:
            raise refusal(answer.status, answer.headers, answer.body, reads=True)

    def _form(self, client: OAuthClient | None, grant: Grant) -> dict[str, str]:
        if "service_account" in grant:
            return {"grant_type": _ASSERTION, "assertion": self._assertion(grant)}
        if client is None or not grant.get("refresh_token"):
            raise Unauthorized("there is no refresh token: sign in again", final=True)
        return {
            "grant_type": "refresh_token",
            "refresh_token": str(grant["refresh_token"]),
            "client_id": client.client_id,
            "client_secret": client.client_secret,
        }

    def _assertion(self, grant: Grant) -> str:
        """What a service account signs, in the name of the user (RFC 7523)."""
        account, now = grant["service_account"], int(time.time())
        asked = grant.get("scope") or ""
        claims = {
            "iss": account["client_email"], "sub": grant.get("subject"), "scope": asked,
            "aud": self._token, "iat": now - _EARLIER, "exp": now - _EARLIER + _LIFE,
        }  # fmt: skip
        try:
            signer = crypt.RSASigner.from_service_account_info(account)  # type: ignore[no-untyped-call]
        except ValueError as error:
            raise Invalid(f"the service account's key cannot be used: {error}", path="authString1") from None
        signed: bytes = jwt.encode(signer, claims)  # type: ignore[no-untyped-call]
        return signed.decode("ascii")

    async def _exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The token endpoint's answer. Raises `Unauthorized`, `Unavailable`."""
        answer = await self._post(self._token, form)
        if answer.status < 300:
            found: dict[str, Any] = json.loads(answer.body)
            return found
        raise _refused(answer)

    async def _who(self, grant: Grant, id_token: str | None) -> Linked:
        """Whose grant it is. An id token that came from the token endpoint itself needs no check of its signature."""
        if "service_account" in grant:
            return Linked(grant, str(grant["subject"]), scopes=scopes.granted(str(grant.get("scope") or "")))
        claims = _claims(id_token) if id_token else await self._user_info(grant)
        user, email = claims.get("sub") or claims.get("id"), claims.get("email")
        if not user or not email:
            raise Denied("Google did not say whose account it is: openid and email have to be allowed")
        named = str(grant.get("scope") or "")
        return Linked(
            grant,
            str(email),
            login=str(email),
            name=claims.get("name"),
            service_provider="Google",
            auth_user_id=str(user),
            auth_org_id=claims.get("hd"),
            scopes=scopes.granted(named) if named else None,
        )

    async def _user_info(self, grant: Grant) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {grant['access_token']}", "Accept": "application/json"}
        answer = await self._send("GET", self._api + "oauth2/v2/userinfo", headers, b"")
        if answer.status >= 300:
            raise refusal(answer.status, answer.headers, answer.body, reads=True)
        found: dict[str, Any] = json.loads(answer.body)
        return found

    async def _post(self, url: str, form: Mapping[str, str]) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return await self._send("POST", url, headers, urlencode(form).encode())

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            return await self._http.send(
                method, url, headers=headers, body=body, timeout=self._settings.read_timeout, limit=_LIMIT, whole=True
            )
        except (Dropped, Timeout) as error:
            raise Unavailable(f"Google {error.message}") from None


def _prompt(asked: str | None) -> str:
    """A refresh token is given only to whom the consent page was shown."""
    words = (asked or "").split()
    return " ".join(["consent", *(word for word in words if word == "select_account")])


def _granted(grant: Grant, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The grant with what an answer of the token endpoint has; nothing is replaced by nothing."""
    kept = {name: answer[name] for name in ("access_token", "refresh_token", "scope", "token_type") if answer.get(name)}
    if "service_account" in grant:
        kept.pop("scope", None)
    return {**grant, **kept, "expires_at": time.time() + float(answer.get("expires_in") or 0)}


def _renewable(client: OAuthClient | None, grant: Grant) -> bool:
    return "service_account" in grant or (client is not None and bool(grant.get("refresh_token")))


def _claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return found


def _refused(answer: Answer) -> ProviderError:
    """RFC 6749 5.2."""
    try:
        original = json.loads(answer.body)
    except ValueError:
        original = None
    code = original.get("error") if isinstance(original, dict) else None
    if answer.status >= 500 or answer.status == 429 or code == "temporarily_unavailable" or not isinstance(code, str):
        return refusal(answer.status, answer.headers, answer.body, reads=True)
    said = original.get("error_description") or code if isinstance(original, dict) else code
    return Unauthorized(f"Google refused the credentials: {said}", final=code in _FINAL, original=original)
