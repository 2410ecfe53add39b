"""Gmail, Google Calendar, Contacts and Tasks over their HTTP APIs."""
