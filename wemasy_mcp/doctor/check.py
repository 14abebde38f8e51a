"""What a check is: a name, a result, what was found and what to do."""

from dataclasses import dataclass
from typing import Literal

Result = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. Its texts are safe to show: no secret is ever in them."""

    name: str
    result: Result
    found: str
    advice: str = ""
    """What the user can do; empty where nothing is to be done."""


def passed(name: str, found: str) -> Check:
    """Return a check that found things as they should be."""
    return Check(name, "ok", found)


def failed(name: str, found: str, advice: str) -> Check:
    """Return a check that found something to fix."""
    return Check(name, "failed", found, advice)


def skipped(name: str, why: str) -> Check:
    """Return a check that was not made."""
    return Check(name, "skipped", why)
