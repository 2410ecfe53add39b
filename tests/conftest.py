"""Fixtures that several areas share."""

pytest_plugins = [
    "tests.servers.plugin",
]
