"""iCalendar texts of the suite <-> the simulator's events, by the `icalendar` package."""

from datetime import date, datetime
from typing import Any

import icalendar

from tests.servers.google.agenda import Calendar, begin, new_id
from tests.servers.google.people import Book, new_name
from tests.servers.google.tasks import Board, stamped
from tests.servers.google.world import Json

_WINDOWS = {"W. Europe Standard Time": "Europe/Berlin"}


def put(calendar: Calendar, uid: str, text: bytes) -> None:
    """Store a text in place of what has this UID."""
    parts = icalendar.Calendar.from_ical(text).walk("VEVENT")
    master = next(part for part in parts if "RECURRENCE-ID" not in part)
    known = next(
        (one for one in calendar.events.values() if one["iCalUID"] == uid and "recurringEventId" not in one), {}
    )
    stored = calendar.put({**known, **_event(master, calendar), "id": known.get("id") or new_id(), "iCalUID": uid})
    for part in parts:
        if part is not master:
            _exception(calendar, stored, part)


def remove(calendar: Calendar, uid: str) -> None:
    for one in list(calendar.events.values()):
        if one["iCalUID"] == uid and "recurringEventId" not in one and one["status"] != "cancelled":
            calendar.cancel(one)


def texts(calendar: Calendar) -> list[bytes]:
    alive = [one for one in calendar.events.values() if one["status"] != "cancelled" and "recurringEventId" not in one]
    return [_text(one).encode() for one in alive]


def put_card(book: Book, uid: str, text: bytes) -> None:
    """A vCard as a person; groups are none. The UID is kept beside the fields."""
    lines = dict(line.partition(":")[::2] for line in text.decode().split("\r\n") if ":" in line)
    if "X-ADDRESSBOOKSERVER-KIND" in lines:
        return
    known = next((one["resourceName"] for one in book.alive() if _uid(one) == uid), new_name())
    fields = {"names": [{"unstructuredName": lines["FN"]}], "externalIds": [{"type": "uid", "value": uid}]}
    fields |= {"biographies": [{"value": lines["NOTE"]}]} if "NOTE" in lines else {}
    book.put(known, fields)


def remove_card(book: Book, uid: str) -> None:
    for one in book.alive():
        if _uid(one) == uid:
            book.delete(one["resourceName"])


def _uid(person: Json) -> str | None:
    return next((one["value"] for one in person.get("externalIds", ())), None)


def put_task(board: Board, parent: str, uid: str, text: bytes) -> None:
    """A VTODO as a task whose id is made of the UID."""
    part = icalendar.Calendar.from_ical(text).walk("VTODO")[0]
    task = {"kind": "tasks#task", "id": uid.replace("@", "_"), "title": str(part["SUMMARY"]), "status": "needsAction"}
    if "COMPLETED" in part:
        moment = part["COMPLETED"].dt.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        task |= {"status": "completed", "completed": moment, "hidden": True}
    board.place(parent, task, "", "")
    board.tasks[parent][task["id"]] = stamped(task)


def remove_task(board: Board, parent: str, uid: str) -> None:
    item = uid.replace("@", "_")
    board.tasks[parent][item] = stamped({**board.tasks[parent][item], "deleted": True})


def _event(part: Any, calendar: Calendar) -> Json:
    start = _moment(part["DTSTART"])
    end = part.get("DTEND")
    if end is None and "date" in start and "DURATION" not in part:
        last = _moment_of(part["DTSTART"].dt + icalendar.vDuration.from_ical("P1D"), part["DTSTART"])
    else:
        last = _moment(end) if end else _moment_of(part["DTSTART"].dt + part["DURATION"].dt, part["DTSTART"])
    event: Json = {"summary": str(part.get("SUMMARY", "")), "start": start, "end": last, "status": "confirmed"}
    if "DESCRIPTION" in part:
        event["description"] = str(part["DESCRIPTION"])
    if str(part.get("CLASS", "")) == "PRIVATE":
        event["visibility"] = "private"
    if str(part.get("TRANSP", "")) == "TRANSPARENT":
        event["transparency"] = "transparent"
    organizer = str(part.get("ORGANIZER", f"mailto:{calendar.owner}")).removeprefix("mailto:")
    event["organizer"] = {"email": organizer}
    people = part.get("ATTENDEE", [])
    people = people if isinstance(people, list) else [people]
    if people:
        event["attendees"] = [_person(one) for one in people]
    event["recurrence"] = _rules(part)
    return {name: value for name, value in event.items() if value not in ([], None)}


def _person(one: Any) -> Json:
    states = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
    return {
        "email": str(one).removeprefix("mailto:"),
        "responseStatus": states.get(str(one.params.get("PARTSTAT", "")), "needsAction"),
    }


def _rules(part: Any) -> list[str]:
    rules = [f"RRULE:{part['RRULE'].to_ical().decode()}"] if "RRULE" in part else []
    return rules + ([f"EXDATE:{part['EXDATE'].to_ical().decode()}"] if "EXDATE" in part else [])


def _exception(calendar: Calendar, master: Json, part: Any) -> None:
    planned = _moment(part["RECURRENCE-ID"])
    wanted = begin(planned, calendar.zone)
    instance = next(
        one for one in calendar.instances(master) if begin(one["originalStartTime"], calendar.zone) == wanted
    )
    if str(part.get("STATUS", "")) == "CANCELLED":
        calendar.cancel(instance)
        return
    changed = {name: value for name, value in _event(part, calendar).items() if name != "recurrence"}
    calendar.put({**instance, **changed, "id": instance["id"], "iCalUID": master["iCalUID"]})


def _moment(field: Any) -> Json:
    return _moment_of(field.dt, field)


def _moment_of(value: date, field: Any) -> Json:
    if not isinstance(value, datetime):
        return {"date": value.isoformat()}
    zone = str(field.params.get("TZID", "UTC"))
    return {"dateTime": value.isoformat(), "timeZone": _WINDOWS.get(zone, zone)}


def _text(event: Json) -> str:
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Simulator//EN", "BEGIN:VEVENT", f"UID:{event['iCalUID']}",
        f"DTSTART:{begin(event['start'], 'UTC'):%Y%m%dT%H%M%SZ}", f"DTEND:{begin(event['end'], 'UTC'):%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{event.get('summary', '')}", f"ORGANIZER:mailto:{event['organizer']['email']}",
    ]  # fmt: skip
    for one in event.get("attendees", ()):
        state = {"needsAction": "NEEDS-ACTION"}.get(one.get("responseStatus", "needsAction"), one.get("responseStatus"))
        lines.append(f"ATTENDEE;PARTSTAT={state.upper()}:mailto:{one['email']}")
    return "\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""])
