"""The Postroom application: everything that knows HTTP, SQL or time."""
