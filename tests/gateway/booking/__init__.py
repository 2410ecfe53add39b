"""Booking, over real databases and the sandbox\x27s calendars."""
