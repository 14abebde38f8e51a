"""An entry as YAML, for pasting; no host's YAML file is edited."""

import json
from typing import Any


def render(path: tuple[str, ...], entry: dict[str, Any]) -> str:
    """Return the entry under its path; its values are JSON, which is also YAML."""
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(path)]
    lines += [f"{'  ' * len(path)}{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in entry.items()]
    return "\n".join([*lines, ""])
