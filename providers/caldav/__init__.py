"""CalDAV (RFC 4791) and CardDAV (RFC 6352): calendars, events, tasks and contacts of any server, and of iCloud."""
