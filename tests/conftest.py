"""Fixtures that several areas share."""

from hypothesis import HealthCheck, settings

# How fast examples are made is the machine's business: nothing here asserts times.
settings.register_profile("postroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("postroom")

pytest_plugins = [
    "tests.gateway.database",
    "tests.servers.plugin",
]
