"""Wire formats (MIME, iCalendar, vCard, ...) to and from `schemas`, written once for every provider."""
