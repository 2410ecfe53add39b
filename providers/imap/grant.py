"""How an IMAP account is reached: two endpoints and the credentials, kept as the account's grant."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Security(StrEnum):
    """How a connection is protected (RFC 8314)."""

    TLS = "tls"  # implicit
    STARTTLS = "starttls"
    PLAIN = "plain"  # only where private networks are allowed


class Endpoint(BaseModel):
    """A server to connect to; `verify` is False when the owner trusts it whatever its certificate says."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int
    security: Security = Security.TLS
    verify: bool = True


class ImapGrant(BaseModel):
    """The grant; `access_token` (XOAUTH2) is used instead of the password where there is one."""

    model_config = ConfigDict(frozen=True)

    imap: Endpoint
    smtp: Endpoint | None = None
    login: str
    smtp_login: str
    password: str | None = Field(default=None, repr=False)
    access_token: str | None = Field(default=None, repr=False)
    brand: str | None = None  # the serviceProvider: which preset's habits apply
