"""What the database knows of the state of things, as metrics; read when somebody looks."""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import TextClause, text

from gateway.store.database import Database

#: name -> (meaning, labels, query: the labels' values, then the figure)
_FIGURES: Mapping[str, tuple[str, Sequence[str], TextClause]] = {
    "postroom_accounts": (
        "Accounts by the state of their credentials.",
        ("service", "state"),
        text("select service_type, token_status, count(*) from account group by 1, 2"),
    ),
    "postroom_streams": (
        "Change logs; failing ones could not be pulled last time.",
        ("port", "state"),
        text("""select port, case when error is not null then 'failing' when ready then 'ready' else 'starting' end,
            count(*) from stream group by 1, 2"""),
    ),
    "postroom_stream_age_seconds": (
        "Seconds since the last complete pull of the watched stream that was pulled longest ago.",
        ("service",),
        text("""select a.service_type, extract(epoch from max(now() - coalesce(s.pulled_at, s.created_at)))
            from stream s join account a on a.id = s.account_id join watch w on w.account_id = a.id
            where w.owner is not null and s.filter = '{}' group by 1"""),
    ),
    "postroom_quarantined_items": (
        "Items that could not be read and are tried again.",
        ("port",),
        text("select s.port, count(*) from quarantine q join stream s on s.id = q.stream_id group by 1"),
    ),
    "postroom_audited_items": (
        "Items that the last audits found at the providers, in the index, and had to repair.",
        ("port", "where"),
        text("""select port, key, sum(value::bigint) from stream, jsonb_each_text(audit)
            where audit is not null group by 1, 2"""),
    ),
    "postroom_subscriptions": (
        "Webhook subscriptions.",
        ("state",),
        text("""select case when not active then 'parked' when fail_since is not null then 'failing' else 'active' end,
            count(*) from subscription group by 1"""),
    ),
    "postroom_undelivered_events": (
        "Changes in feeds that subscriptions are still to be told of, at most.",
        (),
        text("""select coalesce(sum(f.sequence - u.position), 0)
            from subscription u join feed f on f.account_id = u.account_id"""),
    ),
    "postroom_watched_accounts": (
        "Accounts whose watching lease is held.",
        (),
        text("select count(*) from watch where owner is not null"),
    ),
    "postroom_channels": (
        "Channels by which providers call when something changed; failing ones could not be made or renewed last time.",
        ("service", "port", "state"),
        text("""select a.service_type, c.port, case when c.failures > 0 then 'failing'
            when c.expires_at > now() then 'working' else 'starting' end, count(*)
            from channel c join account a on a.id = c.account_id group by 1, 2, 3"""),
    ),
    "postroom_sends": (
        "Sends of the last day, and all that are not settled.",
        ("state",),
        text("""select state, count(*) from send
            where updated_at > now() - interval '1 day' or state in ('queued', 'sending') group by 1"""),
    ),
}


class Figures:
    """Reads them all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def text(self) -> bytes:
        """In Prometheus' text format. Raises `Unavailable`."""
        registry = CollectorRegistry()
        async with self._database.read() as session:
            for name, (meaning, labels, query) in _FIGURES.items():
                gauge = Gauge(name, meaning, labels, registry=registry)
                for *values, figure in await session.execute(query):
                    (gauge.labels(*values) if labels else gauge).set(float(figure))
        return generate_latest(registry)
