"""iCalendar (RFC 5545) <-> events and tasks. A text is read into components that keep everything; changes are made in
them, so that what we do not know leaves as it came.
"""
