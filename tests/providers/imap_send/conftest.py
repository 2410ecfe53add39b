"""Accounts that can send."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers.base.provider import ProviderSettings
from providers.imap.grant import Endpoint, Security
from tests.providers.imap_send.desk import Desk
from tests.servers.dovecot import Dovecot, User
from tests.servers.postfix import Postfix
from tests.servers.scripted_smtp import ScriptedSmtp

MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(dovecot: Dovecot, user: User, imap_settings: ProviderSettings) -> Iterator[MakeDesk]:
    """Opens accounts of the test's user: `make_desk(smtp_endpoint, copy_to_sent=..., brand=..., marks=...)`."""
    made: list[Desk] = []

    def make(smtp: Endpoint | None, settings: ProviderSettings = imap_settings, **fields: Any) -> Desk:
        made.append(Desk(user, dovecot, smtp, settings, **fields))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


@pytest.fixture
def desk(make_desk: MakeDesk, postfix: Postfix) -> Desk:
    """An account on Dovecot and Postfix."""
    return make_desk(Endpoint(host="localhost", port=postfix.submissions))


def scripted(smtp: ScriptedSmtp) -> Endpoint:
    """The endpoint of a scripted server."""
    return Endpoint(host="localhost", port=smtp.port, security=Security.PLAIN)
