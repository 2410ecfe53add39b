"""VALARM (RFC 5545 3.6.6) <-> reminder lead times. Alarms that stay are not touched, whatever else they say."""

from datetime import datetime, timedelta

from providers.formats import values
from providers.formats.contentlines import Component, Line
from providers.formats.ical.spans import Span
from schemas.calendar import Reminder, ReminderOverride

_MINUTE = timedelta(minutes=1)
_SILENT = frozenset(("NONE", "PROCEDURE"))


def reminder(component: Component, span: Span | None) -> Reminder | None:
    """The lead times in minutes, each once, in their order; None without any."""
    found = dict.fromkeys(lead for alarm in component.of("VALARM") if (lead := _lead(alarm, span)) is not None)
    return Reminder(overrides=[ReminderOverride(minutes=lead) for lead in found]) if found else None


def _lead(alarm: Component, span: Span | None) -> int | None:
    """Minutes before the start; negative after it."""
    trigger = alarm.get("TRIGGER")
    if trigger is None or (alarm.value("ACTION") or "").upper() in _SILENT:
        return None
    length = values.duration(trigger.value)
    if length is None:
        at = values.moment(trigger.value)
        if span is None or not isinstance(at, datetime) or at.tzinfo is None:
            return None
        return round((span.start.moment - at) / _MINUTE)
    after_start = length
    if span is not None and (trigger.parameter("RELATED") or "").upper() == "END":
        after_start += span.end.moment - span.start.moment
    return round(-after_start / _MINUTE)


def put_reminder(component: Component, wanted: Reminder | None, span: Span | None) -> None:
    """Make the alarms those that are wanted."""
    leads = dict.fromkeys(
        one.minutes for one in (wanted.overrides if wanted else None) or () if one.minutes is not None
    )
    kept = []
    for child in component.children:
        lead = _lead(child, span) if child.name == "VALARM" else None
        if lead is None or lead in leads:
            kept.append(child)
            if lead is not None:
                leads.pop(lead, None)
    text = component.value("SUMMARY") or "Reminder"
    component.children = kept + [_alarm(minutes, text) for minutes in leads if minutes is not None]


def _alarm(minutes: int, text: str) -> Component:
    trigger = values.written_duration(timedelta(minutes=-minutes))
    return Component("VALARM", [Line("ACTION", "DISPLAY"), Line("DESCRIPTION", text), Line("TRIGGER", trigger)])
