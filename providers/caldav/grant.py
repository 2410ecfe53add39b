"""How an account is reached by DAV: where its collections are, and the credentials, kept as the account's grant."""

from pydantic import BaseModel, ConfigDict, Field


class Home(BaseModel):
    """What a principal has on one service. URLs are absolute; `sets` are the home sets.

    `schedules`: the server sends invitations itself (RFC 6638). `addresses` are the principal's own."""

    model_config = ConfigDict(frozen=True)

    principal: str
    sets: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    schedules: bool = False
    inbox: str | None = None
    outbox: str | None = None


class DavGrant(BaseModel):
    """The grant; `access_token` is sent as a bearer token in place of the password where there is one."""

    model_config = ConfigDict(frozen=True)

    login: str
    password: str | None = Field(default=None, repr=False)
    access_token: str | None = Field(default=None, repr=False)
    calendars: Home | None = None
    contacts: Home | None = None
    verify: bool = True  # False: the owner trusts the server whatever its certificate says
    brand: str | None = None
