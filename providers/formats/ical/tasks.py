"""VTODO <-> task.

Lost: the recurrence, alarms and attendees of a task are kept in the text but not shown. A status that iCalendar lacks
(waiting, deferred) is kept in a property of ours beside NEEDS-ACTION; CANCELLED is shown as completed. A due date is
shown, as providers without times do, as midnight UTC; what is given as midnight UTC is written as a date.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from providers.formats import values
from providers.formats.contentlines import Component, Line
from providers.formats.ical.marks import categories, put_categories
from providers.formats.ical.resource import calendar
from providers.formats.ical.spans import When, when
from providers.formats.timezones.calendar_zones import Zones
from schemas.tasks import Task, TaskCreate, TaskImportance, TaskLink, TaskStatus, TaskUpdate

_OWN_STATUS = "X-POSTROOM-STATUS"
_STATUSES = {
    "NEEDS-ACTION": TaskStatus.NOT_STARTED,
    "IN-PROCESS": TaskStatus.IN_PROGRESS,
    "COMPLETED": TaskStatus.COMPLETED,
    "CANCELLED": TaskStatus.COMPLETED,
}
_WRITTEN = {
    TaskStatus.NOT_STARTED: "NEEDS-ACTION",
    TaskStatus.IN_PROGRESS: "IN-PROCESS",
    TaskStatus.COMPLETED: "COMPLETED",
    TaskStatus.WAITING_ON_OTHERS: "NEEDS-ACTION",
    TaskStatus.DEFERRED: "NEEDS-ACTION",
}
_OWN = (TaskStatus.WAITING_ON_OTHERS, TaskStatus.DEFERRED)
_PRIORITY = {TaskImportance.HIGH: "1", TaskImportance.NORMAL: "5", TaskImportance.LOW: "9"}
_MIDNIGHT = time()


def tasks(text: Component, floating: str | None = None) -> list[tuple[str, Task]]:
    """The tasks of a VCALENDAR with their UIDs, overrides of repeated ones left out; `parent_id` is a UID."""
    zones = Zones(text, floating)
    found = (todo for todo in text.of("VTODO") if todo.get("RECURRENCE-ID") is None)
    return [(values.text(todo.value("UID") or ""), read(todo, zones)) for todo in found]


def read(todo: Component, zones: Zones) -> Task:
    """The task that a VTODO describes; id, etag and owner are for the provider to say."""
    status = status_of(todo)
    due = when(todo.get("DUE"), zones)
    return Task(
        title=_text(todo, "SUMMARY"),
        last_modified_time=_utc(todo, "LAST-MODIFIED") or _utc(todo, "DTSTAMP"),
        parent_id=_parent(todo),
        position=todo.value("X-APPLE-SORT-ORDER"),
        notes=_text(todo, "DESCRIPTION"),
        status=status,
        importance=_importance(todo),
        due=_moment(due) if due else _due_after(todo, zones),
        completed=_utc(todo, "COMPLETED") if status is TaskStatus.COMPLETED else None,
        links=_links(todo.all("URL")),
        start_date_time=_moment(when(todo.get("DTSTART"), zones)),
        categories=categories(todo) or None,
    )


def _text(todo: Component, name: str) -> str | None:
    value = todo.value(name)
    return values.text(value) if value is not None else None


def _utc(todo: Component, name: str) -> datetime | None:
    found = values.moment(todo.value(name) or "")
    return found if isinstance(found, datetime) and found.tzinfo is not None else None


def _moment(found: When | None) -> datetime | None:
    if found is None:
        return None
    return datetime.combine(found.wall, _MIDNIGHT, UTC) if not isinstance(found.wall, datetime) else found.moment


def _due_after(todo: Component, zones: Zones) -> datetime | None:
    """DURATION instead of DUE (RFC 5545 3.6.2)."""
    start, length = _moment(when(todo.get("DTSTART"), zones)), values.duration(todo.value("DURATION") or "")
    return start + length if start is not None and length is not None else None


def status_of(todo: Component) -> TaskStatus:
    """COMPLETED or 100 percent say done even without a STATUS, a smaller part that it was begun."""
    said = _STATUSES.get((todo.value("STATUS") or "").strip().upper())
    percent = (todo.value("PERCENT-COMPLETE") or "").strip().lstrip("0")
    done = todo.get("COMPLETED") is not None or percent == "100"
    begun = percent.isascii() and percent.isdigit() and len(percent) < 3
    status = said or (TaskStatus.COMPLETED if done else TaskStatus.IN_PROGRESS if begun else TaskStatus.NOT_STARTED)
    own = next((one for one in _OWN if one.value == todo.value(_OWN_STATUS)), None)
    return own if own is not None and status is TaskStatus.NOT_STARTED else status


def _importance(todo: Component) -> TaskImportance:
    """RFC 5545 3.8.1.9: 1 to 4 are high, 5 is normal, 6 to 9 low, 0 says nothing."""
    written = (todo.value("PRIORITY") or "").strip()
    number = int(written) if written.isascii() and written.isdigit() and len(written) < 3 else 0
    return TaskImportance.HIGH if 0 < number < 5 else TaskImportance.LOW if 5 < number < 10 else TaskImportance.NORMAL


def _parent(todo: Component) -> str | None:
    lines = todo.all("RELATED-TO")
    parents = (line for line in lines if (line.parameter("RELTYPE") or "PARENT").upper() == "PARENT")
    return next((values.text(line.value) for line in parents), None)


def _links(lines: Iterable[Line]) -> list[TaskLink] | None:
    return [TaskLink(link=line.value) for line in lines if line.value] or None


def create(task: TaskCreate, uid: str, now: datetime) -> Component:
    """A VCALENDAR with a new task; `parent_id` is the UID of its parent."""
    stamp = values.written(now.astimezone(UTC))
    todo = Component(
        "VTODO", [Line("UID", values.escaped(uid)), Line("CREATED", stamp), Line("STATUS", "NEEDS-ACTION")]
    )
    update(todo, task, now)
    return calendar([todo])


def update(todo: Component, patch: TaskCreate | TaskUpdate, now: datetime) -> None:
    """Change what the body names; null clears. `previous_id` is for the provider to carry out."""
    names = patch.model_fields_set
    for field, name in (("title", "SUMMARY"), ("notes", "DESCRIPTION")):
        if field in names:
            text = getattr(patch, field)
            todo.put(name, [] if text is None else [Line(name, values.escaped(text))])
    if "status" in names:
        _put_status(todo, patch.status or TaskStatus.NOT_STARTED, now)
    if "importance" in names:
        importance = patch.importance
        todo.put("PRIORITY", [] if importance is None else [Line("PRIORITY", _PRIORITY[importance])])
    if "categories" in names:
        put_categories(todo, patch.categories)
    if "parent_id" in names:
        _put_parent(todo, patch.parent_id)
    _put_times(todo, patch)
    stamp = values.written(now.astimezone(UTC))
    for name in ("DTSTAMP", "LAST-MODIFIED"):
        todo.put(name, [Line(name, stamp)])


def _put_status(todo: Component, status: TaskStatus, now: datetime) -> None:
    """COMPLETED and PERCENT-COMPLETE go with the status."""
    if status_of(todo) is status and todo.get("STATUS") is not None:
        return
    done = status is TaskStatus.COMPLETED
    todo.put("STATUS", [Line("STATUS", _WRITTEN[status])])
    todo.put("COMPLETED", [Line("COMPLETED", values.written(now.astimezone(UTC)))] if done else [])
    todo.put("PERCENT-COMPLETE", [Line("PERCENT-COMPLETE", "100")] if done else [])
    todo.put(_OWN_STATUS, [Line(_OWN_STATUS, status.value)] if status in _OWN else [])


def _put_parent(todo: Component, uid: str | None) -> None:
    others = [line for line in todo.all("RELATED-TO") if (line.parameter("RELTYPE") or "PARENT").upper() != "PARENT"]
    todo.put("RELATED-TO", [*([Line("RELATED-TO", values.escaped(uid))] if uid else []), *others])


def _put_times(todo: Component, patch: TaskCreate | TaskUpdate) -> None:
    """DUE and DTSTART have the same value type, and the start is before the end (RFC 5545 3.8.2.3)."""
    given = {"due": "DUE", "start_date_time": "DTSTART"}
    if given.keys() & patch.model_fields_set:
        _settle_due(todo)
    for field, name in given.items():
        if field in patch.model_fields_set:
            moment = getattr(patch, field)
            todo.put(name, [] if moment is None else [_time(name, moment)])
    found = {name: values.moment(todo.value(name) or "") for name in given.values()}
    if len({isinstance(one, datetime) for one in found.values() if one is not None}) > 1:
        for name, one in found.items():
            if one is not None and not isinstance(one, datetime):
                todo.put(name, [Line(name, values.written(datetime.combine(one, _MIDNIGHT, UTC)))])


def _settle_due(todo: Component) -> None:
    """DUE in place of DURATION: a start that moves does not take along what the body does not name."""
    start, length = todo.get("DTSTART"), values.duration(todo.value("DURATION") or "")
    begin = values.moment(start.value) if start is not None else None
    if start is not None and begin is not None and length is not None and todo.get("DUE") is None:
        todo.put("DURATION", [Line("DUE", values.written(begin + length), start.parameters)])
    todo.put("DURATION")


def _time(name: str, moment: datetime) -> Line:
    utc = moment.astimezone(UTC)
    day: date = utc.date()
    if utc.time() == _MIDNIGHT:
        return Line(name, values.written(day), {"VALUE": ("DATE",)})
    return Line(name, values.written(utc))
