"""When people can meet: pure computation, without a database, a provider or a clock (design section 9).

Moments are seconds since 1970 in UTC, spans are half open: `[start, end)`. Whoever calls has read the calendars
(`rules.to_read` says how far) and passes `now` in.

**Slot.** A span of `duration_minutes` of elapsed time. It is offered for a member when all of this holds:

1. *Grid.* At its start the wall clock of the profile's zone shows a minute that is a multiple of the step (5, 10, 15,
   20, 30 or 60) and no odd seconds: 10:00, 10:15, ... in that zone, whatever the zones of the members and wherever
   their hours begin. Hours from 09:10 with a step of 30 offer 09:30 first.
2. *Hours.* It lies wholly within the profile's hours, the member's own and the member's `within`, as far as these are
   given. Hours that touch are one: a slot may lie across 12:00 between 09-12 and 12-15.
3. *Limits.* It starts no sooner than `start_after_minutes` from now nor before the profile's start, and ends no later
   than the profile's end, which is the earlier of `end` and the start (now, when that is past) plus `available_for`.
4. *Events.* Between it and every event that does not count as free lies at least the buffer, after the event and
   after the meeting alike. The pause may lie outside the hours. An event without length takes no time and blocks
   nothing.
   Our own holds and bookings (`HELD`) never count as free.
5. *Knowledge.* Nothing is unknown about the member from a buffer before it to a buffer after it. Neither a calendar
   that could not be read nor the status `unknown` ever counts as free, whatever `free_statuses` says.

**Hours.** Wall time in an IANA zone. A member is at work whenever the clock there *shows* a time within an interval
of that date. So an hour that the clock skips is not worked, and an hour that it shows twice is worked twice: a night
shift from 22:00 to 06:00 has 7 or 9 hours. An interval whose end is not after its start runs into the next date and
belongs to the date it starts on: replacing that date's hours removes it, replacing the next date's does not.

**Gaps and overlaps.** A grid time that the clock skips is no slot (`explain` names it: `gap`); one that it shows
twice is two slots, an hour (or what the zone makes it) apart. A slot across either has its full elapsed length, so it
ends on the wall clock later or earlier than one would add up. A date that a zone skipped (Samoa, 30 December 2011)
has no slots.

**Days.** A date begins at the first moment at which the clock shows it or a later one. Windows of dates therefore
tile time even where midnight is skipped or comes twice.
"""
