"""Task lists and tasks (contract: tags TaskLists, Tasks, TaskSync)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Instant, Model, Text

_READ_ONLY = {"readOnly": True}


class TaskStatus(StrEnum):
    """Task progress."""

    NOT_STARTED = "notStarted"
    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    WAITING_ON_OTHERS = "waitingOnOthers"
    DEFERRED = "deferred"


class TaskImportance(StrEnum):
    """Task priority."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class TaskOmitted(StrEnum):
    """A field that this call did not load; absent data is unknown, not empty."""

    NOTES = "notes"


class TaskListCreate(Model):
    """New task list."""

    title: Annotated[Text | None, Field(max_length=1024)] = None


class TaskListUpdate(Model):
    """Task list changes."""

    title: Annotated[Text | None, Field(max_length=1024)] = None


class TaskList(Model):
    """Task list."""

    id: str | None = None
    etag: str | None = None
    title: str | None = None
    owner: bool | None = None
    shared: bool | None = None
    default_list: bool | None = None
    emails_list: Annotated[bool | None, Field(description="list that holds flagged mail")] = None
    last_modified_time: Instant | None = None


class TaskListPage(Model):
    """Token page of task lists."""

    next_page_token: str | None = None
    length: int
    records: list[TaskList]


class TaskLink(Model):
    """Source of a task."""

    source: str | None = None
    description: str | None = None
    link: str | None = None


class _TaskFields(Model):
    title: Text | None = None
    parent_id: str | None = None
    previous_id: Annotated[str | None, Field(description="sibling to insert after")] = None
    notes: Text | None = None
    status: TaskStatus | None = None
    importance: TaskImportance | None = None
    due: Instant | None = None
    start_date_time: Instant | None = None
    categories: list[Text] | None = None


class TaskCreate(_TaskFields):
    """New task."""


class TaskUpdate(_TaskFields):
    """Task changes: what is absent stays as it is, null clears."""


class Task(Model):
    """Task."""

    id: str | None = None
    etag: str | None = None
    title: str | None = None
    last_modified_time: Instant | None = None
    parent_id: str | None = None
    position: Annotated[str | None, Field(description="sort key")] = None
    notes: str | None = None
    status: TaskStatus | None = None
    importance: TaskImportance | None = None
    due: Instant | None = None
    completed: Instant | None = None
    links: list[TaskLink] | None = None
    start_date_time: Instant | None = None
    categories: list[str] | None = None
    owner: str | None = None
    omitted: Annotated[list[TaskOmitted] | None, Field(json_schema_extra=_READ_ONLY)] = None


class TaskCreateResponse(Model):
    """Created task."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    etag: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    record: Task | None = None


class TaskUpdateResponse(Model):
    """Updated task."""

    id: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    etag: Annotated[str | None, Field(json_schema_extra=_READ_ONLY)] = None
    record: Task | None = None


class TasksPage(Model):
    """Token page of tasks."""

    next_page_token: str | None = None
    length: int
    records: list[Task]


class SyncTasksPage(Model):
    """Delta page of tasks; `nextDeltaToken` stands on the last page of a round only."""

    next_page_token: str | None = None
    next_delta_token: str | None = None
    length: int
    records: list[Task]
