"""Requests, built by google-api-python-client from its bundled discovery documents; nothing is sent here."""

import copy
import json
from typing import Any

from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.http import HttpRequest

Request = HttpRequest
ME = "me"

_ANY = "0123456789abcdef"  # an id in a request that others are made of


class _Unconnected:
    """In place of httplib2: requests are sent by `providers/base/rest`."""

    def close(self) -> None:
        pass


class Apis:
    """The resources of the four APIs, built once per process; `root` is where they are instead of at Google."""

    def __init__(self, root: str | None = None) -> None:
        users = _service("gmail", "v1", root).users()
        self.users, self.labels, self.history = users, users.labels(), users.history()
        self.messages, self.drafts, self.threads = users.messages(), users.drafts(), users.threads()
        self.attachments = users.messages().attachments()
        calendar = _service("calendar", "v3", root)
        self.calendars, self.calendar_list = calendar.calendars(), calendar.calendarList()
        self.events, self.free_busy, self.channels = calendar.events(), calendar.freebusy(), calendar.channels()
        people = _service("people", "v1", root).people()
        self.people, self.connections = people, people.connections()
        tasks = _service("tasks", "v1", root)
        self.task_lists, self.tasks = tasks.tasklists(), tasks.tasks()
        self._messages: dict[str, HttpRequest] = {}

    def message(self, item: str, form: str) -> HttpRequest:
        """`users.messages.get` in the format `form`, for an id that has letters, digits, `_` and `-` only.

        Built once per format, for building takes longer than sending, and lists ask for many."""
        if (model := self._messages.get(form)) is None:
            model = self._messages[form] = self.messages.get(userId=ME, id=_ANY, format=form)
        request: HttpRequest = copy.copy(model)
        request.uri = model.uri.replace(_ANY, item)
        return request


def _service(name: str, version: str, root: str | None) -> Any:
    document = json.loads(get_static_doc(name, version))
    if root:
        root = root.rstrip("/") + "/"
        document |= {"rootUrl": root, "baseUrl": root + document["servicePath"]}
    return build_from_document(document, http=_Unconnected())
