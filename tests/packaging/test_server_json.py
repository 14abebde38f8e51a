"""`server.json`, the entry for the MCP registry, held against the rules of its schema that concern us. No network."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from wemasy_mcp import __version__
from wemasy_mcp.core.server import TITLE, WEBSITE
from wemasy_mcp.settings import DEFAULT_BASE_URL, Settings, variable_of

ROOT = Path(__file__).parents[2]

URI = {"type": "string", "pattern": "^https://"}
RULES = {
    # Of https://github.com/modelcontextprotocol/registry, docs/reference/server-json: server.schema.json of 2025-12-11
    # (ServerDetail, Package, KeyValueInput) and official-registry-requirements.md. Members we do not have are refused.
    "type": "object",
    "additionalProperties": False,
    "required": ["$schema", "name", "description", "version"],
    "properties": {
        "$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"},
        "name": {"pattern": "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "minLength": 3, "maxLength": 200},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": "string", "minLength": 1, "maxLength": 100},
        "version": {"type": "string", "maxLength": 255, "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$"},
        "websiteUrl": URI,
        "repository": {
            "type": "object",
            "additionalProperties": False,
            "required": ["url", "source"],
            "properties": {"url": URI, "source": {"const": "github"}},
        },
        "packages": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["registryType", "identifier", "version", "transport"],
                "properties": {
                    "registryType": {"enum": ["npm", "pypi", "oci", "nuget", "mcpb"]},
                    "identifier": {"type": "string"},
                    "version": {"type": "string", "minLength": 1, "not": {"const": "latest"}},
                    "runtimeHint": {"enum": ["npx", "uvx", "docker", "dnx"]},
                    "transport": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["type"],
                        "properties": {"type": {"const": "stdio"}},
                    },
                    "environmentVariables": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["name"],
                            "properties": {
                                "name": {"type": "string"},
                                "description": {"type": "string"},
                                "default": {"type": "string"},
                                "isRequired": {"type": "boolean"},
                                "isSecret": {"type": "boolean"},
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def entry() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "server.json").read_text())
    return found


def test_the_entry_keeps_the_schemas_rules(entry: dict[str, Any]) -> None:
    jsonschema.validate(entry, RULES)


def test_the_workflow_holds_the_entry_against_the_schema_that_it_names(entry: dict[str, Any]) -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")

    assert f"--schemafile {entry['$schema']} server.json" in workflow


def test_the_entry_says_what_the_package_and_the_server_say(entry: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (package,) = entry["packages"]
    assert entry["version"] == package["version"] == __version__
    assert package["identifier"] == project["name"]
    assert (entry["title"], entry["websiteUrl"]) == (TITLE, WEBSITE)


def test_the_entry_names_settings_that_exist_and_marks_the_token_as_a_secret(entry: dict[str, Any]) -> None:
    variables = {one["name"]: one for one in entry["packages"][0]["environmentVariables"]}
    assert set(variables) <= {variable_of(field) for field in Settings.model_fields}
    assert variables["WEMASY_API_TOKEN"]["isSecret"] is True
    assert variables["WEMASY_API_TOKEN"]["isRequired"] is True
    assert variables["WEMASY_BASE_URL"]["default"] == DEFAULT_BASE_URL
