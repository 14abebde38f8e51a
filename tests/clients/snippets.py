"""The programs in docs/frameworks.md, as they stand there: each fence names its language, framework and transport."""

import re
from dataclasses import dataclass

from .catalogue import HERE

PAGE = HERE.parents[1] / "docs" / "frameworks.md"

TRANSPORTS = ("stdio", "http")

ADDRESS = "127.0.0.1:8000"
"""Where the programs over HTTP expect the server; a test has it at another port."""

_FENCE = re.compile(r"^```(python|js) ([a-z-]+) ([a-z]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Snippet:
    """One program."""

    language: str
    framework: str
    """The name of the directory here that has its environment, if there is one."""
    transport: str
    code: str

    def __str__(self) -> str:
        return f"{self.framework}-{self.transport}"


def read_snippets() -> tuple[Snippet, ...]:
    """Return every program of the page, in its order."""
    return tuple(Snippet(*found) for found in _FENCE.findall(PAGE.read_text("utf-8")))
