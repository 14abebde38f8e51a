"""The API on loopback, and the command line that refuses."""

from support.http_fixtures import refusal, upstream

__all__ = ["refusal", "upstream"]
