"""Sign-ins as browsers go through them: link -> provider or form -> back to the application."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from gateway.browsers import Browser, Cookie, Redirect
from gateway.identity import Application
from gateway.services.accounts import Accounts
from gateway.services.registrations import Registered, Registrations
from gateway.services.signin import outcome, service_keys
from gateway.services.signin.asked import Asked, ResponseType
from gateway.services.signin.beginning import Beginning
from gateway.services.signin.finishing import Finishing, already_used
from gateway.services.signin.flow import Flow, response_type
from gateway.services.signin.guessing import Guessing
from gateway.services.signin.outcome import Refused
from gateway.services.signin.tickets import Tickets
from gateway.services.signin.trying import try_out
from gateway.store.hashing import new_secret
from gateway.store.sign_ins import SignIn, SignIns
from providers.base import oauth2
from providers.base.errors import Invalid, ProviderError, RateLimited, Unsupported
from providers.base.linked import Linked
from providers.base.oauth2 import Auth, Consent
from providers.base.provider import Provider
from schemas.accounts import AccountType, ApiAccountInDto, Scope, ServiceType

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Form:
    """A sign-in that a form is shown for: for a password, or for the key of a service account, which is to be allowed
    `key_scopes`, the provider's own names."""

    application: Application
    flow: Flow
    key_scopes: str | None = None


class Authorization:
    """Leads browsers through sign-ins; `public_url` is where they reach the gateway."""

    def __init__(
        self,
        beginning: Beginning,
        finishing: Finishing,
        sign_ins: SignIns,
        accounts: Accounts,
        registrations: Registrations,
        providers: Mapping[str, Provider],
        tickets: Tickets,
        guessing: Guessing,
        public_url: str,
    ) -> None:
        self._beginning, self._finishing, self._sign_ins = beginning, finishing, sign_ins
        self._accounts, self._registrations, self._providers = accounts, registrations, providers
        self._tickets, self._guessing, self._url = tickets, guessing, public_url

    async def begin(self, asked: Asked, browser: Browser) -> Redirect:
        """Send the browser to the provider, or to the gateway's own form; to the return URL when that cannot be.

        Raises `Invalid` where the return URL cannot be trusted: that is shown, and leads nowhere."""
        asked = self._placed(asked)
        application = await self._beginning.application(asked)
        try:
            provider = self._provider(asked.service_type)
            flow = await self._beginning.flow(asked, application, provider, browser)
            return await self._send(flow, provider, browser)
        except ProviderError as error:
            return outcome.failure(asked.return_url, asked.state, error, browser)

    async def openers(self, client_id: str) -> Sequence[str]:
        """The origins whose windows may be told how a sign-in ended that they opened. Raises `Invalid`."""
        return (await self._beginning.known(client_id)).trusted_domains

    async def form(self, state: str, browser: Browser) -> Form:
        """What to show. Raises `Invalid` for a sign-in that is over, or of another browser."""
        flow = await self._flow(state, browser)
        application = await self._accounts.application(flow.application_id)
        provider = self._provider(flow.service_type)
        keyed = flow.kind is AccountType.DAEMON and provider.auth is not None
        return Form(application, flow, service_keys.native(provider, _scopes(flow, provider)) if keyed else None)

    async def password(self, state: str, browser: Browser, given: Mapping[str, Any]) -> Redirect:
        """Sign in with what was put into the form, and go back to the application.

        Raises what `Accounts.link` raises, `ValidationError`, `RateLimited` after too many attempts, and `Invalid` for
        a sign-in that is over."""
        found = await self._found(state, browser)
        flow = Flow.model_validate(found.flow)
        body = ApiAccountInDto.model_validate({**_wanted(flow), **given})
        if not await self._sign_ins.attempt(found):
            raise RateLimited("Too many passwords were tried: please begin again at the application", retry_after=60)
        await self._guessing.begin(browser.address, body)
        scopes, linked = await self._linked(flow, body)
        await self._guessing.succeeded(body)
        try:
            return await self._finishing.finish(flow, body, linked, scopes, found.id)
        except Refused as error:
            await self._sign_ins.take(self._tickets.secret(state) or "", self._secret(browser))
            return outcome.failure(flow.return_url, flow.state, error, browser)

    async def _linked(self, flow: Flow, body: ApiAccountInDto) -> tuple[list[Scope], Linked]:
        provider = self._provider(flow.service_type)
        if flow.kind is not AccountType.DAEMON or provider.auth is None:
            return await self._accounts.link(flow.application_id, body, ensure_access=flow.ensure_access)
        scopes = sorted(_scopes(flow, provider))
        return scopes, await service_keys.tried(provider, provider.auth, body, scopes)

    async def cancel(self, state: str, browser: Browser) -> Redirect:
        """Go back without having signed in. Raises `Invalid` for a sign-in that is over."""
        flow = await self._taken(state, browser)
        error = Refused("access_denied", "The sign-in was cancelled")
        return outcome.failure(flow.return_url, flow.state, error, browser)

    async def callback(
        self, state: str | None, code: str | None, error: str | None, words: str | None, browser: Browser
    ) -> Redirect:
        """The provider's answer. Raises `Invalid` for a state that is not of a sign-in in this browser, or was used."""
        flow = await self._taken(state or "", browser)
        try:
            if error is not None or not code:
                raise _declined(error, words)
            return await self._exchange(flow, state or "", code)
        except ProviderError as failed:
            return outcome.failure(flow.return_url, flow.state, failed, browser)

    def _placed(self, asked: Asked) -> Asked:
        """Without a return URL, as older clients do it: the page that tells the window which opened this one. It brings
        back nothing but a cookie, so that there is nothing in it to be stolen."""
        if asked.return_url:
            return asked
        if response_type(asked.response_type, asked.role) not in (ResponseType.COOKIE, ResponseType.NONE):
            raise Invalid("is needed", path="returnUrl", code="returnUrl.notValid")
        place = f"{self._url}/signin/done?{urlencode({'clientId': asked.client_id})}"
        return asked.model_copy(update={"return_url": place, "popup": True})

    async def _send(self, flow: Flow, provider: Provider, browser: Browser) -> Redirect:
        secret = browser.cookies.get(self._cookie_name) or new_secret()
        binding = Cookie(self._cookie_name, secret, _HOUR, secure=self._secure)
        if provider.auth is None or flow.kind is AccountType.DAEMON:
            state = self._tickets.state(await self._begun(flow, secret))
            return Redirect(f"{self._url}/signin/{state}", (binding,))
        registered = await self._registered(flow)
        relay = registered.relay or f"{self._url}/v1/auth/callback"
        flow = flow.model_copy(update={"verifier": oauth2.verifier(), "redirect_uri": relay})
        state = self._tickets.state(await self._begun(flow, secret))
        return Redirect(provider.auth.begin(registered.client, self._consent(flow, provider, state)), (binding,))

    async def _exchange(self, flow: Flow, state: str, code: str) -> Redirect:
        provider = self._provider(flow.service_type)
        client, auth = (await self._registered(flow)).client, _auth(provider)
        consent = self._consent(flow, provider, state)
        linked = await auth.finish(client, consent, code)
        scopes = sorted(consent.scopes if linked.scopes is None else linked.scopes)
        if flow.ensure_access:
            await try_out(provider, linked, scopes, client)
        body = ApiAccountInDto.model_validate(_wanted(flow) | {"email": linked.email})
        return await self._finishing.finish(flow, body, linked, scopes)

    def _consent(self, flow: Flow, provider: Provider, state: str) -> Consent:
        scopes = _scopes(flow, provider)
        hint, prompt, native = flow.login_hint, flow.prompt, flow.native_scopes
        return Consent(flow.redirect_uri, state, flow.verifier, scopes, hint, prompt, native)

    def _provider(self, service_type: ServiceType) -> Provider:
        found = self._providers.get(service_type)
        if found is None:
            raise Unsupported(f"serviceType: this gateway offers {', '.join(sorted(self._providers))}")
        return found

    async def _registered(self, flow: Flow) -> Registered:
        found = await self._registrations.find(flow.application_id, flow.service_type)
        if found is None:
            raise Unsupported(f"serviceType: the application has no registration at {flow.service_type}")
        return found

    async def _begun(self, flow: Flow, browser: str) -> str:
        return await self._sign_ins.begin(flow.application_id, flow.model_dump(mode="json"), browser)

    async def _flow(self, state: str, browser: Browser) -> Flow:
        return Flow.model_validate((await self._found(state, browser)).flow)

    async def _found(self, state: str, browser: Browser) -> SignIn:
        found = await self._sign_ins.find(self._tickets.secret(state) or "", self._secret(browser))
        if found is None:
            raise already_used()
        return found

    async def _taken(self, state: str, browser: Browser) -> Flow:
        found = await self._sign_ins.take(self._tickets.secret(state) or "", self._secret(browser))
        if found is None:
            raise already_used()
        return Flow.model_validate(found.flow)

    @property
    def _secure(self) -> bool:
        return self._url.startswith("https:")

    @property
    def _cookie_name(self) -> str:
        """Of the cookie that ties a sign-in to its browser; over https no other host can set one of this name
        (draft-ietf-httpbis-rfc6265bis 4.1.3.2)."""
        return "__Host-postroom-signin" if self._secure else "postroom-signin"

    def _secret(self, browser: Browser) -> str:
        return browser.cookies.get(self._cookie_name, "")


def _scopes(flow: Flow, provider: Provider) -> frozenset[Scope]:
    return frozenset(flow.scopes) or provider.scopes


def _wanted(flow: Flow) -> dict[str, Any]:
    """The account's body as far as the application decides it."""
    return {
        "service_type": flow.service_type,
        "active": True,
        "client_org_id": flow.client_org_id,
        "auth_scopes": list(flow.scopes) or None,
    }


def _auth(provider: Provider) -> Auth:
    if provider.auth is None:
        raise Unsupported(f"{provider.name} accounts do not sign in this way")
    return provider.auth


def _declined(error: str | None, words: str | None) -> Refused:
    if error == "access_denied":
        return Refused("access_denied", words or "The consent was denied")
    said = f"{error or 'no code'}: {words}" if words else (error or "it sent no code")
    return Refused("server_error", f"The provider refused the sign-in: {said}"[:300])
