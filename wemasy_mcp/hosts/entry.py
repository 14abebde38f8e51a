"""An entry in its host's form: printed as it is pasted, or set in the text of the host's file."""

import json
from dataclasses import dataclass, replace
from typing import Any, Self

from wemasy_mcp.hosts import code, json_edit, toml_edit
from wemasy_mcp.hosts.host import Host
from wemasy_mcp.hosts.kept import hand_on, member_at
from wemasy_mcp.hosts.wanted import API_TOKEN, Wanted


@dataclass(frozen=True, slots=True)
class Entry:
    """One host's entry, ready."""

    host: Host
    wanted: Wanted
    members: dict[str, Any]
    gives_token: bool = False
    """Whether the members hold a token, and no placeholder or reference."""
    kept: tuple[str, ...] = ()
    """The variables and headers that were in the file, and stay."""

    @property
    def path(self) -> tuple[str, ...]:
        """Where it stands in the file."""
        return (*self.host.container, self.wanted.name)

    def render(self) -> str:
        """Return what is pasted, with the objects around it that the host's file has."""
        if self.host.form == "python":
            return code.render(self.host.name, self.wanted, self.members)
        if self.host.form == "toml":
            return toml_edit.render(self.path, self.members)
        value: Any = self.members
        for name in reversed(self.path):
            value = {name: value}
        return json.dumps(({"inputs": [self._input()]} if self._has_input else {}) | value, indent=2) + "\n"

    def keeping(self, text: str) -> Self:
        """Return the entry with the variables and headers of the one that the text of the host's file holds.

        Raises:
            ValueError: The text is not what the host's file should be.
        """
        if not text:
            return self
        found = toml_edit.parse(text) if self.host.form == "toml" else json_edit.parse(text)
        old = member_at(found, self.path)
        members, kept = hand_on(old, self.members, self.wanted.transport, gives_token=self.gives_token)
        return replace(self, members=members, kept=tuple(kept))

    def set_in(self, text: str) -> str:
        """Return the text of the host's file with the entry set; an empty text is a new file.

        Raises:
            ValueError: The text is not what the host's file should be.
            SettingsError: What is needed to edit it is not installed.
        """
        if not text:
            return self.render()
        if self.host.form == "toml":
            return toml_edit.set_table(text, self.path, self.members)
        text = json_edit.set_member(text, self.path, self.members)
        if self._has_input and not self._is_asked_for(text):
            text = json_edit.append_item(text, "inputs", self._input())
        return text

    @property
    def _has_input(self) -> bool:
        return self.host.asks_for_secrets and self.wanted.secret is not None

    def _input(self) -> dict[str, Any]:
        kind = "Wemasy API token" if self.wanted.secret == API_TOKEN else "Token of the wemasy-mcp server"
        return {"type": "promptString", "id": self.wanted.input, "description": kind, "password": True}

    def _is_asked_for(self, text: str) -> bool:
        inputs = json_edit.parse(text).get("inputs")
        return isinstance(inputs, list) and any(
            isinstance(one, dict) and one.get("id") == self.wanted.input for one in inputs
        )
