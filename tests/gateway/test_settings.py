"""Settings from the environment."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import Settings, SettingsError, markdown

KEY = base64.urlsafe_b64encode(bytes(32)).decode()  # the same in every test process


def _settings(**environ: str) -> Settings:
    return Settings.from_environment({f"POSTROOM_{name}": value for name, value in environ.items()})


def test_everything_has_a_default() -> None:
    settings = Settings.from_environment({})
    assert settings.database_url is None
    assert settings.secret_keys is None
    assert settings.var_dir == Path("var")
    assert (settings.max_body_bytes, settings.max_recipients, settings.request_timeout) == (40 * 2**20, 100, 30.0)
    assert not settings.allow_private_networks


def test_values_are_read(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    settings = _settings(
        DATABASE_URL="postgres://me:pw@db/x",
        SECRET_KEYS=f" {KEY} , {KEY}",
        ALLOW_PRIVATE_NETWORKS="true",
        SMTP_SERVERS="Mail.example:993=smtp.example:465, b=c",
        CA_BUNDLE=str(bundle),
        PUBLIC_URL="https://mail.example/",
        CONNECTIONS_PER_ACCOUNT="7",
        LOG_FORMAT="json",
    )
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://me:pw@db/x"
    assert settings.secret_keys == (KEY, KEY)
    assert settings.public_url == "https://mail.example"
    provider = settings.provider_settings()
    assert provider.smtp_servers == {"mail.example:993": "smtp.example:465", "b": "c"}
    assert (provider.allow_private_networks, provider.ca_bundle, provider.connections_per_account) == (
        True,
        str(bundle),
        7,
    )


def test_adapters_give_up_before_the_request_does() -> None:
    for seconds in ("1", "30", "600"):
        provider = _settings(REQUEST_TIMEOUT=seconds).provider_settings()
        assert provider.connect_timeout < float(seconds)
        assert provider.read_timeout < float(seconds)


def test_an_empty_variable_is_an_absent_one() -> None:
    assert _settings(DATABASE_URL="", MAX_RECIPIENTS=" ").max_recipients == 100


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://me:hunter2@db/x"),
        ("DATABASE_URL", "hunter2"),
        ("SECRET_KEYS", "hunter2"),
        ("SECRET_KEYS", f"{KEY},hunter2"),
        ("SECRET_KEYS", ","),
        ("ALLOW_PRIVATE_NETWORKS", "perhaps"),
        ("CA_BUNDLE", "no-such-file.pem"),
        ("SMTP_SERVERS", "a=b=c"),
        ("SMTP_SERVERS", "a"),
        ("SMTP_SERVERS", "a="),
        ("CONNECTIONS_PER_ACCOUNT", "0"),
        ("MAX_BODY_BYTES", "40M"),
        ("REQUEST_TIMEOUT", "nan"),
        ("REQUEST_TIMEOUT", "-1"),
        ("LOG_LEVEL", "loud"),
        ("PUBLIC_URL", "mail.example"),
        ("GRAPH_URL", "ftp://x"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_but_not_shown(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^POSTROOM_{name} cannot be used as it is set: it takes ") as raised:
        _settings(**{name: value})
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        _settings(LOG_LEVEL="x", LOG_FORMAT="y")
    assert [line.split()[0] for line in str(raised.value).splitlines()] == ["POSTROOM_LOG_LEVEL", "POSTROOM_LOG_FORMAT"]


def test_secrets_do_not_show() -> None:
    settings = _settings(DATABASE_URL="postgresql://me:hunter2@db/x", SECRET_KEYS=KEY)
    assert "hunter2" not in repr(settings)
    assert KEY not in repr(settings)


def test_every_setting_is_in_the_table() -> None:
    table = markdown()
    for name in Settings.model_fields:
        assert f"| `POSTROOM_{name.upper()}` | " in table
    assert table.count("\n") == len(Settings.model_fields) + 1


@given(st.sampled_from(sorted(Settings.model_fields)), st.text(max_size=30))
def test_no_value_ends_in_another_error(name: str, value: str) -> None:
    try:
        Settings.from_environment({f"POSTROOM_{name.upper()}": value})
    except SettingsError as error:
        assert str(error).startswith(f"POSTROOM_{name.upper()} ")
