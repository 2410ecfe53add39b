"""Task lists and tasks."""

from dataclasses import dataclass
from datetime import datetime

from providers.base.collection import Collection, optional, unsupported
from schemas.tasks import Task, TaskCreate, TaskList, TaskListCreate, TaskListUpdate, TaskUpdate


class TaskLists(Collection[TaskList, TaskListCreate, TaskListUpdate, None]):
    """The task lists of an account."""

    @optional
    async def primary(self) -> str:
        """The id of the list that `default` stands for. Raises `NotFound` when the account has none."""
        raise unsupported(self, "primary")


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which tasks of a list; tasks that were completed before `completed_since` are left out."""

    completed_since: datetime | None = None


class Tasks(Collection[Task, TaskCreate, TaskUpdate, TaskQuery]):
    """The tasks of one list, the parent; in the list's order, subtasks after their parents where it has one."""
