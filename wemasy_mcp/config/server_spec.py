"""What an entry has to say, whatever the host: how the server is reached, and which secret it needs."""

from dataclasses import dataclass
from typing import Literal

Transport = Literal["stdio", "sse", "streamable-http"]

API_TOKEN = "WEMASY_API_TOKEN"  # noqa: S105 - the variable's name
SERVER_TOKEN = "WEMASY_SERVER_TOKEN"  # noqa: S105 - the variable's name

PLACEHOLDERS = {API_TOKEN: "YOUR_API_TOKEN", SERVER_TOKEN: "YOUR_SERVER_TOKEN"}
"""What stands in an entry for a secret that was not given; the server recognises the first and says so."""


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One entry, before it has any host's form."""

    name: str
    transport: Transport
    command: str
    arguments: tuple[str, ...]
    url: str
    """For the HTTP transports."""
    secret: str | None
    """The variable that holds the secret: the API token over stdio, the server's own token over HTTP."""

    @property
    def input(self) -> str:
        """The secret's name where a host asks for it."""
        return (self.secret or "").lower().replace("_", "-")
