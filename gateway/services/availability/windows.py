"""Pages of slots: windows of whole dates in the profile's zone, each beginning where the one before ended."""

from dataclasses import dataclass
from datetime import date

from gateway.services.availability.clock import DAY, date_at, midnight
from gateway.services.availability.periods import Period, date_after
from gateway.services.availability.rules import Rules, limits
from gateway.services.availability.spans import Span
from providers.base.errors import Invalid

LONGEST = 62  # dates of a window: what the narrowest provider reads at once (Graph's getSchedule)


@dataclass(frozen=True, slots=True)
class Window:
    """Slots that start within `span` make the page that begins with the date `first`; `next` is the `fromDate` of the
    following one, None when no slot can come any more."""

    first: date
    span: Span
    next: date | None


def window(rules: Rules, now: int, first: date | None = None, length: Period | None = None) -> Window:
    """The window of `fromDate` and `intervalLength`. Without the first it begins with the date of the first slot that
    the limits allow; without the second, or with a longer one, it has `LONGEST` dates: clients that do not page see
    all that can be had. Raises `Invalid` for dates that no calendar reaches."""
    notice, opening, last = limits(rules, now)
    begins = first or date_at(rules.zone, max(notice, opening))
    ends = _end(begins, length)
    span = (midnight(rules.zone, begins), midnight(rules.zone, ends))
    return Window(begins, span, ends if span[1] + rules.duration <= last else None)


def bounded(span: Span) -> Span:
    """A span that a request names by `timeMin` and `timeMax`. Raises `Invalid` when it is empty or, by more than a day,
    longer than `LONGEST` dates."""
    if span[0] >= span[1]:
        raise Invalid("timeMax is not after timeMin", path="timeMax")
    if span[1] - span[0] > (LONGEST + 1) * DAY:
        raise Invalid(f"From timeMin to timeMax are {LONGEST} days at most", path="timeMax")
    return span


def _end(first: date, length: Period | None) -> date:
    longest = date_after(first, Period(days=LONGEST))
    return longest if length is None else min(longest, date_after(first, length))
