"""Calls to try the sandbox with, made from what an endpoint takes."""

import json
import shlex
from typing import Any

from pydantic import ValidationError

from wemasy_mcp.endpoint import AnyEndpoint, Updates
from wemasy_mcp.sandbox.tokens import SANDBOX_TOKEN


def example_arguments(endpoint: AnyEndpoint) -> dict[str, Any]:
    """Return arguments that it takes: a seeded record's id, first choices, and a text wherever any will do."""
    effect = endpoint.effect
    known = {effect.id_argument: effect.seeds[0]["id"]} if isinstance(effect, Updates) else {}
    published = endpoint.arguments.model_json_schema()["properties"]
    wanted = {
        name: known.get(name, schema.get("enum", [f"example {name.replace('_', ' ')}"])[0])
        for name, schema in published.items()
    }
    try:
        endpoint.arguments.model_validate(wanted)
    except ValidationError as error:
        refused = {item["loc"][0] for item in error.errors()}
        return {name: value for name, value in wanted.items() if name not in refused}
    return wanted


def curl_line(endpoint: AnyEndpoint, base_url: str) -> str:
    """Return a command line for a POSIX shell that calls the endpoint at `base_url`."""
    words = ["curl", "-i", f"{base_url}/{endpoint.path}"]
    for header in (
        f"Authorization: Bearer {SANDBOX_TOKEN}",
        "Accept: application/json",
        "Content-Type: application/json",
    ):
        words += ["-H", header]
    return shlex.join([*words, "-d", json.dumps(example_arguments(endpoint))])
