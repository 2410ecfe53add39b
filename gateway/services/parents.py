"""Calendars and task lists as callers name them: by id, or by the words that stand for an account's own first one."""

from providers.base.collection import Ref
from providers.base.ports import Calendars, TaskLists

PRIMARY, DEFAULT = "primary", "default"


async def calendar_of(calendars: Calendars, name: str) -> str:
    """The id of a calendar; `primary` works wherever one is asked for. Raises `NotFound` when there is none."""
    return await calendars.primary() if name == PRIMARY else name


async def task_list_of(task_lists: TaskLists, name: str) -> str:
    """The id of a task list; `default` works wherever one is asked for. Raises `NotFound` when there is none."""
    return await task_lists.primary() if name == DEFAULT else name


async def known_calendar(calendars: Calendars, name: str) -> str:
    """The same, looked up: what is kept under the id must not be of a calendar that never was. Raises `NotFound`."""
    item = await calendar_of(calendars, name)
    return (await calendars.get(Ref(item))).id or item


async def known_task_list(task_lists: TaskLists, name: str) -> str:
    """The same, looked up. Raises `NotFound`."""
    item = await task_list_of(task_lists, name)
    return (await task_lists.get(Ref(item))).id or item
