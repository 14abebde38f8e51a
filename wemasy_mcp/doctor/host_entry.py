"""This server's entry in a host's file: the command or URL, and the environment that it gives."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from wemasy_mcp.config import json_edit, toml_edit
from wemasy_mcp.config.host_program import HostProgram
from wemasy_mcp.config.merge import member_at
from wemasy_mcp.config.paths import Paths
from wemasy_mcp.config.program_file import decode, read_file
from wemasy_mcp.config.registry import HOSTS
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.settings import SettingsError

_ENVIRONMENTS = ("env", "environment", "envs")
_URLS = ("url", "httpUrl", "serverUrl")
_HEADERS = ("headers", "http_headers")


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One entry; its members are unchecked, as in the file."""

    host: HostProgram
    name: str
    members: dict[str, Any]

    @property
    def command(self) -> list[str]:
        """The command line that the host starts; empty if it connects to a URL."""
        given = self.members.get("command")
        words = given if isinstance(given, list) else [given] if given else []
        arguments = self.members.get("args")
        return [str(word) for word in (*words, *(arguments if isinstance(arguments, list) else ()))]

    @property
    def env_file(self) -> Path | None:
        """The settings file passed to the command."""
        words = [part for word in self.command for part in word.split("=", 1)]
        return Path(words[words.index("--env-file") + 1]) if "--env-file" in words[:-1] else None

    def implied_settings(self) -> dict[str, str]:
        """Return the settings given by the command's flags, where they matter to a check."""
        return {"WEMASY_SANDBOX": "1"} if "--sandbox" in self.command else {}

    @property
    def url(self) -> str | None:
        """The URL to which the host connects."""
        return next((str(self.members[name]) for name in _URLS if self.members.get(name)), None)

    def environment(self, outer: dict[str, str]) -> dict[str, str]:
        """Return the variables that the entry gives, with references resolved from `outer` where possible."""
        forwarded = self.members.get("env_vars")
        names = [str(name) for name in forwarded] if isinstance(forwarded, list) else []
        file = Path(str(self.members.get("envFile", "")))
        read = dotenv_values(file, encoding="utf-8-sig") if file.is_file() else {}
        given = {name: outer[name] for name in names if name in outer} | self._texts(_ENVIRONMENTS, outer)
        return {name: value for name, value in read.items() if value is not None} | given

    def headers(self, outer: dict[str, str]) -> dict[str, str]:
        """Return the headers that the entry sends."""
        headers = self._texts(_HEADERS, outer)
        if (variable := self.members.get("bearer_token_env_var")) in outer:
            headers["Authorization"] = f"Bearer {outer[variable]}"
        return headers

    def _texts(self, groups: tuple[str, ...], outer: dict[str, str]) -> dict[str, str]:
        found: dict[Any, Any] = next(
            (self.members[name] for name in groups if isinstance(self.members.get(name), dict)), {}
        )
        return {str(name): self._resolve(str(value), outer) for name, value in found.items()}

    def _resolve(self, value: str, outer: dict[str, str]) -> str:
        if self.host.reference is None or self.host.asks_for_secrets:
            return value
        before, after = (re.escape(part) for part in self.host.reference.format("\0").split("\0"))
        pattern = re.compile(rf"{before}(\w+){after}") if before else re.compile(r"(?!)")
        return pattern.sub(lambda found: outer.get(found[1], found[0]), value)


def find_file(host: HostProgram) -> Path:
    """Return the path of the host's file.

    Raises:
        SettingsError: The host has no file, or this user has no home.
    """
    if host.file is None:
        raise SettingsError(
            "--host",
            f"cannot be {host.name}: {host.title} keeps its entries in no file known here. Without --host, doctor "
            "checks the environment that it runs in.",
        )
    return host.file(Paths.of_this_machine())


def parse_file(host: HostProgram, content: bytes) -> Any:
    """Return the parsed content of the host's file, ignoring comments and trailing commas.

    Raises:
        ValueError: The content is not valid for the host's file.
    """
    text = decode(content)
    if not text:
        return {}
    return toml_edit.parse(text) if host.form == "toml" else json_edit.parse(text)


def find_entries(host: HostProgram, found: Any) -> dict[str, HostEntry]:
    """Return the entries that look like this server, judged by their name, command or URL."""
    container, _ = host.adapt(found, host.container, {})
    entries = member_at(found, container)
    return {
        name: HostEntry(host, name, members)
        for name, members in (entries.items() if isinstance(entries, dict) else ())
        if isinstance(members, dict) and "wemasy" in f"{name} {dumps(members)}".casefold()
    }


def find_hosts() -> Iterator[HostProgram]:
    """Yield the hosts whose file on this machine has this server; unreadable files are skipped."""
    for host in HOSTS:
        try:
            content = read_file(find_file(host))
            if content and find_entries(host, parse_file(host, content)):
                yield host
        except ValueError:  # SettingsError is one
            continue


def show(text: str) -> str:
    """Return a text from a host's file in a form that is safe to show."""
    return sanitize(text, limit=200)
