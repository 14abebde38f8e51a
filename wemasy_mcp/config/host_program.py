"""The facts about a host: the location of its file and the form of an entry. docs/hosts.md has the sources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from wemasy_mcp.config.merge import member_at
from wemasy_mcp.config.paths import Paths
from wemasy_mcp.config.server_spec import Secrets, ServerSpec, Transport

BuildEntry = Callable[[ServerSpec, Secrets], dict[str, Any]]

HTTP_ONLY: tuple[Transport, ...] = ("streamable-http", "sse")
NO_SSE: tuple[Transport, ...] = ("stdio", "streamable-http")


@dataclass(frozen=True, slots=True)
class Shape:
    """The ways in which most hosts differ: the names of the types, and of the member that holds the URL."""

    types: Mapping[Transport, str] = field(default_factory=dict)
    kind: str = "type"
    url: str = "url"
    sse_url: str = ""
    also: dict[str, Any] = field(default_factory=dict)
    """The members that every entry has."""

    def build(self, spec: ServerSpec, values: Secrets) -> dict[str, Any]:
        """Return the entry."""
        kind = self.types.get(spec.transport)
        members: dict[str, Any] = {self.kind: kind} if kind else {}
        if spec.transport == "stdio":
            members |= {"command": spec.command, "args": list(spec.arguments)}
            environment = spec.environment(values)
            return members | ({"env": environment} if environment else {}) | self.also
        url = self.sse_url or self.url if spec.transport == "sse" else self.url
        headers = spec.headers(values)
        return members | {url: spec.url} | ({"headers": headers} if headers else {}) | self.also


@dataclass(frozen=True, slots=True)
class HostProgram:
    """One program that starts MCP servers, or connects to them."""

    name: str
    title: str
    file: Callable[[Paths], Path] | None
    """None: the entry is pasted into the program."""
    build: BuildEntry = Shape().build
    container: tuple[str, ...] = ("mcpServers",)
    """The member of the file that holds the entries."""
    form: Literal["json", "toml", "yaml", "fields"] = "json"
    """`fields`: the program has a form to fill in."""
    allows: frozenset[str] = frozenset()
    """The extensions to RFC 8259 that its JSON may use: comments, trailing commas."""
    reference: str | None = None
    """The form of a reference to a secret, with `{}` for its name; None if the host has none."""
    asks_for_secrets: bool = False
    """True if that name is an input that the host asks for and stores, not an environment variable."""
    forwards: bool = False
    """True if it forwards variables to the programs it starts, but only under their own names."""
    transports: tuple[Transport, ...] = ("stdio", "sse", "streamable-http")
    needs_public_url: bool = False
    """True if the program connects from its vendor's servers, not from this machine."""
    newer_container: tuple[str, ...] = ()
    """The path of the entries in the host's newer file format, which has no member `enabled`."""
    add: tuple[str, ...] = ()
    """The host's own command that adds a server; names in braces are filled in.

    They are `{name}`, `{json}`, `{env}`, `{program}` and `{arguments}`, the last two being the entry's command.
    """
    hint: str = ""
    """Instructions for using the entry; empty if it goes into `file`."""
    unattended: str = ""
    """What it needs to call the tools in a run that nobody watches; `{}` stands for the entry's name."""

    def adapt(
        self, found: object, container: tuple[str, ...], members: dict[str, Any]
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Return an entry's path and members in the form that the file uses; `found` is the file's content."""
        newer = member_at(found, self.newer_container) if self.newer_container else None
        if not isinstance(newer, dict) or "type" in newer:  # an older file may hold a server of that name
            return container, members
        return self.newer_container, {name: value for name, value in members.items() if name != "enabled"}

    def references(self, spec: ServerSpec) -> dict[str, str] | None:
        """Return the reference to each secret, for a host that takes secrets from elsewhere."""
        is_forwarded = self.forwards and spec.transport == "stdio"
        if self.reference is None or (is_forwarded and any(secret.source for secret in spec.secrets)):
            return None
        return {
            secret.variable: self.reference.format(secret.input if self.asks_for_secrets else secret.name)
            for secret in spec.secrets
        }
