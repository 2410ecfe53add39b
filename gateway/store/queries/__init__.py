"""The SQL of each area; a function that changes something belongs to the session's transaction.

Whatever belongs to a tenant is found by application and id, never by id alone.
"""
