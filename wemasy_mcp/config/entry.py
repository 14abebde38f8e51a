"""An entry in its host's form: printed for pasting, or set in the text of the host's file."""

import json
from dataclasses import dataclass, replace
from typing import Any, Self

from wemasy_mcp.config import json_edit, toml_edit, yaml_render
from wemasy_mcp.config.host_program import HostProgram
from wemasy_mcp.config.merge import holds_secret, member_at, merge_entry
from wemasy_mcp.config.server_spec import API_TOKEN, ServerSpec


@dataclass(frozen=True, slots=True)
class Entry:
    """One host's entry, ready."""

    host: HostProgram
    spec: ServerSpec
    container: tuple[str, ...]
    members: dict[str, Any]
    gives_token: bool = False
    """True if the members hold a token, not a placeholder or reference."""
    kept: tuple[str, ...] = ()
    """The variables and headers that were in the file and are kept."""

    @property
    def path(self) -> tuple[str, ...]:
        """The entry's path in the file."""
        return (*self.container, self.spec.name)

    @property
    def holds_secret(self) -> bool:
        """True if it contains a secret itself."""
        return holds_secret(self.members, self.spec)

    def render(self) -> str:
        """Return the text to paste, with the enclosing objects that the host's file has."""
        if self.host.form == "fields":
            width = max(map(len, self.members))
            return "".join(f"{name:{width}}  {value}\n" for name, value in self.members.items())
        if self.host.form == "yaml":
            return yaml_render.render(self.path, self.members)
        if self.host.form == "toml":
            return toml_edit.render(self.path, self.members)
        value: Any = self.members
        for name in reversed(self.path):
            value = {name: value}
        return json.dumps(({"inputs": self._inputs} if self._inputs else {}) | value, indent=2) + "\n"

    def fitting(self, text: str) -> Self:
        """Return the entry in the form that the host's file uses, with what the user had added to it.

        Raises:
            ValueError: The text is not what the host's file should be.
        """
        if not text:
            return self
        found = toml_edit.parse(text) if self.host.form == "toml" else json_edit.parse(text)
        container, members = self.host.adapt(found, self.container, self.members)
        old = member_at(found, (*container, self.spec.name))
        members, kept = merge_entry(old, members, self.spec.transport, gives_token=self.gives_token)
        return replace(self, container=container, members=members, kept=tuple(kept))

    def set_in(self, text: str) -> str:
        """Return the text of the host's file with the entry set; an empty text is a new file.

        Raises:
            ValueError: The text is not what the host's file should be.
            SettingsError: A package needed to edit it is not installed.
        """
        if not text:
            return self.render()
        if self.host.form == "toml":
            return toml_edit.set_table(text, self.path, self.members)
        text = json_edit.set_member(text, self.path, self.members)
        for one in self._inputs:
            if one["id"] not in _asked_for(text):
                text = json_edit.append_item(text, "inputs", one)
        return text

    @property
    def _inputs(self) -> list[dict[str, Any]]:
        kinds = {API_TOKEN: "Wemasy API token"}
        return [
            {
                "type": "promptString",
                "id": secret.input,
                "description": kinds.get(secret.variable, "Token of the wemasy-mcp server"),
                "password": True,
            }
            for secret in self.spec.secrets
            if self.host.asks_for_secrets
        ]


def _asked_for(text: str) -> set[object]:
    inputs = json_edit.parse(text).get("inputs")
    return {one.get("id") for one in inputs if isinstance(one, dict)} if isinstance(inputs, list) else set()
