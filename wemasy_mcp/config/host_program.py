"""What is known of a host: where its file is and what an entry looks like there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from wemasy_mcp.config.paths import Paths
from wemasy_mcp.config.server_spec import ServerSpec, Transport

BuildEntry = Callable[[ServerSpec, str], dict[str, Any]]
"""Makes the entry; the text is what stands for the secret."""


@dataclass(frozen=True, slots=True)
class HostProgram:
    """One program that starts MCP servers, or connects to them."""

    name: str
    title: str
    documentation: str
    """The page that the form was checked against."""
    build: BuildEntry
    container: tuple[str, ...]
    """The member of the file under which entries stand."""
    file: Callable[[Paths], Path] | None = None
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

    def build(self, spec: ServerSpec, secret: str) -> dict[str, Any]:
        """Return the entry."""
        kind = {"type": self.types[spec.transport]} if self.types else {}
        if spec.transport == "stdio":
            environment = {"env": {spec.secret: secret}} if spec.secret else {}
            return kind | {"command": spec.command, "args": list(spec.arguments)} | environment
        url = self.sse_url or self.url if spec.transport == "sse" else self.url
        return kind | {url: spec.url} | headers(spec, secret)


def reference(host: HostProgram, spec: ServerSpec) -> str | None:
    """Return what stands for the secret in an entry of a host that takes it from elsewhere."""
    if host.reference is None or spec.secret is None:
        return None
    return host.reference.format(spec.input if host.asks_for_secrets else spec.secret)


def headers(spec: ServerSpec, secret: str) -> dict[str, Any]:
    """Return the member with the headers of an HTTP entry; none where no secret is needed."""
    return {"headers": {"Authorization": f"Bearer {secret}"}} if spec.secret else {}
