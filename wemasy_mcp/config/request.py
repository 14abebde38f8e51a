"""The command-line request, checked."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from wemasy_mcp.config.host_program import HostProgram
from wemasy_mcp.config.server_spec import API_TOKEN, SERVER_TOKEN, Secret, ServerSpec, Transport
from wemasy_mcp.settings import SettingsError, variable_of
from wemasy_mcp.urls import is_loopback, split_url

_URLS: dict[Transport, str] = {
    "stdio": "",
    "sse": "http://127.0.0.1:8000/sse",
    "streamable-http": "http://127.0.0.1:8000/mcp",
}
_USER_TOKEN_HEADER = "X-Wemasy-Token"  # noqa: S105 - the header's usual name
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,35}")
"""Hosts join it to a tool's name, and some allow 60 characters for both together."""


@dataclass(frozen=True, slots=True)
class Request:
    """The flags of the command."""

    host: str
    name: str | None = None
    transport: Transport | None = None
    url: str | None = None
    sandbox: bool = False
    user_token: bool = False
    write: bool = False
    file: Path | None = None

    def to_spec(self, host: HostProgram, command: str, arguments: tuple[str, ...]) -> ServerSpec:
        """Return the requested entry.

        Raises:
            SettingsError: The host does not support it, or a flag cannot be used.
        """
        transport = self.transport or ("stdio" if "stdio" in host.transports else host.transports[0])
        if transport not in host.transports:
            raise SettingsError(
                "--transport",
                f"cannot be {transport} with {host.name}; {host.title} takes {', '.join(host.transports)}.",
            )
        if transport == "stdio" and (self.url is not None or self.user_token):
            flag = "--url" if self.url is not None else "--user-token"
            raise SettingsError(flag, "needs --transport sse or streamable-http.")
        url = self.url or _URLS[transport]
        if transport != "stdio":
            _check_url(url, host)
        if self.sandbox and transport != "stdio":
            raise SettingsError("--sandbox", "needs --transport stdio: a server reached by URL is already running.")
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise SettingsError("--name", "should be at most 35 letters, digits, hyphens and underscores.")
        return ServerSpec(
            name=self.name or ("wemasy-sandbox" if self.sandbox else "wemasy"),
            transport=transport,
            command=command,
            arguments=(*arguments, "--sandbox") if self.sandbox else arguments,
            url=url,
            secrets=() if self.sandbox or host.needs_public_url else self._secrets(transport),
        )

    def _secrets(self, transport: Transport) -> tuple[Secret, ...]:
        own = re.sub(r"\W", "_", self.name).upper() if self.name else ""
        source = {API_TOKEN: f"TOKEN_OF_{own}", SERVER_TOKEN: f"SERVER_TOKEN_OF_{own}"} if own else {}
        if transport == "stdio":
            return (Secret(API_TOKEN, source=source.get(API_TOKEN, "")),)
        secrets = []
        if os.environ.get(SERVER_TOKEN):
            secrets.append(Secret(SERVER_TOKEN, "Authorization", "Bearer ", source.get(SERVER_TOKEN, "")))
        if self.user_token:
            variable = variable_of("user_token_header")
            header = os.environ.get(variable, _USER_TOKEN_HEADER)
            if not _HEADER.fullmatch(header):
                raise SettingsError(variable, "should be the name of a header, such as X-Wemasy-Token.")
            secrets.append(Secret(API_TOKEN, header, source=source.get(API_TOKEN, "")))
        return tuple(secrets)


def _check_url(text: str, host: HostProgram) -> None:
    if (url := split_url(text)) is None:
        raise SettingsError("--url", "should be a complete URL, such as https://mcp.example.com/mcp.")
    if host.needs_public_url and (url.scheme == "http" or is_loopback(url.hostname or "")):
        raise SettingsError(
            "--url", f"should be a public https URL: {host.title} connects from its own servers, not from this machine."
        )
