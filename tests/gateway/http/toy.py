"""A small application on the real HTTP layer: two tenants, one mailbox each, a handful of rows."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

import httpx
from pydantic import Field
from starlette.types import ASGIApp

from gateway.claims import Attempt, State
from gateway.http.binding import Surroundings
from gateway.http.frontdoor import FrontDoor
from gateway.http.parameters import Header, Id
from gateway.http.repeats import Repeats
from gateway.http.route import ANYONE, APPLICATION, Media, Route, account
from gateway.http.router import router
from gateway.http.tokens import Tokens
from gateway.identity import Account, Application, Caller, User
from providers.base.collection import Page, PageRequest
from providers.base.errors import Denied, RateLimited, Uncertain
from providers.base.ports import Content, Folders
from providers.base.provider import Session
from schemas.accounts import Scope, ServiceType, TokenStatus
from schemas.common import OkResponse
from schemas.mail import BodyType, EmailFolderInfo, EmailFolderInfoPage
from schemas.outgoing import EmailFolderCreate, OutgoingEmail

ORIGIN = "https://app.example.test"
TENANTS = {1: Application(1, "one", "One", (ORIGIN,)), 2: Application(2, "two", "Two")}
SCOPES = {1: frozenset({Scope.MAIL_READ}), 2: frozenset({Scope.MAIL_ALL})}
BOXES = {n: Account(n, n, 1, ServiceType.IMAP, f"{n}@x.test", TokenStatus.ACTIVE, SCOPES[n], None) for n in TENANTS}


class Tenants:
    """Client ids `one` and `two` with the secret `s`; tokens `t1` and `t2`."""

    async def application(self, client_id: str, secret: str) -> Application | None:
        return next((app for app in TENANTS.values() if app.client_id == client_id and secret == "s"), None)

    async def token(self, bearer: str) -> tuple[Application, Account] | None:
        number = int(bearer[1:]) if bearer in ("t1", "t2") else 0
        return (TENANTS[number], BOXES[number]) if number else None

    async def account(self, application: Application, account_id: int) -> Account | None:
        return BOXES.get(account_id) if account_id == application.id else None

    async def client(self, client_id: str) -> Application | None:
        return next((app for app in TENANTS.values() if app.client_id == client_id), None)

    async def session(self, value: str) -> tuple[Application, User] | None:
        number = int(value[1:]) if value in ("s1", "s2") else 0
        return (TENANTS[number], User(number, number, f"u{number}", number)) if number else None

    async def cookie(
        self, application: Application, cookies: Mapping[str, str], mailbox_info: str | None
    ) -> User | None:
        found = await self.session(cookies.get(f"AUR{application.id}", ""))
        return found[1] if found and found[0] == application else None

    async def identity_token(self, application: Application, token: str) -> User | None:
        return None

    async def external_id(self, application: Application, token: str) -> str:
        raise Denied("the toy knows no identity tokens")

    async def trusted_origin(self, origin: str) -> bool:
        return origin == ORIGIN


class NumberedFolders(Folders):
    """Hundred folders, named by number."""

    async def find(self, parent: str | None, query: None, page: PageRequest) -> Page[EmailFolderInfo]:
        first = int(page.cursor or 0)
        last = min(first + page.limit, 100)
        return Page([EmailFolderInfo(id=str(n)) for n in range(first, last)], str(last) if last < 100 else None)


class Opened:
    @asynccontextmanager
    async def use(self, account: Account) -> AsyncIterator[Session]:
        session = Session()
        session.folders = NumberedFolders()
        yield session


@dataclass
class Tally:
    """What the rows did."""

    calls: list[str] = field(default_factory=list)


class Memory:
    """A ledger of idempotency keys in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[tuple[object, ...], tuple[bytes, Attempt]] = {}

    async def claim(self, caller: Caller, use: str, key: str, body_hash: bytes) -> Attempt:
        slot = (caller.application.id, use, key)
        if slot not in self.kept:
            self.kept[slot] = (body_hash, Attempt(State.RUNNING, len(self.kept)))
            return Attempt(State.NEW, self.kept[slot][1].id)
        kept_hash, attempt = self.kept[slot]
        return attempt if kept_hash == body_hash else Attempt(State.OTHER_BODY)

    async def finish(self, attempt: Attempt, status: int, body: bytes) -> None:
        slot = next(slot for slot, (_, kept) in self.kept.items() if kept.id == attempt.id)
        self.kept[slot] = (self.kept[slot][0], Attempt(State.DONE, attempt.id, status, body))

    async def give_up(self, attempt: Attempt) -> None:
        self.kept = {slot: kept for slot, kept in self.kept.items() if kept[1].id != attempt.id}


async def echo(
    id: Id,
    q: Annotated[str | None, Field(description="text")] = None,
    body_type: BodyType = BodyType.HTML,
    keys: tuple[BodyType, ...] = (),
    deep: bool = False,
    match: Annotated[str | None, Header("If-Match")] = None,
) -> EmailFolderInfo:
    """Say what was understood."""
    return EmailFolderInfo(id=str(id), name=repr([q, str(body_type), [str(key) for key in keys], deep, match]))


async def find(folders: Folders, page: PageRequest, q: str | None = None) -> Page[EmailFolderInfo]:
    """Numbered folders."""
    return await folders.find(None, None, page)


async def make(body: EmailFolderCreate, tally: Tally) -> EmailFolderInfo:
    """Count calls."""
    tally.calls.append(body.name)
    if body.name == "lost":
        raise Uncertain("the answer was lost")
    if body.name == "busy":
        raise RateLimited("later", retry_after=7)
    if body.name == "broken":
        raise RuntimeError("secret inside")
    return EmailFolderInfo(id=str(len(tally.calls)), name=body.name)


async def mail(body: OutgoingEmail) -> OkResponse:
    """Take a message."""
    return OkResponse()


async def stream() -> Content:
    """Seven octets in pieces."""

    async def chunks() -> AsyncIterator[bytes]:
        for piece in (b"ab", b"c", b"", b"defg"):
            yield piece

    return Content(chunks(), "application/octet-stream")


ROUTES = (
    Route("GET", "/echo/{id}", "echo", ANYONE, echo, EmailFolderInfo),
    Route("GET", "/folders", "folders", account(Scope.MAIL_READ, Scope.MAIL_ALL), find, EmailFolderInfoPage),
    Route("GET", "/more", "more", account(Scope.MAIL_READ, Scope.MAIL_ALL), find, EmailFolderInfoPage),
    Route("POST", "/make", "make", account(Scope.MAIL_ALL), make, EmailFolderInfo, 201, once=True),
    Route("POST", "/mail", "mail", APPLICATION, mail, OkResponse),
    Route("GET", "/raw", "raw", ANYONE, stream, Media.TEXT),
    Route("GET", "/base64", "base64", ANYONE, stream, Media.BASE64_JSON),
)


def toy() -> tuple[ASGIApp, Tally]:
    """The application and what counts its work."""
    tally, tenants = Tally(), Tenants()
    services: dict[type, object] = {Tally: tally}
    around = Surroundings(tenants, Opened(), Tokens(["k"]), Repeats(Memory()), services, 4096, 5.0)
    return FrontDoor(router(ROUTES, around, []), tenants), tally


def client(app: ASGIApp, authorization: str = "Bearer t2") -> httpx.AsyncClient:
    """Calls the application in this process."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://toy", headers={"authorization": authorization})


def basic(client_id: str, secret: str = "s") -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
