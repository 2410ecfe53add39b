"""Which adapter serves which serviceType. Adding a provider is a folder and a line here."""

from collections.abc import Mapping

from providers.base.provider import Provider, ProviderSettings
from providers.caldav.provider import CaldavProvider
from providers.combined import MailWithDav
from providers.google.provider import GoogleProvider
from providers.sandbox.provider import SandboxProvider

PROVIDERS: tuple[type[Provider], ...] = (MailWithDav, CaldavProvider, GoogleProvider, SandboxProvider)


def load(settings: ProviderSettings) -> Mapping[str, Provider]:
    """One instance of every provider, keyed by each serviceType it answers to."""
    return {service: provider for kind in PROVIDERS for provider in [kind(settings)] for service in kind.services}
