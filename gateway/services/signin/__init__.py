"""Sign-ins: from an application's link over a provider or a form back to it (behaviour.md, section 2)."""
