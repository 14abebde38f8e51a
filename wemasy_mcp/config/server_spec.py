"""What an entry has to say, whatever the host: how the server is reached, and which secrets it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Transport = Literal["stdio", "sse", "streamable-http"]

API_TOKEN = "WEMASY_API_TOKEN"  # noqa: S105 - the variable's name
SERVER_TOKEN = "WEMASY_SERVER_TOKEN"  # noqa: S105 - the variable's name

PLACEHOLDERS = {API_TOKEN: "YOUR_API_TOKEN", SERVER_TOKEN: "YOUR_SERVER_TOKEN"}
"""What stands in an entry for a secret that was not given; the server recognises the first and says so."""

Secrets = Mapping[str, str]
"""What stands for each secret, by its variable: the secret, a placeholder, or the host's reference to it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of an entry: a variable of the environment over stdio, a header over HTTP."""

    variable: str
    header: str = ""
    scheme: str = ""
    """What stands before it in the header."""
    source: str = ""
    """The variable that a host takes it from, where that is another one: a second account has its own."""

    @property
    def name(self) -> str:
        """The variable that a host takes it from."""
        return self.source or self.variable

    @property
    def input(self) -> str:
        """Its name where a host asks for it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One entry, before it has any host's form."""

    name: str
    transport: Transport
    command: str
    arguments: tuple[str, ...]
    url: str
    """For the HTTP transports."""
    secrets: tuple[Secret, ...]

    def environment(self, values: Secrets) -> dict[str, str]:
        """Return the variables of an entry that is started."""
        return {secret.variable: values[secret.variable] for secret in self.secrets}

    def headers(self, values: Secrets) -> dict[str, str]:
        """Return the headers of an entry that is reached by URL."""
        return {secret.header: secret.scheme + values[secret.variable] for secret in self.secrets}
