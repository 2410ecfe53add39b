"""The reference provider: mailboxes of our own in one SQLite file. Who knows this folder knows them all."""
