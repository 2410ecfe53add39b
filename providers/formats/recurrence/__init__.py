"""Recurrence: RRULE read, written, checked and expanded, and the contract's simple pattern."""
