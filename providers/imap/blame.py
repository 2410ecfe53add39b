"""Errors of a link attempt, told so that the person who filled in the form knows which server and which field."""

from collections.abc import Iterator
from contextlib import contextmanager

from providers.base.errors import Invalid, ProviderError
from providers.imap.grant import Endpoint
from providers.imap.net import Misconfigured


@contextmanager
def blaming(path: str) -> Iterator[None]:
    """A wrong name, port or certificate becomes `Invalid(path)`: somebody typed that server."""
    try:
        yield
    except Misconfigured as error:
        raise Invalid(error.message, path=path, original=error.original) from error


@contextmanager
def naming(endpoint: Endpoint, protocol: str) -> Iterator[None]:
    """Errors that do not say so themselves get the server and the protocol in front."""
    try:
        yield
    except ProviderError as error:
        if endpoint.host not in error.message:
            error.message = f"{protocol} server {endpoint.host}:{endpoint.port}: {error.message}"
            error.args = (error.message,)
        raise
