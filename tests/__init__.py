"""The tests; `tests/servers` starts the real counterparts they talk to."""
