"""A check: its name, result, finding and advice."""

from dataclasses import dataclass
from typing import Literal

Result = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. Its texts are safe to show: they never contain a secret."""

    name: str
    result: Result
    found: str
    advice: str = ""
    """Advice for the user; empty if there is nothing to do."""


def passed(name: str, found: str) -> Check:
    """Return a check that found everything in order."""
    return Check(name, "ok", found)


def failed(name: str, found: str, advice: str) -> Check:
    """Return a check that found something to fix."""
    return Check(name, "failed", found, advice)


def skipped(name: str, why: str) -> Check:
    """Return a check that was not made."""
    return Check(name, "skipped", why)
