"""PostgreSQL: tables, queries, sealing, migrations."""
