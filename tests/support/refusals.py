"""A server that does not start, and what it says."""

from typing import Protocol


class Refusal(Protocol):
    """Runs the command with these arguments and settings, checks that it refuses, and returns its one line."""

    def __call__(self, *arguments: str, **settings: str) -> str: ...
