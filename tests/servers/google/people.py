"""The People API's operations (v1) on a user's own contacts."""

import base64
import copy
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.servers.google.handlers import handles
from tests.servers.google.world import Call, Failure, Json, User, World

_serial = itertools.count(1)
_SINGLE = ("names", "biographies", "birthdays", "genders")
PHOTOS: dict[str, bytes] = {}


@dataclass
class Book:
    """Persons by resource name; deleted ones stay as tombstones."""

    user: User
    persons: dict[str, Json] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    counter: int = 0
    floor: int = 0

    def put(self, name: str, fields: Json) -> Json:
        for single in _SINGLE:
            if len(fields.get(single, ())) > 1:
                raise Failure(400, "invalidArgument", f"{single} is a singleton for contacts")
        self.counter += 1
        number = next(_serial)
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        source = {"type": "CONTACT", "id": name.removeprefix("people/c"), "etag": f"#s{number}", "updateTime": moment}
        kept = {key: value for key, value in fields.items() if value and key not in ("etag", "metadata")}
        person = {**kept, "resourceName": name, "etag": f"%p{number}"}
        person["metadata"] = {"objectType": "PERSON", "sources": [source]}
        _derive(person)
        self.persons[name], self.changes[name] = person, self.counter
        return person

    def get(self, name: str) -> Json:
        person = self.persons.get(name)
        if person is None or person["metadata"].get("deleted"):
            raise Failure(404, "NOT_FOUND", "Requested entity was not found.")
        return person

    def delete(self, name: str) -> None:
        self.get(name)
        self.counter += 1
        self.persons[name] = {"resourceName": name, "metadata": {"deleted": True}}
        self.changes[name] = self.counter

    def alive(self) -> list[Json]:
        return [person for person in self.persons.values() if not person["metadata"].get("deleted")]


def _derive(person: Json) -> None:
    """What Google makes of what was written."""
    for name in person.get("names", ()):
        parts = [name.get(key) for key in ("honorificPrefix", "givenName", "middleName", "familyName")]
        written = name.pop("unstructuredName", None)
        name["displayName"] = " ".join(filter(None, parts)) or written or ""
    person.setdefault("photos", [{"url": "https://lh3.example/letter", "default": True}])


def book_of(call: Call) -> Book:
    found: Book = call.user.shelf(Book)
    return found


def new_name() -> str:
    return f"people/c{5_000_000_000 + next(_serial)}"


def _masked(call: Call, person: Json, fields: str = "") -> Json:
    fields = fields or call.one("personFields")
    if not fields:
        raise Failure(400, "invalidArgument", "personFields mask is required.")
    wanted = {*fields.split(","), "resourceName", "etag"}
    if person["metadata"].get("deleted"):
        wanted.add("metadata")
    return copy.deepcopy({key: value for key, value in person.items() if key in wanted})


@handles("people.people.connections.list")
def connections(_: World, call: Call) -> Json:
    book = book_of(call)
    found = book.alive()
    if call.one("syncToken"):
        text = call.one("syncToken")
        if not text.startswith("sync") or not text[4:].isdigit():
            raise Failure(400, "invalidArgument", "Sync token is invalid.")
        if not book.floor <= int(text[4:]) <= book.counter:
            raise Failure(400, "EXPIRED_SYNC_TOKEN", "Sync token is expired.")
        found = [person for name, person in book.persons.items() if book.changes[name] > int(text[4:])]
    first = 0
    if call.one("pageToken"):
        try:
            first = int(base64.b64decode(call.one("pageToken"), validate=True))
        except ValueError:
            raise Failure(400, "invalidArgument", "Page token is invalid.") from None
    last = first + call.number("pageSize", 100)
    out: Json = {"totalPeople": len(found), "totalItems": len(found)}
    if page := found[first:last]:
        out["connections"] = [_masked(call, person) for person in page]
    if len(found) > last:
        return out | {"nextPageToken": base64.b64encode(f"{last:06}".encode()).decode()}
    return out | ({"nextSyncToken": f"sync{book.counter}"} if call.flag("requestSyncToken") else {})


@handles("people.people.get")
def person(_: World, call: Call) -> Json:
    return _masked(call, book_of(call).get(call.path["resourceName"]))


@handles("people.people.getBatchGet")
def persons(_: World, call: Call) -> Json:
    book = book_of(call)
    assert len(call.query["resourceNames"]) <= 200

    def one(name: str) -> Json:
        try:
            found = _masked(call, book.get(name))
        except Failure:
            return {"requestedResourceName": name, "httpStatusCode": 404, "status": {"code": 5}}
        return {"requestedResourceName": name, "httpStatusCode": 200, "person": found}

    return {"responses": [one(name) for name in call.query["resourceNames"]]}


@handles("people.people.createContact")
def new_contact(_: World, call: Call) -> Json:
    return _masked(call, book_of(call).put(new_name(), call.body))


@handles("people.people.updateContact")
def update_contact(_: World, call: Call) -> Json:
    book = book_of(call)
    old = book.get(call.path["resourceName"])
    given = [one for one in call.body.get("metadata", {}).get("sources", ()) if one["type"] == "CONTACT"]
    if not given:
        raise Failure(400, "invalidArgument", "person.metadata.sources is required")
    if given[0].get("etag") != old["metadata"]["sources"][0]["etag"]:
        raise Failure(400, "failedPrecondition", "Request person.etag is different than the current person.etag.")
    fields = call.one("updatePersonFields").split(",")
    new: dict[str, Any] = {key: value for key, value in copy.deepcopy(old).items() if key not in fields}
    new |= {key: call.body.get(key, []) for key in fields}
    return _masked(call, book.put(old["resourceName"], new))


@handles("people.people.deleteContact")
def delete_contact(_: World, call: Call) -> Json:
    book_of(call).delete(call.path["resourceName"])
    return {}


@handles("people.people.updateContactPhoto")
def put_photo(_: World, call: Call) -> Json:
    book = book_of(call)
    old = book.get(call.path["resourceName"])
    key = f"photo{next(_serial)}"
    PHOTOS[key] = base64.b64decode(call.body["photoBytes"])
    url = f"http://{call.headers['Host']}/photos/{key}"
    new = book.put(old["resourceName"], {**old, "photos": [{"url": url}]})
    return {"person": _masked(call, new, call.body.get("personFields", "names"))}


@handles("people.people.deleteContactPhoto")
def delete_photo(_: World, call: Call) -> Json:
    book = book_of(call)
    old = book.get(call.path["resourceName"])
    return {"person": _masked(call, book.put(old["resourceName"], {**old, "photos": []}))}
