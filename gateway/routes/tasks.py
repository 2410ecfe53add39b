"""Task lists and tasks (contract: tags TaskLists, Tasks)."""

from gateway.http.route import Route
from gateway.routes.items import IfMatch, etag
from gateway.routes.scopes import READ_TASKS, WRITE_TASKS
from gateway.services.parents import task_list_of
from providers.base.collection import Page, PageRequest, Ref
from providers.base.ports import TaskLists, TaskQuery, Tasks
from schemas.common import OkResponse
from schemas.tasks import (
    Task,
    TaskCreate,
    TaskCreateResponse,
    TaskList,
    TaskListCreate,
    TaskListPage,
    TaskListUpdate,
    TasksPage,
    TaskUpdate,
    TaskUpdateResponse,
)


async def find_lists(task_lists: TaskLists, page: PageRequest) -> Page[TaskList]:
    """List task lists."""
    return await task_lists.find(None, None, page)


async def create_list(body: TaskListCreate, task_lists: TaskLists) -> TaskList:
    """Create a task list."""
    return await task_lists.create(None, body)


async def get_list(task_list_id: str, task_lists: TaskLists) -> TaskList:
    """Read a task list; `default` is the account's own first one."""
    return await task_lists.get(Ref(await task_list_of(task_lists, task_list_id)))


async def update_list(
    task_list_id: str, body: TaskListUpdate, task_lists: TaskLists, if_match: IfMatch = None
) -> TaskList:
    """Change a task list."""
    return await task_lists.update(Ref(await task_list_of(task_lists, task_list_id)), body, etag(if_match))


async def delete_list(task_list_id: str, task_lists: TaskLists) -> OkResponse:
    """Delete a task list with its tasks."""
    await task_lists.delete(Ref(await task_list_of(task_lists, task_list_id)))
    return OkResponse()


async def find(task_list_id: str, task_lists: TaskLists, tasks: Tasks, page: PageRequest) -> Page[Task]:
    """List tasks in the list's order, subtasks after their parents."""
    return await tasks.find(await task_list_of(task_lists, task_list_id), TaskQuery(), page)


async def create(task_list_id: str, body: TaskCreate, task_lists: TaskLists, tasks: Tasks) -> TaskCreateResponse:
    """Create a task, below `parentId` and after `previousId` where given."""
    made = await tasks.create(await task_list_of(task_lists, task_list_id), body)
    return TaskCreateResponse(id=made.id, etag=made.etag, record=made)


async def get(task_list_id: str, id: str, task_lists: TaskLists, tasks: Tasks) -> Task:
    """Read a task."""
    return await tasks.get(Ref(id, await task_list_of(task_lists, task_list_id)))


async def update(
    task_list_id: str, id: str, body: TaskUpdate, task_lists: TaskLists, tasks: Tasks, if_match: IfMatch = None
) -> TaskUpdateResponse:
    """Change what the body names of a task; null clears."""
    ref = Ref(id, await task_list_of(task_lists, task_list_id))
    changed = await tasks.update(ref, body, etag(if_match))
    return TaskUpdateResponse(id=changed.id, etag=changed.etag, record=changed)


async def delete(task_list_id: str, id: str, task_lists: TaskLists, tasks: Tasks) -> OkResponse:
    """Delete a task."""
    await tasks.delete(Ref(id, await task_list_of(task_lists, task_list_id)))
    return OkResponse()


_LISTS, _LIST, _OF_LISTS = "/v1/tasklists", "/v1/tasklists/{taskListId}", "TaskLists"
_TASKS, _TASK, _OF_TASKS = f"{_LIST}/tasks", f"{_LIST}/tasks/{{id}}", "Tasks"
ROUTES = (
    Route("GET", _LISTS, "taskListsList", READ_TASKS, find_lists, TaskListPage, tag=_OF_LISTS),
    Route("POST", _LISTS, "createTaskList", WRITE_TASKS, create_list, TaskList, 201, tag=_OF_LISTS, once=True),
    Route("GET", _LIST, "taskList", READ_TASKS, get_list, TaskList, tag=_OF_LISTS),
    Route("PATCH", _LIST, "updateTaskList", WRITE_TASKS, update_list, TaskList, tag=_OF_LISTS, guarded=True),
    Route("DELETE", _LIST, "deleteTaskList", WRITE_TASKS, delete_list, OkResponse, tag=_OF_LISTS),
    Route("GET", _TASKS, "tasksList", READ_TASKS, find, TasksPage, tag=_OF_TASKS),
    Route("POST", _TASKS, "createTask", WRITE_TASKS, create, TaskCreateResponse, 201, tag=_OF_TASKS, once=True),
    Route("GET", _TASK, "task", READ_TASKS, get, Task, tag=_OF_TASKS),
    Route("PATCH", _TASK, "updateTask", WRITE_TASKS, update, TaskUpdateResponse, tag=_OF_TASKS, guarded=True),
    Route("DELETE", _TASK, "deleteTask", WRITE_TASKS, delete, OkResponse, tag=_OF_TASKS),
)
