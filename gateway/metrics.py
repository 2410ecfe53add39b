"""What is measured while working; `/metrics` shows it, with what the database knows (`gateway/services/figures.py`)."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SLOW = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400)

PROVIDER = Histogram(
    "postroom_provider_seconds", "Seconds that a provider took to answer.", ["service", "port", "verb"], buckets=_FAST
)
PROVIDER_ERRORS = Counter("postroom_provider_errors", "Failures of providers.", ["service", "port", "error"])
LAG = Histogram(
    "postroom_notice_to_commit_seconds",
    "Seconds from a provider's notice to the commit of what it was about.",
    ["service"],
    buckets=_FAST,
)
PUSHES = Counter("postroom_pushes", "Calls of providers that something changed.", ["provider", "door", "outcome"])
CHANGES = Counter("postroom_changes", "Changes that pulls found.", ["port"])
DELIVERY = Histogram(
    "postroom_delivery_seconds", "Seconds from a change's commit to its receiver's 200.", buckets=_SLOW
)
ATTEMPTS = Counter("postroom_delivery_attempts", "Attempts to deliver.", ["outcome"])
RUNS = Counter("postroom_work_runs", "Runs of background work.", ["queue", "outcome"])
RUN_SECONDS = Histogram("postroom_work_seconds", "Seconds that runs of background work took.", ["queue"], buckets=_FAST)
LISTENING = Gauge(
    "postroom_listening_accounts", "Accounts that this process listens to.", ["service"], multiprocess_mode="livesum"
)
CONNECTIONS = Gauge(
    "postroom_database_connections_in_use", "Connections of the pool that are lent out.", multiprocess_mode="livesum"
)
READERS = Gauge("postroom_feed_readers", "Readers of the live feed.", multiprocess_mode="livesum")
REPAIRS = Counter("postroom_audit_repairs", "Differences that audits found and repaired.", ["port"])
