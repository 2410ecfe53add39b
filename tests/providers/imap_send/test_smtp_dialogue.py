"""Submission against a server that refuses, stalls and hangs up at every step."""

from dataclasses import replace

import pytest

from providers.base import errors
from providers.base.provider import ProviderSettings
from providers.imap.grant import Endpoint, ImapGrant, Security
from providers.imap.smtp import Envelope, submit
from tests.servers.certificates import Authority
from tests.servers.scripted_smtp import DROP, EXTENSIONS, HANG, ScriptedSmtp

SENDER, ANN, BOB = "me@example.test", "ann@example.test", "bob@example.test"
MESSAGE = b"Subject: x\r\n\r\nbody\r\n.dot\r\n"
ENVELOPE = Envelope(SENDER, [ANN, BOB], len(MESSAGE))


def grant(server: ScriptedSmtp, security: Security = Security.PLAIN, **fields: str | None) -> ImapGrant:
    here = Endpoint(host="localhost", port=server.port, security=security)
    known: dict[str, str | None] = {"login": SENDER, "smtp_login": SENDER, "password": "secret"}
    return ImapGrant(imap=here, smtp=here, **(known | fields))  # type: ignore[arg-type]


def send(server: ScriptedSmtp, settings: ProviderSettings, envelope: Envelope = ENVELOPE) -> dict[str, str]:
    return submit(grant(server), settings, envelope, [MESSAGE[:5], MESSAGE[5:]])


def failure(server: ScriptedSmtp, settings: ProviderSettings, envelope: Envelope = ENVELOPE) -> errors.ProviderError:
    with pytest.raises(errors.ProviderError) as caught:
        send(server, settings, envelope)
    assert f"localhost:{server.port}" in caught.value.message
    assert "secret" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("extensions", [EXTENSIONS, ("AUTH LOGIN",), ("AUTH=PLAIN", "SIZE"), ("8BITMIME",)])
def test_message_arrives_as_it_was(extensions: tuple[str, ...], imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp(extensions=extensions) as server:
        assert send(server, imap_settings) == {}
        [message] = server.messages
    assert (message.sender, message.recipients, message.data) == (SENDER, [ANN, BOB], MESSAGE)


@pytest.mark.parametrize("implicit", [True, False])
def test_protected_submission(implicit: bool, imap_settings: ProviderSettings, authority: Authority) -> None:
    certificate = authority.issue()
    security = Security.TLS if implicit else Security.STARTTLS
    options = {"tls": certificate} if implicit else {"starttls": certificate}
    with ScriptedSmtp(**options) as server:  # type: ignore[arg-type]
        submit(grant(server, security), imap_settings, ENVELOPE, [MESSAGE])
        assert len(server.messages) == 1


def test_no_password_without_starttls(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp() as server:
        with pytest.raises(errors.Unavailable, match="STARTTLS"):
            submit(grant(server, Security.STARTTLS), imap_settings, ENVELOPE, [MESSAGE])
        assert not [line for line in server.seen if line.startswith("AUTH")]


def test_access_token(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp(password="token") as server:
        submit(grant(server, password=None, access_token="token"), imap_settings, ENVELOPE, [MESSAGE])
        assert len(server.messages) == 1
        with pytest.raises(errors.Unauthorized):
            submit(grant(server, password=None, access_token="stale"), imap_settings, ENVELOPE, [MESSAGE])


def test_each_recipient_gets_it_once(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp() as server:
        send(server, imap_settings, replace(ENVELOPE, recipients=[ANN, BOB, ANN]))
        assert server.messages[0].recipients == [ANN, BOB]


def test_one_recipient_is_refused(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp() as server:
        server.on("RCPT", "550 5.1.1 no such user", only=BOB)
        assert send(server, imap_settings) == {BOB: "550 5.1.1 no such user"}
        assert server.messages[0].recipients == [ANN]


def test_every_recipient_is_refused(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp() as server:
        server.on("RCPT", "550 5.1.1 no such user")
        error = failure(server, imap_settings)
        assert server.messages == []
    assert isinstance(error, errors.Invalid)
    assert error.path == "to"
    assert error.original == {ANN: "550 5.1.1 no such user", BOB: "550 5.1.1 no such user"}


def test_every_recipient_is_put_off(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp() as server:
        server.on("RCPT", "450 4.2.0 greylisted")
        error = failure(server, imap_settings)
    assert type(error) is errors.Unavailable
    assert error.retry_after


@pytest.mark.parametrize(
    ("step", "reply", "kind"),
    [
        ("CONNECT", "421 4.3.2 closing", errors.Unavailable),
        ("CONNECT", "554 5.7.1 go away", errors.Denied),
        ("EHLO", "421 4.7.0 too many connections", errors.RateLimited),
        ("AUTH", "535 5.7.8 no", errors.Unauthorized),
        ("AUTH", "454 4.7.0 temporary failure", errors.Unavailable),
        ("AUTH", "454 4.7.0 too many login attempts", errors.RateLimited),
        ("MAIL", "530 5.7.0 sign in first", errors.Unauthorized),
        ("MAIL", "553 5.7.1 not your address", errors.Denied),
        ("MAIL", "552 5.3.4 too big", errors.TooLarge),
        ("MAIL", "451 4.3.0 try later", errors.Unavailable),
        ("RCPT", "452 4.5.3 too many recipients", errors.RateLimited),
        ("DATA", "554 5.5.1 no", errors.Denied),
        ("DATA", "451 4.3.0 try later", errors.Unavailable),
        (".", "552 5.3.4 too big", errors.TooLarge),
        (".", "550 5.4.5 daily limit", errors.RateLimited),
        (".", "554 5.7.1 spam", errors.Denied),
        (".", "451 4.3.0 try later", errors.Unavailable),
        *((step, DROP, errors.Unavailable) for step in ("CONNECT", "AUTH", "MAIL", "RCPT", "DATA")),
        *((step, HANG, errors.Timeout) for step in ("CONNECT", "AUTH", "MAIL", "DATA")),
        (".", DROP, errors.Uncertain),
        (".", HANG, errors.Uncertain),
        ("CONNECT", "* OK IMAP here", errors.Unavailable),
        (".", "what?", errors.Uncertain),
    ],
)
def test_trouble_at_every_step(
    step: str, reply: str, kind: type[errors.ProviderError], imap_settings: ProviderSettings
) -> None:
    settings = replace(imap_settings, read_timeout=0.3)
    with ScriptedSmtp() as server:
        server.on(step, reply)
        error = failure(server, settings)
        assert isinstance(error, kind)
        if kind is not errors.Uncertain:
            assert server.messages == []
            assert not isinstance(error, errors.Uncertain)


def test_a_secret_that_the_server_repeats_is_struck_out(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp() as server:
        server.on("AUTH", "535 5.7.8 secret is wrong")
        assert "secret" not in repr(failure(server, imap_settings).original)


def test_too_large_is_said_before_anything_is_sent(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp(extensions=("SIZE 10", "AUTH PLAIN")) as server:
        error = failure(server, imap_settings)
        assert not [line for line in server.seen if line.startswith("MAIL")]
    assert isinstance(error, errors.TooLarge)


def test_international_address_needs_a_server_that_takes_it(imap_settings: ProviderSettings) -> None:
    envelope = replace(ENVELOPE, recipients=["zoë@example.test"], smtputf8=True)
    with ScriptedSmtp() as server:
        send(server, imap_settings, envelope)
        assert server.messages[0].recipients == ["zoë@example.test"]
        assert "SMTPUTF8" in server.messages[0].options
    with ScriptedSmtp(extensions=("AUTH PLAIN",)) as server:
        error = failure(server, imap_settings, envelope)
    assert isinstance(error, errors.Invalid)
    assert "zoë@example.test" in error.message


def test_eight_bit_is_announced(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp() as server:
        send(server, imap_settings, replace(ENVELOPE, eight_bit=True))
        assert "BODY=8BITMIME" in server.messages[0].options


def test_a_source_that_breaks_sends_nothing(imap_settings: ProviderSettings) -> None:
    def broken() -> object:
        yield b"half"
        raise RuntimeError("the source broke")

    with ScriptedSmtp() as server:
        with pytest.raises(RuntimeError):
            submit(grant(server), imap_settings, ENVELOPE, broken())  # type: ignore[arg-type]
        assert server.messages == []


def test_account_without_smtp_server(imap_settings: ProviderSettings) -> None:
    with ScriptedSmtp() as server:
        lone = grant(server).model_copy(update={"smtp": None})
    with pytest.raises(errors.Unsupported, match="serverUrl2"):
        submit(lone, imap_settings, ENVELOPE, [MESSAGE])
