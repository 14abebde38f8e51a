"""What is known of a host: where its file is and what an entry looks like there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from wemasy_mcp.hosts.places import Places
from wemasy_mcp.hosts.wanted import Transport, Wanted

BuildEntry = Callable[[Wanted, str], dict[str, Any]]
"""Makes the entry; the text is what stands for the secret."""


@dataclass(frozen=True, slots=True)
class Host:
    """One program that starts MCP servers, or connects to them."""

    name: str
    title: str
    documentation: str
    """The page that the form was checked against."""
    build: BuildEntry
    container: tuple[str, ...]
    """The member of the file under which entries stand."""
    file: Callable[[Places], Path] | None = None
    """None: the entry is pasted into the program, or is code."""
    form: Literal["json", "toml", "python"] = "json"
    reference: str | None = None
    """How an entry takes a secret from elsewhere, with `{}` for its name; None where the host cannot."""
    asks_for_secrets: bool = False
    """Whether that name is of an input that the host asks for and stores, not of an environment variable."""
    transports: tuple[Transport, ...] = ("stdio", "sse", "streamable-http")
    hint: str = ""
    """What to do with the entry; empty where it goes into `file`."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How most hosts differ: the names of the types, and of the member that holds the URL."""

    types: dict[Transport, str] = field(default_factory=dict)
    url: str = "url"
    sse_url: str = ""

    def build(self, wanted: Wanted, secret: str) -> dict[str, Any]:
        """Return the entry."""
        kind = {"type": self.types[wanted.transport]} if self.types else {}
        if wanted.transport == "stdio":
            environment = {"env": {wanted.secret: secret}} if wanted.secret else {}
            return kind | {"command": wanted.command, "args": list(wanted.arguments)} | environment
        url = self.sse_url or self.url if wanted.transport == "sse" else self.url
        return kind | {url: wanted.url} | headers(wanted, secret)


def reference(host: Host, wanted: Wanted) -> str | None:
    """Return what stands for the secret in an entry of a host that takes it from elsewhere."""
    if host.reference is None or wanted.secret is None:
        return None
    return host.reference.format(wanted.input if host.asks_for_secrets else wanted.secret)


def headers(wanted: Wanted, secret: str) -> dict[str, Any]:
    """Return the member with the headers of an HTTP entry; none where no secret is needed."""
    return {"headers": {"Authorization": f"Bearer {secret}"}} if wanted.secret else {}
