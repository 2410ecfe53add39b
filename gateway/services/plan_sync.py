"""The change logs of calendars, contacts and task lists, in the shapes of the contract (behaviour.md, section 6)."""

from datetime import UTC, datetime

from gateway.identity import Account
from gateway.services.following import Following, Given, Subject
from gateway.services.sources import CONTACTS, EVENTS, TASKS
from schemas.calendar import EventsPage
from schemas.contacts import ContactsPage
from schemas.sync import DeletedPage, SyncStatus
from schemas.tasks import SyncTasksPage

_CONTACTS = Subject(CONTACTS, None, "contacts")


class CalendarSync:
    """One stream per calendar and window. Its end moves on with the days since the stream was created."""

    def __init__(self, following: Following) -> None:
        self._following = following

    async def start(self, account: Account, calendar: str, time_min: datetime, time_max: datetime) -> SyncStatus:
        """Find or create the stream of a window."""
        asked = {"timeMin": time_min.isoformat(), "timeMax": time_max.isoformat()}
        kept = {**asked, "began": datetime.now(UTC).isoformat()}
        return await self._following.start(account, _calendar(calendar), asked, kept)

    async def updated(self, account: Account, calendar: str, given: Given) -> EventsPage:
        """A page of new and changed masters, exceptions and single events."""
        return EventsPage(**await self._following.updated(account, _calendar(calendar), given))

    async def deleted(self, account: Account, calendar: str, given: Given) -> DeletedPage:
        """A page of events that went, from the calendar or from the window."""
        return await self._following.tombstones(account, _calendar(calendar), given)


class ContactSync:
    """One stream per account."""

    def __init__(self, following: Following) -> None:
        self._following = following

    async def start(self, account: Account) -> SyncStatus:
        """Find or create the stream."""
        return await self._following.start(account, _CONTACTS, {})

    async def updated(self, account: Account, given: Given) -> ContactsPage:
        """A page of new and changed contacts."""
        return ContactsPage(**await self._following.updated(account, _CONTACTS, given))

    async def deleted(self, account: Account, given: Given) -> DeletedPage:
        """A page of contacts that went."""
        return await self._following.tombstones(account, _CONTACTS, given)


class TaskSync:
    """One stream per list and date of completion."""

    def __init__(self, following: Following) -> None:
        self._following = following

    async def start(self, account: Account, task_list: str, completed_since: datetime | None) -> SyncStatus:
        """Find or create the stream; tasks that were completed before the date are left out for good."""
        asked = {} if completed_since is None else {"completedSince": completed_since.isoformat()}
        return await self._following.start(account, _tasks(task_list), asked)

    async def updated(self, account: Account, task_list: str, given: Given) -> SyncTasksPage:
        """A page of new and changed tasks."""
        return SyncTasksPage(**await self._following.updated(account, _tasks(task_list), given))

    async def deleted(self, account: Account, task_list: str, given: Given) -> DeletedPage:
        """A page of tasks that went."""
        return await self._following.tombstones(account, _tasks(task_list), given)


def _calendar(item: str) -> Subject:
    return Subject(EVENTS, item, f"calendar/{item}")


def _tasks(item: str) -> Subject:
    return Subject(TASKS, item, f"tasks/{item}")
