"""The content of an entry, whatever the host: how to reach the server, and the secrets it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Transport = Literal["stdio", "sse", "streamable-http"]

API_TOKEN = "WEMASY_API_TOKEN"  # noqa: S105 - the variable's name
SERVER_TOKEN = "WEMASY_SERVER_TOKEN"  # noqa: S105 - the variable's name

PLACEHOLDERS = {API_TOKEN: "YOUR_API_TOKEN", SERVER_TOKEN: "YOUR_SERVER_TOKEN"}
"""The placeholders for secrets that were not given; the server recognises the first and reports it."""

Secrets = Mapping[str, str]
"""The value for each secret, by its variable: the secret, a placeholder, or the host's reference to it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of an entry: an environment variable over stdio, a header over HTTP."""

    variable: str
    header: str = ""
    scheme: str = ""
    """The prefix before it in the header."""
    source: str = ""
    """The variable that a host takes it from, if different: a second account has its own."""

    @property
    def name(self) -> str:
        """The variable that a host takes it from."""
        return self.source or self.variable

    @property
    def input(self) -> str:
        """Its name where a host prompts for it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One entry, before it takes any host's form."""

    name: str
    transport: Transport
    command: str
    arguments: tuple[str, ...]
    url: str
    """For the HTTP transports."""
    secrets: tuple[Secret, ...]

    def environment(self, values: Secrets) -> dict[str, str]:
        """Return the variables of an entry that the host starts."""
        return {secret.variable: values[secret.variable] for secret in self.secrets}

    def headers(self, values: Secrets) -> dict[str, str]:
        """Return the headers of an entry reached by URL."""
        return {secret.header: secret.scheme + values[secret.variable] for secret in self.secrets}
