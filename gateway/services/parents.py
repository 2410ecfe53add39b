"""Calendars and task lists as callers name them: by id, or by the words that stand for an account's own first one."""

from providers.base.ports import Calendars, TaskLists

PRIMARY, DEFAULT = "primary", "default"


async def calendar_of(calendars: Calendars, name: str) -> str:
    """The id of a calendar; `primary` works wherever one is asked for. Raises `NotFound` when there is none."""
    return await calendars.primary() if name == PRIMARY else name


async def task_list_of(task_lists: TaskLists, name: str) -> str:
    """The id of a task list; `default` works wherever one is asked for. Raises `NotFound` when there is none."""
    return await task_lists.primary() if name == DEFAULT else name
