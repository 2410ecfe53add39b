"""Booking: profiles, the times they offer, and meetings that cannot overlap (design section 9, behaviour.md 12)."""
