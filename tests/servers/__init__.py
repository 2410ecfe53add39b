"""Counterparts on random loopback ports: Dovecot, Postfix, and scripted servers for what no real one does on demand."""
