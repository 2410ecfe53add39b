"""A simulator of Google's APIs; every exchange is held to the discovery documents, which Google wrote."""
