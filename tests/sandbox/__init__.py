"""The embedded sandbox."""
