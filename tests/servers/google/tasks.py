"""The Tasks API's operations (v1)."""

import base64
import itertools
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.servers.google.handlers import handles
from tests.servers.google.world import Call, Failure, Json, User, World

_serial = itertools.count(1)


@dataclass
class Board:
    """Lists by id, each with its tasks by id in order; deleted tasks stay."""

    user: User
    lists: dict[str, Json] = field(default_factory=dict)
    tasks: dict[str, dict[str, Json]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.default = self.new_list("My Tasks")["id"]

    def new_list(self, title: str) -> Json:
        item = f"MT{uuid.uuid4().hex[:20]}"
        self.tasks[item] = {}
        self.lists[item] = stamped({"kind": "tasks#taskList", "id": item, "title": title})
        return self.lists[item]

    def tasklist(self, item: str) -> Json:
        item = self.default if item == "@default" else item
        if item not in self.lists:
            raise Failure(404, "notFound", "Task list not found.")
        return self.lists[item]

    def task(self, parent: str, item: str) -> Json:
        found = self.tasks[self.tasklist(parent)["id"]].get(item)
        if found is None:
            raise Failure(404, "notFound", "Task not found.")
        return found

    def place(self, parent: str, task: Json, below: str, previous: str) -> None:
        """Behind a sibling, or in front of all."""
        tasks = self.tasks[self.tasklist(parent)["id"]]
        for wanted, name in ((below, "parent"), (previous, "previous")):
            if wanted and (wanted not in tasks or tasks[wanted].get("deleted")):
                raise Failure(400, "invalid", f"Invalid {name} task")
        task.pop("parent", None)
        task |= {"parent": below} if below else {}
        siblings = [one for one in tasks.values() if one.get("parent", "") == below and one["id"] != task["id"]]
        siblings.sort(key=lambda one: one["position"])
        index = next((n for n, one in enumerate(siblings, 1) if one["id"] == previous), 0)
        for position, one in enumerate([*siblings[:index], task, *siblings[index:]]):
            one["position"] = f"{position:020}"

    def ordered(self, parent: str) -> list[Json]:
        tasks = list(self.tasks[self.tasklist(parent)["id"]].values())
        top = sorted((one for one in tasks if not one.get("parent")), key=lambda one: one["position"])
        found = []
        for one in top:
            found.append(one)
            below = [child for child in tasks if child.get("parent") == one["id"]]
            found += sorted(below, key=lambda child: child["position"])
        return found + [one for one in tasks if one not in found]


def stamped(thing: Json) -> Json:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return thing | {"etag": f'"t{next(_serial)}"', "updated": moment}


def board_of(call: Call) -> Board:
    found: Board = call.user.shelf(Board)
    return found


def _page(found: list[Json], call: Call, default: int) -> Json:
    first = 0
    if call.one("pageToken"):
        try:
            first = int(base64.b64decode(call.one("pageToken"), validate=True))
        except ValueError:
            raise Failure(400, "invalid", "Invalid page token") from None
    last = first + min(call.number("maxResults", default), 100 if default == 20 else 1000)
    out: Json = {"items": found[first:last], "etag": '"x"'}
    return out | ({"nextPageToken": base64.b64encode(f"{last:06}".encode()).decode()} if len(found) > last else {})


@handles("tasks.tasklists.list")
def task_lists(_: World, call: Call) -> Json:
    return {"kind": "tasks#taskLists", **_page(list(board_of(call).lists.values()), call, 1000)}


@handles("tasks.tasklists.get")
def task_list(_: World, call: Call) -> Json:
    return board_of(call).tasklist(call.path["tasklist"])


@handles("tasks.tasklists.insert")
def new_task_list(_: World, call: Call) -> Json:
    return board_of(call).new_list(call.body["title"])


@handles("tasks.tasklists.patch")
def patch_task_list(_: World, call: Call) -> Json:
    board = board_of(call)
    found = board.tasklist(call.path["tasklist"])
    board.lists[found["id"]] = stamped({**found, "title": call.body["title"]})
    return board.lists[found["id"]]


@handles("tasks.tasklists.delete")
def delete_task_list(_: World, call: Call) -> None:
    board = board_of(call)
    found = board.tasklist(call.path["tasklist"])
    if found["id"] == board.default:
        raise Failure(400, "invalid", "The default list cannot be deleted.")
    del board.lists[found["id"]], board.tasks[found["id"]]


@handles("tasks.tasks.list")
def tasks(_: World, call: Call) -> Json:
    found = [one for one in board_of(call).ordered(call.path["tasklist"]) if _is_shown(one, call)]
    return {"kind": "tasks#tasks", **_page(found, call, 20)}


def _is_shown(task: Json, call: Call) -> bool:
    if task.get("deleted") and not call.flag("showDeleted"):
        return False
    if task.get("hidden") and not call.flag("showHidden"):
        return False
    if task["status"] == "completed" and not call.flag("showCompleted", True):
        return False
    if task.get("assignmentInfo") and not call.flag("showAssigned"):
        return False
    least = call.one("updatedMin")
    return not least or datetime.fromisoformat(task["updated"]) >= datetime.fromisoformat(least)


@handles("tasks.tasks.get")
def task(_: World, call: Call) -> Json:
    return board_of(call).task(call.path["tasklist"], call.path["task"])


@handles("tasks.tasks.insert")
def new_task(_: World, call: Call) -> Json:
    board = board_of(call)
    parent = board.tasklist(call.path["tasklist"])["id"]
    made = {"kind": "tasks#task", "status": "needsAction", **call.body, "id": uuid.uuid4().hex[:22]}
    board.place(parent, made, call.one("parent"), call.one("previous"))
    board.tasks[parent][made["id"]] = _sound(made)
    return board.tasks[parent][made["id"]]


def _sound(task: Json) -> Json:
    task = {name: value for name, value in task.items() if value is not None}
    if task["status"] == "completed":
        task.setdefault("completed", datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    if "due" in task:
        task["due"] = task["due"][:10] + "T00:00:00.000Z"
    return stamped(task)


@handles("tasks.tasks.patch")
def patch_task(_: World, call: Call) -> Json:
    board = board_of(call)
    old = board.task(call.path["tasklist"], call.path["task"])
    parent = board.tasklist(call.path["tasklist"])["id"]
    board.tasks[parent][old["id"]] = _sound({**old, **call.body})
    return board.tasks[parent][old["id"]]


@handles("tasks.tasks.move")
def move_task(_: World, call: Call) -> Json:
    board = board_of(call)
    old = board.task(call.path["tasklist"], call.path["task"])
    parent = board.tasklist(call.path["tasklist"])["id"]
    board.place(parent, old, call.one("parent"), call.one("previous"))
    board.tasks[parent][old["id"]] = stamped(old)
    return board.tasks[parent][old["id"]]


@handles("tasks.tasks.delete")
def delete_task(_: World, call: Call) -> None:
    board = board_of(call)
    old = board.task(call.path["tasklist"], call.path["task"])
    parent = board.tasklist(call.path["tasklist"])["id"]
    board.tasks[parent][old["id"]] = stamped({**old, "deleted": True})
