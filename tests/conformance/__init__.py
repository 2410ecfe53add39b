"""One suite for every provider, written against `providers.base` only."""
