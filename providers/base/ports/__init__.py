"""What a provider offers for each kind of thing. A port that a session leaves None is an ability it lacks."""

from providers.base.ports.calendar import CalendarQuery, Calendars, EventQuery, Events, EventView, EventWrite
from providers.base.ports.contacts import Contacts, ContactView
from providers.base.ports.content import Content
from providers.base.ports.mail import (
    Drafts,
    Folders,
    Leaving,
    MessageQuery,
    Messages,
    MessageView,
    Outgoing,
    Sent,
)
from providers.base.ports.tasks import TaskLists, TaskQuery, Tasks

__all__ = [
    "CalendarQuery",
    "Calendars",
    "ContactView",
    "Contacts",
    "Content",
    "Drafts",
    "EventQuery",
    "EventView",
    "EventWrite",
    "Events",
    "Folders",
    "Leaving",
    "MessageQuery",
    "MessageView",
    "Messages",
    "Outgoing",
    "Sent",
    "TaskLists",
    "TaskQuery",
    "Tasks",
]
