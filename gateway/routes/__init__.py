"""The routes: one file per area."""
