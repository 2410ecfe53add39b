"""Fixtures that several areas share."""

pytest_plugins = [
    "tests.gateway.database",
    "tests.servers.plugin",
]
