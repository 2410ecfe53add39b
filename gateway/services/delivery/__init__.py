"""Telling subscribers: what to send next (notices), sending it (receiver), what follows from the answer (outcomes), and
the pump that does one after the other."""
