"""Calendars of one user: events as Google's JSON, and their instances, expanded by dateutil."""

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr

from tests.servers.google.world import Failure, Json, User

_serial = itertools.count(1)
_HORIZON = timedelta(days=730)


@dataclass
class Calendar:
    """Events by id; `changes` has the number of each one's last change."""

    id: str
    owner: str
    summary: str
    description: str | None = None
    zone: str = "UTC"
    events: dict[str, Json] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    counter: int = 0
    floor: int = 0  # older sync tokens are forgotten

    def put(self, event: Json) -> Json:
        """Store an event as changed now."""
        number = next(_serial)
        self.counter += 1
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event |= {"kind": "calendar#event", "etag": f'"{3_000_000_000 + number}"', "updated": moment}
        event.setdefault("created", moment)
        event.setdefault("status", "confirmed")
        event.setdefault("eventType", "default")
        event.setdefault("sequence", 0)
        event.setdefault("htmlLink", f"https://calendar.example/event?eid={event['id']}")
        self.events[event["id"]] = event
        self.changes[event["id"]] = self.counter
        return event

    def get(self, item: str) -> Json:
        """An event or an instance, cancelled ones too."""
        if item in self.events:
            return self.events[item]
        master, _, _ = item.rpartition("_")
        if master in self.events and self.events[master].get("recurrence"):
            for instance in self.instances(self.events[master]):
                if instance["id"] == item:
                    return instance
                if instance["id"] > item and len(instance["id"]) == len(item):
                    break
        raise Failure(404, "notFound", "Not Found")

    def cancel(self, event: Json) -> None:
        """Delete: an instance stays as a cancelled exception, of another event only the id does."""
        if event["status"] == "cancelled":
            raise Failure(410, "deleted", "Resource has been deleted")
        if "recurringEventId" in event:
            kept = {name: event[name] for name in ("id", "recurringEventId", "originalStartTime", "iCalUID")}
            self.put({**kept, "status": "cancelled"})
            return
        for item in [one["id"] for one in self.exceptions(event["id"])]:
            del self.events[item], self.changes[item]
        self.put({"id": event["id"], "iCalUID": event["iCalUID"], "status": "cancelled"})

    def exceptions(self, master: str) -> list[Json]:
        return [one for one in self.events.values() if one.get("recurringEventId") == master]

    def instances(self, master: Json, until: datetime | None = None) -> Iterator[Json]:
        """In the order of their planned starts; cancelled ones are among them."""
        known = {one["id"]: one for one in self.exceptions(master["id"])}
        first, length = begin(master["start"], self.zone), length_of(master, self.zone)
        last = until or first + _HORIZON
        for wall in _walls(master):
            start = _placed(wall, master["start"])
            if begin(start, self.zone) > last:
                break
            key = wall.strftime("%Y%m%d") if "date" in start else begin(start, self.zone).strftime("%Y%m%dT%H%M%SZ")
            item = f"{master['id']}_{key}"
            if (exception := known.pop(item, None)) is not None:
                yield exception
                continue
            yield {
                **{name: value for name, value in master.items() if name != "recurrence"},
                "id": item,
                "recurringEventId": master["id"],
                "originalStartTime": start,
                "start": start,
                "end": _end(start, master, length),
            }
        yield from known.values()

    def between(self, low: datetime | None, high: datetime | None) -> list[Json]:
        """Single events and instances that are not cancelled, by start."""
        found = []
        for event in [one for one in self.events.values() if "recurringEventId" not in one]:
            if event["status"] != "cancelled":
                found += self.instances(event, high) if event.get("recurrence") else [event]
        alive = [one for one in found if one["status"] != "cancelled" and self.overlaps(one, low, high)]
        return sorted(alive, key=lambda one: (begin(one["start"], self.zone), one["id"]))

    def overlaps(self, event: Json, low: datetime | None, high: datetime | None) -> bool:
        start, end = begin(event["start"], self.zone), begin(event["end"], self.zone)
        return (low is None or end > low) and (high is None or start < high)


@dataclass
class Agenda:
    """A user's list of calendars, and the role in each."""

    user: User
    calendars: dict[str, tuple[Calendar, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.add(Calendar(self.user.email, self.user.email, self.user.email))

    def add(self, calendar: Calendar, role: str = "owner") -> Calendar:
        self.calendars[calendar.id] = (calendar, role)
        return calendar

    def calendar(self, item: str, *, writes: bool = False) -> Calendar:
        found = self.calendars.get(self.user.email if item == "primary" else item)
        if found is None:
            raise Failure(404, "notFound", "Not Found")
        if writes and found[1] not in ("owner", "writer"):
            raise Failure(403, "requiredAccessLevel", "You need to have writer access to this calendar.")
        return found[0]


def new_id() -> str:
    return uuid.uuid4().hex[:26]


def begin(moment: Json, zone: str) -> datetime:
    """The instant; of a date its midnight in the calendar's zone."""
    if "date" in moment:
        return datetime.combine(date.fromisoformat(moment["date"]), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    found = datetime.fromisoformat(moment["dateTime"])
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(moment.get("timeZone", zone)))).astimezone(UTC)


def length_of(event: Json, zone: str) -> timedelta:
    return begin(event["end"], zone) - begin(event["start"], zone)


def _walls(master: Json) -> Iterator[datetime]:
    """The planned starts as naive wall times."""
    start = master["start"]
    if "date" in start:
        first, zone = datetime.fromisoformat(start["date"]), UTC
    else:
        zone = ZoneInfo(start.get("timeZone", "UTC"))
        first = begin(start, "UTC").astimezone(zone).replace(tzinfo=None)
    rules = rruleset()
    for line in master["recurrence"]:
        name, _, value = line.partition(":")
        if name == "RRULE":
            parts = [_naive_until(part, zone) for part in value.split(";")]
            rules.rrule(rrulestr(";".join(parts), dtstart=first))
        elif name.startswith(("EXDATE", "RDATE")):
            for text in value.split(","):
                (rules.exdate if name.startswith("EXDATE") else rules.rdate)(_wall(text, zone, first))
    return iter(rules)


def _naive_until(part: str, zone: ZoneInfo) -> str:
    name, _, value = part.partition("=")
    if name != "UNTIL" or not value.endswith("Z"):
        return part
    moment = datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(zone)
    return f"UNTIL={moment:%Y%m%dT%H%M%S}"


def _wall(text: str, zone: ZoneInfo, first: datetime) -> datetime:
    if len(text) == 8:
        return datetime.combine(datetime.strptime(text, "%Y%m%d").date(), first.time())
    moment = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) if text.endswith("Z") else moment


def _placed(wall: datetime, like: Json) -> Json:
    if "date" in like:
        return {"date": wall.date().isoformat()}
    zone = like.get("timeZone", "UTC")
    return {"dateTime": wall.replace(tzinfo=ZoneInfo(zone)).isoformat(), "timeZone": zone}


def _end(start: Json, master: Json, length: timedelta) -> Json:
    if "date" in start:
        return {"date": (date.fromisoformat(start["date"]) + length).isoformat()}
    zone = master["end"].get("timeZone", start["timeZone"])
    moment = (datetime.fromisoformat(start["dateTime"]).astimezone(UTC) + length).astimezone(ZoneInfo(zone))
    return {"dateTime": moment.isoformat(), "timeZone": zone}
