"""The provider contract: verbs, ports, sessions, errors; and the only threads and the only HTTP client."""
