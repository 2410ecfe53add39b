"""`make bench`: every benchmark, or those named: `python -m bench mail`."""

import sys
from collections.abc import Callable

from bench import (
    availability,
    booking,
    caldav,
    deliveries,
    events,
    google,
    google_load,
    imap_changes,
    imap_list,
    latency,
    listening,
    mail,
    parse_headers,
    sync,
)

BENCHES: dict[str, Callable[[], None]] = {
    "mail": mail.main,
    "sync": sync.main,
    "deliveries": deliveries.main,
    "events": events.main,
    "imap-list": imap_list.main,
    "imap-changes": imap_changes.main,
    "headers": parse_headers.main,
    "listening": listening.main,
    "latency": latency.main,
    "availability": availability.main,
    "booking": booking.main,
    "caldav": caldav.main,
    "google": google.main,
    "google-load": google_load.main,
}


def main() -> None:
    """Run and print; one run, one machine: compare figures within a run only."""
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()


if __name__ == "__main__":
    main()
