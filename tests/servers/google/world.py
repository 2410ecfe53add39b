"""What the simulator knows: users by their tokens, and each one's things."""

import base64
import itertools
import json
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class Failure(Exception):
    """An answer with an error, as Google writes them."""

    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(reason)
        self.status = status
        text = message or reason
        self.body = {
            "error": {
                "code": status,
                "message": text,
                "errors": [{"domain": "global", "reason": reason, "message": text}],
                "status": reason.upper(),
                "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}],
            }
        }


@dataclass
class User:
    """One person with an account; the APIs keep their things in `shelves`."""

    email: str
    token: str
    sub: str
    shelves: dict[str, Any] = field(default_factory=dict)

    def shelf(self, kind: type[Any]) -> Any:
        """This user's things of an API, made when they are first asked for."""
        return self.shelves.setdefault(kind.__name__, kind(self))


@dataclass
class Call:
    """A request as handlers see it."""

    user: User
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Json
    media: bytes | None
    headers: Mapping[str, str]

    def one(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.query.get(name, [default])[0]

    def flag(self, name: str, default: bool = False) -> bool:
        """A yes-or-no parameter."""
        return self.one(name, str(default)).lower() == "true"

    def number(self, name: str, default: int) -> int:
        """A parameter that counts."""
        return int(self.one(name, str(default)))


@dataclass(frozen=True)
class Channel:
    """Where changes of a calendar are told."""

    id: str
    resource: str
    user: User
    address: str
    token: str


def in_a_week() -> str:
    """When channels and watches end, in milliseconds of the epoch."""
    return str(int((time.time() + 7 * 86400) * 1000))


class World:
    """Every user. Handlers hold `lock`, and so do tests that look."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.users: dict[str, User] = {}  # by address
        self.channels: list[Channel] = []
        self.revoked: list[str] = []
        self.token_requests: list[Json] = []
        self.claims: list[Json] = []  # of service accounts' assertions
        self.granted = ""  # the scopes that a code gives
        self.dead: set[str] = set()  # refresh tokens that are taken no more
        self._numbers = itertools.count(1)

    def new_user(self) -> User:
        """A fresh account."""
        number = next(self._numbers)
        user = User(f"user{number}@example.test", f"ya29.{uuid.uuid4().hex}", f"1{number:020}")
        self.users[user.email] = user
        return user

    def user(self, authorization: str) -> User:
        """Whose token it is."""
        token = authorization.removeprefix("Bearer ")
        for user in self.users.values():
            if user.token == token:
                return user
        raise Failure(401, "authError", "Invalid Credentials")

    def token(self, form: Json) -> Json:
        """The token endpoint: refresh tokens and codes are the user's address."""
        self.token_requests.append(form)
        name = form.get("refresh_token") or form.get("code")
        if assertion := form.get("assertion"):
            body = str(assertion).split(".")[1]
            self.claims.append(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
            name = self.claims[-1]["sub"]
        user = self.users.get(str(name))
        if user is None or name in self.dead:
            raise TokenRefused()
        user.token = f"ya29.{uuid.uuid4().hex}"
        answer = {"access_token": user.token, "expires_in": 3599, "token_type": "Bearer"}
        if "code" not in form:
            return answer
        return answer | {"refresh_token": user.email, "scope": self.granted, "id_token": _id_token(user)}


class TokenRefused(Failure):
    """`invalid_grant`, in the words of RFC 6749."""

    def __init__(self) -> None:
        super().__init__(400, "invalid_grant")
        self.body = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}


def _id_token(user: User) -> str:
    """Unsigned: it comes from the token endpoint itself."""
    claims = json.dumps({"sub": user.sub, "email": user.email, "name": "Sam"}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}."
