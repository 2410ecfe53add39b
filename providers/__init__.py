"""Adapters to mailbox providers, and the contract they keep (`providers.base`)."""
