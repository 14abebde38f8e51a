"""An entry in its host's form: printed as it is pasted, or set in the text of the host's file."""

import json
from dataclasses import dataclass, replace
from typing import Any, Self

from wemasy_mcp.config import code, json_edit, toml_edit
from wemasy_mcp.config.host_program import HostProgram
from wemasy_mcp.config.merge import member_at, merge_entry
from wemasy_mcp.config.server_spec import API_TOKEN, ServerSpec


@dataclass(frozen=True, slots=True)
class Entry:
    """One host's entry, ready."""

    host: HostProgram
    spec: ServerSpec
    members: dict[str, Any]
    gives_token: bool = False
    """Whether the members hold a token, and no placeholder or reference."""
    kept: tuple[str, ...] = ()
    """The variables and headers that were in the file, and stay."""

    @property
    def path(self) -> tuple[str, ...]:
        """Where it stands in the file."""
        return (*self.host.container, self.spec.name)

    def render(self) -> str:
        """Return what is pasted, with the objects around it that the host's file has."""
        if self.host.form == "python":
            return code.render(self.host.name, self.spec, self.members)
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
        members, kept = merge_entry(old, self.members, self.spec.transport, gives_token=self.gives_token)
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
        return self.host.asks_for_secrets and self.spec.secret is not None

    def _input(self) -> dict[str, Any]:
        kind = "Wemasy API token" if self.spec.secret == API_TOKEN else "Token of the wemasy-mcp server"
        return {"type": "promptString", "id": self.spec.input, "description": kind, "password": True}

    def _is_asked_for(self, text: str) -> bool:
        inputs = json_edit.parse(text).get("inputs")
        return isinstance(inputs, list) and any(
            isinstance(one, dict) and one.get("id") == self.spec.input for one in inputs
        )
