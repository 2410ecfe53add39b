"""Every setting of Postroom: read from the environment once, checked at start, documented where it is declared.

`Settings` is the one table: a field's name is the variable (`POSTROOM_` + upper case), its description the meaning,
and `takes` what the message says when a value cannot be used.
"""

import ipaddress
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from cryptography.fernet import Fernet
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from providers.base.provider import ProviderSettings

PREFIX = "POSTROOM_"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MIB = 1024 * 1024


class SettingsError(Exception):
    """One or more variables cannot be used; the message names each, and what it takes."""


def _database_url(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if scheme not in ("postgresql", "postgres") or not separator or not rest:
        raise ValueError
    return f"postgresql://{rest}"


def _web_url(value: str) -> str:
    scheme, separator, rest = value.rstrip("/").partition("://")
    if scheme not in ("http", "https") or not separator or not rest or any(c.isspace() for c in rest):
        raise ValueError
    return f"{scheme}://{rest}"


def _keys(value: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in value.split(",") if key.strip())
    for key in keys:
        Fernet(key)  # raises ValueError
    if not keys:
        raise ValueError
    return keys


def _pairs(value: str) -> dict[str, str]:
    pairs = [item.split("=") for item in value.split(",") if item.strip()]
    if any(len(pair) != 2 or not all(side.strip() for side in pair) for pair in pairs):
        raise ValueError
    return {name.strip().lower(): target.strip() for name, target in pairs}


def _urls(value: str) -> tuple[str, ...]:
    return tuple(_web_url(one.strip()) for one in value.split(",") if one.strip())


def _words(value: str) -> frozenset[str]:
    return frozenset(word.strip() for word in value.split(",") if word.strip())


def _networks(value: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one.strip(), strict=False) for one in value.split(",") if one.strip())


def _existing_file(value: str) -> str:
    if not Path(value).is_file():
        raise ValueError
    return value


_DatabaseUrl = Annotated[SecretStr, BeforeValidator(_database_url)]
_WebUrl = Annotated[str, BeforeValidator(_web_url)]


def _setting(default: Any, meaning: str, takes: str, shown: str = "", **rules: Any) -> Any:
    """A field; `shown` is the default as the documentation prints it, where the value itself would not do."""
    return Field(default, description=meaning, json_schema_extra={"takes": takes, "shown": shown}, **rules)


_POSTGRES = "a URL such as postgresql://user:password@host:5432/database"
_URL = "a URL such as https://host.example"
_SIZE = "a number of bytes"


class Settings(BaseModel):
    """What the operator decides. Frozen; its repr has no secret in it."""

    model_config = ConfigDict(frozen=True)

    database_url: _DatabaseUrl | None = _setting(None, "PostgreSQL 15 or newer", _POSTGRES, "embedded, in `VAR_DIR`/pg")
    direct_database_url: _DatabaseUrl | None = _setting(
        None,
        "the same database without a connection pooler between, for LISTEN and migrations",
        _POSTGRES,
        "`DATABASE_URL`",
    )
    var_dir: Path = _setting(Path("var"), "folder of the embedded database, keys and uploads", "a folder", "./var")
    secret_keys: Annotated[tuple[str, ...], BeforeValidator(_keys)] | None = _setting(
        None,
        "keys that seal stored credentials, newest first",
        "one or more Fernet keys (32 bytes in URL-safe Base64), separated by commas",
        "generated once into `VAR_DIR`/secret_keys",
        repr=False,
    )
    public_url: _WebUrl = _setting("http://127.0.0.1:8080", "where clients and providers reach the gateway", _URL)
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = _setting(
        (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")),
        "proxies whose X-Forwarded-For says where visitors come from: booking and passwords are limited by that",
        "addresses or networks such as 10.0.0.0/8, separated by commas",
        "this machine",
    )
    allow_private_networks: bool = _setting(
        False,
        "allow mail servers and webhook targets on private and loopback addresses, and plaintext there",
        "true or false",
    )
    ca_bundle: Annotated[str, BeforeValidator(_existing_file)] | None = _setting(
        None, "certificate authorities to trust instead of the system's", "the path of a PEM file", "the system's"
    )
    smtp_servers: Annotated[Mapping[str, str], BeforeValidator(_pairs)] = _setting(
        {},
        "submission server for each mail host where discovery cannot know it",
        "mail-host[:port]=smtp-host[:port] pairs, separated by commas",
        "discovered",
    )
    connections_per_account: int = _setting(
        4, "connections to one mailbox at a time", "a number from 1 to 50", ge=1, le=50
    )
    max_body_bytes: int = _setting(40 * _MIB, "largest request body", _SIZE, ge=1024)
    max_recipients: int = _setting(100, "recipients of one message", "a number from 1 up", ge=1)
    request_timeout: float = _setting(
        30.0, "seconds until a request is given up", "a number of seconds from 1 to 600", ge=1, le=600
    )
    header_cache_bytes: int = _setting(
        64 * _MIB, "memory for message headers, which never change; 0 switches it off", _SIZE, ge=0
    )
    queues: Annotated[frozenset[str], BeforeValidator(_words)] | None = _setting(
        None, "kinds of background work that this process does", "names, separated by commas", "all"
    )
    work: bool = _setting(True, "run background work in the serving processes", "true or false")
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "least severity that is logged", "debug, info, warning or error"
    )
    log_format: Literal["json", "text"] = _setting("text", "form of a log line", "json or text")
    identity_issuers: Annotated[tuple[str, ...], BeforeValidator(_urls)] = _setting(
        ("https://outlook.office365.com/autodiscover/metadata/json/1",),
        "metadata documents of Exchange servers whose identity tokens sign users in",
        "URLs, separated by commas",
        "that of Exchange Online",
    )
    push_signers: Annotated[frozenset[str], BeforeValidator(_words)] = _setting(
        frozenset(),
        "service accounts in whose name providers may call when something changed (docs/google.md)",
        "e-mail addresses, separated by commas",
        "any that the provider vouches for",
    )
    google_api_url: _WebUrl | None = _setting(None, "replaces the API's address, for tests", _URL, "the vendor's")
    google_auth_url: _WebUrl | None = _setting(None, "replaces the consent page, for tests", _URL, "the vendor's")
    google_token_url: _WebUrl | None = _setting(None, "replaces the token endpoint, for tests", _URL, "the vendor's")
    icloud_dav_url: _WebUrl | None = _setting(
        None, "replaces iCloud's calendar and contact server, for tests", _URL, "the vendor's"
    )
    google_keys_url: _WebUrl | None = _setting(
        None, "replaces the keys of Google's calls, for tests", _URL, "the vendor's"
    )
    graph_url: _WebUrl | None = _setting(None, "replaces the API's address, for tests", _URL, "the vendor's")
    microsoft_authority: _WebUrl | None = _setting(
        None, "replaces the sign-in authority, for tests", _URL, "the vendor's"
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the variables; an empty one counts as absent. Raises `SettingsError`."""
        given = {name: environ.get(PREFIX + name.upper(), "").strip() for name in cls.model_fields}
        try:
            return cls(**{name: value for name, value in given.items() if value})
        except ValidationError as error:
            names = dict.fromkeys(str(item["loc"][0]) for item in error.errors(include_input=False))
            raise SettingsError("\n".join(_complaint(name) for name in names)) from None

    def provider_settings(self) -> ProviderSettings:
        """What adapters need of it; their timeouts end before the request's own."""
        return ProviderSettings(
            var_dir=self.var_dir,
            allow_private_networks=self.allow_private_networks,
            ca_bundle=self.ca_bundle,
            connections_per_account=self.connections_per_account,
            connect_timeout=min(10.0, self.request_timeout / 3),
            read_timeout=min(20.0, self.request_timeout * 2 / 3),
            smtp_servers=self.smtp_servers,
            header_cache_bytes=self.header_cache_bytes,
            push_signers=self.push_signers,
            endpoints={name: url for name in _ENDPOINTS if (url := getattr(self, name))},
        )


_REPLACED = ("google_", "icloud_", "graph_", "microsoft_")
_ENDPOINTS = tuple(name for name in Settings.model_fields if name.startswith(_REPLACED))


def _extra(name: str) -> dict[str, str]:
    extra = Settings.model_fields[name].json_schema_extra
    return {key: str(value) for key, value in extra.items()} if isinstance(extra, dict) else {}


def _complaint(name: str) -> str:
    return f"{PREFIX}{name.upper()} cannot be used as it is set: it takes {_extra(name)['takes']}"


def _rows() -> Iterator[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting."""
    for name, field in Settings.model_fields.items():
        default = _extra(name)["shown"] or str(field.default).lower()
        takes = _extra(name)["takes"]
        yield f"{PREFIX}{name.upper()}", default, f"{field.description} ({takes})"


def markdown() -> str:
    """The table of all settings, for the README."""
    lines = [f"| `{variable}` | {default} | {meaning} |" for variable, default, meaning in _rows()]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *lines])
