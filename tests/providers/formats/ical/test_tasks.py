"""VTODO and tasks, both ways."""

from datetime import UTC, datetime
from typing import Any

import icalendar
import pytest

from providers.formats import contentlines
from providers.formats.contentlines import Component
from providers.formats.ical.tasks import create, tasks, update
from schemas.tasks import Task, TaskCreate, TaskStatus, TaskUpdate

_NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)


def _task(*lines: str) -> Task:
    text = "\n".join(["BEGIN:VCALENDAR", "BEGIN:VTODO", "UID:u", *lines, "END:VTODO", "END:VCALENDAR"])
    ((uid, found),) = tasks(contentlines.parse(text.encode())[0], "Europe/Berlin")
    assert uid == "u"
    return found


def _again(text: Component) -> Task:
    written = contentlines.write(text)
    assert not [error for part in icalendar.Calendar.from_ical(written).walk() for error in part.errors]
    ((_, found),) = tasks(contentlines.parse(written)[0])
    return found


@pytest.mark.parametrize(
    ("lines", "field", "expected"),
    [
        (["STATUS:IN-PROCESS"], "status", "inProgress"),
        (["STATUS:CANCELLED"], "status", "completed"),
        (["COMPLETED:20260101T000000Z"], "status", "completed"),
        (["PERCENT-COMPLETE:100"], "status", "completed"),
        ([], "status", "notStarted"),
        (["PERCENT-COMPLETE:050"], "status", "inProgress"),
        (["PERCENT-COMPLETE:0"], "status", "notStarted"),
        (["PERCENT-COMPLETE:50", "STATUS:NEEDS-ACTION"], "status", "notStarted"),
        (["PRIORITY:1"], "importance", "high"),
        (["PRIORITY:5"], "importance", "normal"),
        (["PRIORITY:9"], "importance", "low"),
        (["PRIORITY:0"], "importance", "normal"),
        (["PRIORITY:-7"], "importance", "normal"),
        (["DUE;VALUE=DATE:20260704"], "due", datetime(2026, 7, 4, tzinfo=UTC)),
        (["DUE:20260704T120000"], "due", datetime(2026, 7, 4, 10, tzinfo=UTC)),
        (["DTSTART:20260704T120000Z", "DURATION:PT1H"], "due", datetime(2026, 7, 4, 13, tzinfo=UTC)),
        (["RELATED-TO;RELTYPE=CHILD:c", "RELATED-TO:p"], "parent_id", "p"),
        (["CATEGORIES:a\\,b,c"], "categories", ["a,b", "c"]),
        (["DUE:never"], "due", None),
    ],
)
def test_reading(lines: list[str], field: str, expected: Any) -> None:
    assert getattr(_task(*lines), field) == expected


def test_a_task_survives() -> None:
    body: dict[str, Any] = {
        "title": "Pay; now",
        "notes": "a\nb",
        "status": "waitingOnOthers",
        "importance": "high",
        "due": "2026-07-04T00:00:00Z",
        "startDateTime": "2026-07-01T00:00:00Z",
        "categories": ["x,y"],
        "parentId": "p",
    }
    text = create(TaskCreate.model_validate(body), "u", _NOW)
    found = _again(text).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert {name: found[name] for name in body} == body
    due = text.children[0].get("DUE")
    assert due is not None and due.parameter("VALUE") == "DATE"


def test_both_times_have_one_type() -> None:
    text = create(TaskCreate.model_validate({"due": "2026-07-04T00:00:00Z"}), "u", _NOW)
    update(text.children[0], TaskUpdate.model_validate({"startDateTime": "2026-07-01T08:30:00Z"}), _NOW)
    assert (text.children[0].value("DUE"), text.children[0].value("DTSTART")) == (
        "20260704T000000Z",
        "20260701T083000Z",
    )


def test_done_and_undone() -> None:
    text = create(TaskCreate(title="x"), "u", _NOW)
    update(text.children[0], TaskUpdate(status=TaskStatus.COMPLETED), _NOW)
    assert _again(text).completed == _NOW
    update(text.children[0], TaskUpdate(status=TaskStatus.DEFERRED), _NOW)
    assert (_again(text).status, _again(text).completed) == (TaskStatus.DEFERRED, None)
    update(text.children[0], TaskUpdate.model_validate({"status": "notStarted", "title": None}), _NOW)
    assert (_again(text).status, _again(text).title) == (TaskStatus.NOT_STARTED, None)


def test_a_moved_start_leaves_the_due_time() -> None:
    """Of a task that has a DURATION in its place (RFC 5545 3.6.2)."""
    lines = "UID:u\nDTSTART;TZID=Europe/Berlin:20260702T090000\nDURATION:P1DT1H\n"
    text = contentlines.parse(f"BEGIN:VCALENDAR\nBEGIN:VTODO\n{lines}END:VTODO\nEND:VCALENDAR\n".encode())[0]
    [todo] = text.of("VTODO")
    [(_, before)] = tasks(text)
    update(todo, TaskUpdate.model_validate({"startDateTime": "2026-07-01T00:00:00Z"}), _NOW)
    [(_, after)] = tasks(text)
    assert before.due == after.due == datetime(2026, 7, 3, 8, tzinfo=UTC)
    assert after.start_date_time == datetime(2026, 7, 1, tzinfo=UTC) and todo.get("DURATION") is None
