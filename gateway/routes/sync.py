"""Following what changes in mail, calendars, contacts and task lists (contract: tags EmailSync, CalSync, ContSync,
TaskSync)."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from pydantic import Field

from gateway.http.route import Access, Route
from gateway.identity import Account
from gateway.routes.items import Moment
from gateway.routes.scopes import READ_CALENDAR, READ_CONTACTS, READ_MAIL, READ_TASKS
from gateway.services.following import Given
from gateway.services.mail_sync import MailSync
from gateway.services.parents import calendar_of, known_calendar, known_task_list, task_list_of
from gateway.services.plan_sync import CalendarSync, ContactSync, TaskSync
from providers.base.errors import Invalid
from providers.base.ports import Calendars, Contacts, TaskLists
from schemas.calendar import EventsPage
from schemas.contacts import ContactsPage
from schemas.mail import BodyType
from schemas.sync import DeletedPage, EmailDeletedPage, EmailMessagesPage, SyncStatus
from schemas.tasks import SyncTasksPage

DaysWithin = Annotated[int | None, Field(ge=1, le=36_500, description="age limit of the first scan, in days")]
DeltaToken = Annotated[str | None, Field(description="token of the start call or of the previous round")]
PageToken = Annotated[str | None, Field(description="token of the previous page")]
SkipCompleted = Annotated[
    Moment | None, Field(description="tasks that were completed before are left out, in the whole chain")
]


async def start_mail(
    account: Account, sync: MailSync, days_within: DaysWithin = None, body_type: BodyType | None = None
) -> SyncStatus:
    """Provision an email sync; repeat the call with the same parameters until `ready` is true.

    The parameters hold for every record that is read by the tokens.
    """
    return await sync.start(account, days_within, body_type)


async def updated_mail(
    account: Account, sync: MailSync, delta_token: DeltaToken = None, page_token: PageToken = None
) -> EmailMessagesPage:
    """Read new and changed messages, each once per round and as it is now. Tokens do not expire."""
    return await sync.updated(account, Given(delta_token, page_token))


async def deleted_mail(
    account: Account, sync: MailSync, delta_token: DeltaToken = None, page_token: PageToken = None
) -> EmailDeletedPage:
    """Read removed messages. Tokens do not expire."""
    return await sync.deleted(account, Given(delta_token, page_token))


async def start_calendar(
    calendar_id: str, time_min: Moment, time_max: Moment, account: Account, calendars: Calendars, sync: CalendarSync
) -> SyncStatus:
    """Provision a calendar sync for a window; repeat the call with the same parameters until `ready` is true.

    Its end moves on as time passes: what it reaches is told as new.
    """
    if time_max <= time_min:
        raise Invalid("must be after timeMin", path="timeMax")
    return await sync.start(account, await known_calendar(calendars, calendar_id), time_min, time_max)


async def updated_calendar(
    calendar_id: str,
    account: Account,
    calendars: Calendars,
    sync: CalendarSync,
    delta_token: DeltaToken = None,
    page_token: PageToken = None,
) -> EventsPage:
    """Read new and changed events of the window: single ones, masters of series, and exceptions; not each occurrence.

    Tokens do not expire."""
    return await sync.updated(account, await calendar_of(calendars, calendar_id), Given(delta_token, page_token))


async def deleted_calendar(
    calendar_id: str,
    account: Account,
    calendars: Calendars,
    sync: CalendarSync,
    delta_token: DeltaToken = None,
    page_token: PageToken = None,
) -> DeletedPage:
    """Read events that were removed from the calendar or from the window. Tokens do not expire."""
    return await sync.deleted(account, await calendar_of(calendars, calendar_id), Given(delta_token, page_token))


async def start_contacts(account: Account, contacts: Contacts, sync: ContactSync) -> SyncStatus:
    """Provision a contact sync; repeat the call until `ready` is true."""
    return await sync.start(account)


async def updated_contacts(
    account: Account, sync: ContactSync, delta_token: DeltaToken = None, page_token: PageToken = None
) -> ContactsPage:
    """Read new and changed contacts. Tokens do not expire."""
    return await sync.updated(account, Given(delta_token, page_token))


async def deleted_contacts(
    account: Account, sync: ContactSync, delta_token: DeltaToken = None, page_token: PageToken = None
) -> DeletedPage:
    """Read removed contacts. Tokens do not expire."""
    return await sync.deleted(account, Given(delta_token, page_token))


async def start_tasks(
    task_list_id: str,
    account: Account,
    task_lists: TaskLists,
    sync: TaskSync,
    skip_completed_before_date: SkipCompleted = None,
) -> SyncStatus:
    """Provision a task sync; repeat the call with the same parameters until `ready` is true."""
    return await sync.start(account, await known_task_list(task_lists, task_list_id), skip_completed_before_date)


async def updated_tasks(
    task_list_id: str,
    account: Account,
    task_lists: TaskLists,
    sync: TaskSync,
    delta_token: DeltaToken = None,
    page_token: PageToken = None,
) -> SyncTasksPage:
    """Read new and changed tasks. Tokens do not expire."""
    return await sync.updated(account, await task_list_of(task_lists, task_list_id), Given(delta_token, page_token))


async def deleted_tasks(
    task_list_id: str,
    account: Account,
    task_lists: TaskLists,
    sync: TaskSync,
    delta_token: DeltaToken = None,
    page_token: PageToken = None,
) -> DeletedPage:
    """Read removed tasks. Tokens do not expire."""
    return await sync.deleted(account, await task_list_of(task_lists, task_list_id), Given(delta_token, page_token))


def _rows(
    path: str, prefix: str, access: Access, tag: str, *served: tuple[Callable[..., Any], type]
) -> Iterator[Route]:
    """The three calls of a sync: start, updated, deleted."""
    (start, status), (updated, page), (deleted, tombstones) = served
    yield Route("POST", path, f"{prefix}SyncStart", access, start, status, tag=tag)
    yield Route("GET", f"{path}/updated", f"{prefix}SyncUpdated", access, updated, page, tag=tag, expires=True)
    yield Route("GET", f"{path}/deleted", f"{prefix}SyncDeleted", access, deleted, tombstones, tag=tag, expires=True)


_MAIL = ((start_mail, SyncStatus), (updated_mail, EmailMessagesPage), (deleted_mail, EmailDeletedPage))
_EVENTS = ((start_calendar, SyncStatus), (updated_calendar, EventsPage), (deleted_calendar, DeletedPage))
_CONTACTS = ((start_contacts, SyncStatus), (updated_contacts, ContactsPage), (deleted_contacts, DeletedPage))
_TASKS = ((start_tasks, SyncStatus), (updated_tasks, SyncTasksPage), (deleted_tasks, DeletedPage))
ROUTES = (
    *_rows("/v1/email/sync", "email", READ_MAIL, "EmailSync", *_MAIL),
    *_rows("/v1/calendars/{calendarId}/sync", "cal", READ_CALENDAR, "CalSync", *_EVENTS),
    *_rows("/v1/contacts/sync", "cont", READ_CONTACTS, "ContSync", *_CONTACTS),
    *_rows("/v1/tasklists/{taskListId}/sync", "task", READ_TASKS, "TaskSync", *_TASKS),
)
