"""Handlers turn an event into what should be shown and answered. They say; they never send."""
