"""The schema's history; `gateway/store/migrate.py` runs it."""
