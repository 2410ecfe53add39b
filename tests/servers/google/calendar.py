"""Google Calendar's operations (v3)."""

import base64
import copy
import re
from datetime import datetime
from typing import Any

from tests.servers.google.agenda import Agenda, Calendar, begin, new_id
from tests.servers.google.handlers import handles
from tests.servers.google.world import Call, Channel, Failure, Json, World, in_a_week

_ALONE = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)


def agenda_of(call: Call) -> Agenda:
    found: Agenda = call.user.shelf(Agenda)
    return found


def _entry(agenda: Agenda, item: str) -> Json:
    calendar = agenda.calendar(item)
    role = agenda.calendars[calendar.id][1]
    out = {
        "kind": "calendar#calendarListEntry",
        "etag": '"1"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.zone,
        "accessRole": role,
        "backgroundColor": "#9fe1e7",
        "defaultReminders": [{"method": "popup", "minutes": 30}],
    }
    out |= {"primary": True} if calendar.id == agenda.user.email else {}
    return out | ({"description": calendar.description} if calendar.description else {})


@handles("calendar.calendarList.list")
def calendar_list(_: World, call: Call) -> Json:
    agenda = agenda_of(call)
    least = {"owner": ("owner",), "writer": ("owner", "writer")}.get(call.one("minAccessRole"))
    ids = [item for item, (_, role) in agenda.calendars.items() if least is None or role in least]
    page, token = _page(ids, call)
    out: Json = {"kind": "calendar#calendarList", "etag": '"1"', "items": [_entry(agenda, item) for item in page]}
    return out | ({"nextPageToken": token} if token else {"nextSyncToken": "1"})


def _page(items: list[Any], call: Call) -> tuple[list[Any], str | None]:
    first = 0
    if call.one("pageToken"):
        try:
            first = int(base64.b64decode(call.one("pageToken"), validate=True))
        except ValueError:
            raise Failure(400, "invalid", "Invalid page token value.") from None
    last = first + call.number("maxResults", 250)
    return items[first:last], base64.b64encode(f"{last:06}".encode()).decode() if len(items) > last else None


@handles("calendar.calendarList.get")
def calendar_entry(_: World, call: Call) -> Json:
    return _entry(agenda_of(call), call.path["calendarId"])


@handles("calendar.calendars.insert")
def new_calendar(_: World, call: Call) -> Json:
    agenda = agenda_of(call)
    made = Calendar(f"{new_id()}@group.calendar.example", agenda.user.email, call.body["summary"])
    made.description = call.body.get("description")
    return _calendar(agenda.add(made))


@handles("calendar.calendars.patch")
def patch_calendar(_: World, call: Call) -> Json:
    calendar = agenda_of(call).calendar(call.path["calendarId"], writes=True)
    calendar.summary = call.body.get("summary", calendar.summary)
    calendar.description = call.body.get("description", calendar.description)
    return _calendar(calendar)


@handles("calendar.calendars.delete")
def delete_calendar(_: World, call: Call) -> None:
    agenda = agenda_of(call)
    calendar = agenda.calendar(call.path["calendarId"], writes=True)
    if calendar.id == agenda.user.email:
        raise Failure(400, "cannotDeletePrimaryCalendar")
    del agenda.calendars[calendar.id]


def _calendar(calendar: Calendar) -> Json:
    return {"kind": "calendar#calendar", "etag": '"1"', "id": calendar.id, "summary": calendar.summary}


@handles("calendar.freebusy.query")
def free_busy(world: World, call: Call) -> Json:
    low, high = (datetime.fromisoformat(call.body[name]) for name in ("timeMin", "timeMax"))
    wanted = [item["id"] for item in call.body["items"]]
    assert len(wanted) <= 50
    found = {item: _busy(world, call, item, low, high) for item in wanted}
    return {"kind": "calendar#freeBusy", "timeMin": call.body["timeMin"], "timeMax": call.body["timeMax"],
            "calendars": found}  # fmt: skip


def _busy(world: World, call: Call, item: str, low: datetime, high: datetime) -> Json:
    agenda = agenda_of(call)
    if item not in agenda.calendars:
        return {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    calendar = agenda.calendar(item)
    spans = [
        {"start": _z(begin(one["start"], calendar.zone)), "end": _z(begin(one["end"], calendar.zone))}
        for one in calendar.between(low, high)
        if one.get("transparency") != "transparent"
    ]
    return {"busy": spans}


def _z(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@handles("calendar.events.list")
def events(_: World, call: Call) -> Json:
    calendar = agenda_of(call).calendar(call.path["calendarId"])
    if call.one("syncToken"):
        found = _since(calendar, call)
    elif call.flag("singleEvents"):
        found = calendar.between(_moment(call, "timeMin"), _moment(call, "timeMax"))
    else:
        found = _masters(calendar, call)
    kinds = call.query.get("eventTypes")
    found = [one for one in found if not kinds or one.get("eventType", "default") in kinds]
    if call.one("iCalUID"):
        found = [one for one in found if one.get("iCalUID") == call.one("iCalUID")]
    page, token = _page(found, call)
    out: Json = {
        "kind": "calendar#events",
        "etag": f'"{calendar.counter}"',
        "summary": calendar.summary,
        "timeZone": calendar.zone,
        "items": [_shown(call, calendar, one) for one in page],
    }
    if token:
        return out | {"nextPageToken": token}
    return out if call.one("orderBy") or call.one("iCalUID") else out | {"nextSyncToken": f"sync{calendar.counter}"}


def _since(calendar: Calendar, call: Call) -> list[Json]:
    if any(call.one(name) for name in _ALONE) or call.one("showDeleted") == "false":
        raise Failure(400, "badRequest", "a parameter is not allowed with syncToken")
    match = re.fullmatch(r"sync(\d{1,9})", call.one("syncToken"))
    if match is None:
        raise Failure(400, "invalid", "Invalid sync token value.")
    if not calendar.floor <= int(match[1]) <= calendar.counter:
        raise Failure(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
    return [one for item, one in calendar.events.items() if calendar.changes[item] > int(match[1])]


def _masters(calendar: Calendar, call: Call) -> list[Json]:
    """Masters by their whole span, single events, exceptions; cancelled exceptions of living masters too."""
    low, high = _moment(call, "timeMin"), _moment(call, "timeMax")
    found = []
    for one in calendar.events.values():
        master = calendar.events.get(one.get("recurringEventId", ""), {"status": "confirmed"})
        gone = one["status"] == "cancelled" and ("recurringEventId" not in one or master["status"] == "cancelled")
        if gone and not call.flag("showDeleted"):
            continue
        if one["status"] == "cancelled" or one.get("recurrence") or calendar.overlaps(one, low, high):
            found.append(one)
    return found


def _moment(call: Call, name: str) -> datetime | None:
    return datetime.fromisoformat(call.one(name)) if call.one(name) else None


def _shown(call: Call, calendar: Calendar, event: Json) -> Json:
    """An event as this user sees it."""
    shown = copy.deepcopy(event)
    for person in [*shown.get("attendees", ()), *([shown["organizer"]] if "organizer" in shown else ())]:
        if person.get("email") == call.user.email:
            person["self"] = True
    return shown


@handles("calendar.events.get")
def event(_: World, call: Call) -> Json:
    calendar = agenda_of(call).calendar(call.path["calendarId"])
    return _shown(call, calendar, calendar.get(call.path["eventId"]))


@handles("calendar.events.instances")
def instances(_: World, call: Call) -> Json:
    calendar = agenda_of(call).calendar(call.path["calendarId"])
    master = calendar.get(call.path["eventId"])
    if master["status"] == "cancelled":
        raise Failure(404, "notFound", "Not Found")
    if not master.get("recurrence"):
        raise Failure(400, "invalid", "not a recurring event")
    low, high = _moment(call, "timeMin"), _moment(call, "timeMax")
    found = [
        one for one in calendar.instances(master, high) if one["status"] != "cancelled" or call.flag("showDeleted")
    ]
    found = [one for one in found if one["status"] == "cancelled" or calendar.overlaps(one, low, high)]
    if call.one("originalStart"):
        wanted = call.one("originalStart")
        found = [one for one in found if _same(one["originalStartTime"], wanted, calendar.zone)]
    page, token = _page(found, call)
    out: Json = {"kind": "calendar#events", "etag": '"1"', "timeZone": calendar.zone}
    out["items"] = [_shown(call, calendar, one) for one in page]
    return out | ({"nextPageToken": token} if token else {})


def _same(planned: Json, wanted: str, zone: str) -> bool:
    if "date" in planned:
        return bool(planned["date"] == wanted)
    return len(wanted) > 10 and begin(planned, zone) == datetime.fromisoformat(wanted)


@handles("calendar.events.insert")
def new_event(_: World, call: Call) -> Json:
    calendar = agenda_of(call).calendar(call.path["calendarId"], writes=True)
    body = dict(call.body)
    _sound(body)
    uid = body.get("iCalUID")
    if uid and any(one.get("iCalUID") == uid and one["status"] != "cancelled" for one in calendar.events.values()):
        raise Failure(409, "duplicate", "The requested identifier already exists.")
    item = body.pop("id", None) or new_id()
    person = {"email": calendar.owner}
    stored = {"iCalUID": f"{item}@google.example", "creator": person, "organizer": dict(person), **body, "id": item}
    stored.setdefault("reminders", {"useDefault": True})
    _confer(stored, call)
    return _shown(call, calendar, calendar.put(stored))


def _sound(event: Json) -> None:
    for name in ("start", "end"):
        given = {key: value for key, value in (event.get(name) or {}).items() if value is not None}
        if not {"date", "dateTime"} & given.keys() or {"date", "dateTime"} <= given.keys():
            raise Failure(400, "required", f"Missing {name} time.")
        if event.get("recurrence") and "dateTime" in given and "timeZone" not in given:
            raise Failure(400, "required", f"Missing time zone definition for {name} time.")
        event[name] = given
    if begin(event["end"], "UTC") < begin(event["start"], "UTC"):
        raise Failure(400, "timeRangeEmpty", "The specified time range is empty.")
    if any(line.startswith(("DTSTART", "DTEND")) for line in event.get("recurrence") or ()):
        raise Failure(400, "invalid", "Invalid recurrence rule.")


def _confer(event: Json, call: Call) -> None:
    """A conference is made at once for the version 1, as `createRequest` asks for one."""
    request = (event.get("conferenceData") or {}).get("createRequest")
    if request is None or call.number("conferenceDataVersion", 0) < 1:
        if request is not None:
            del event["conferenceData"]
        return
    url = "https://meet.google.com/abc-defg-hij"
    event["hangoutLink"] = url
    event["conferenceData"] = {
        "createRequest": {**request, "status": {"statusCode": "success"}},
        "conferenceId": "abc-defg-hij",
        "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
        "entryPoints": [
            {"entryPointType": "video", "uri": url},
            {"entryPointType": "phone", "uri": "tel:+49-30-1", "pin": "123", "regionCode": "DE"},
        ],
    }


@handles("calendar.events.patch")
def patch_event(_: World, call: Call) -> Json:
    calendar, old = _writable(call)
    if old["status"] == "cancelled":
        raise Failure(404, "notFound", "Not Found")
    new = copy.deepcopy(old)
    people = old.get("attendees", [])
    for name, value in call.body.items():
        if isinstance(value, dict) and isinstance(new.get(name), dict):
            new[name] = {key: part for key, part in {**new[name], **value}.items() if part is not None}
        elif value is None:
            new.pop(name, None)
        else:
            new[name] = value
    if call.body.get("attendeesOmitted"):
        answers = {one["email"]: one for one in call.body.get("attendees", ())}
        new["attendees"] = [{**one, **answers.get(one["email"], {})} for one in people]
        del new["attendeesOmitted"]
    if "recurringEventId" in new and call.body.get("recurrence"):
        raise Failure(400, "invalid", "An instance has no recurrence.")
    _sound(new)
    _confer(new, call)
    return _shown(call, calendar, calendar.put(new))


@handles("calendar.events.delete")
def delete_event(_: World, call: Call) -> None:
    calendar, old = _writable(call)
    calendar.cancel(old)


def _writable(call: Call) -> tuple[Calendar, Json]:
    calendar = agenda_of(call).calendar(call.path["calendarId"], writes=True)
    old = calendar.get(call.path["eventId"])
    if call.headers.get("If-Match", old["etag"]) != old["etag"]:
        raise Failure(412, "conditionNotMet", "Precondition Failed")
    return calendar, old


@handles("calendar.events.watch")
def watch_events(world: World, call: Call) -> Json:
    calendar = agenda_of(call).calendar(call.path["calendarId"])
    if any(one.id == call.body["id"] for one in world.channels):
        raise Failure(400, "channelIdNotUnique")
    made = Channel(call.body["id"], f"resource-{calendar.id}", call.user, call.body["address"], call.body["token"])
    world.channels.append(made)
    return {
        "kind": "api#channel",
        "id": made.id,
        "resourceId": made.resource,
        "resourceUri": "https://calendar.example/",
        "expiration": in_a_week(),
    }


@handles("calendar.channels.stop")
def stop_channel(world: World, call: Call) -> None:
    found = [one for one in world.channels if (one.id, one.resource) == (call.body["id"], call.body["resourceId"])]
    if not found:
        raise Failure(404, "channelUnknown")
    world.channels.remove(found[0])
