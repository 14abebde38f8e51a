"""The Claude Desktop bundle: what it holds, that it starts, and its manifest held against the format's own rules."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import jsonschema
import pytest
from mcp import StdioServerParameters

from api_document import TOOLS
from support.program import TOKEN
from support.started import tools_and_outcome
from wemasy_mcp import __version__
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.settings import variable_of

ROOT = Path(__file__).parents[2]

TEXT = {"type": "string"}
RULES = {
    # The rules of https://github.com/modelcontextprotocol/mcpb, schemas/mcpb-manifest-v0.4.schema.json, for what our
    # manifest has; members that it does not have are refused here.
    "type": "object",
    "additionalProperties": False,
    "required": ["manifest_version", "name", "version", "description", "author", "server"],
    "properties": {
        "manifest_version": {"const": "0.4"},
        **dict.fromkeys(("name", "display_name", "version", "description", "long_description", "license"), TEXT),
        "homepage": {"type": "string", "pattern": "^https://"},
        "support": {"type": "string", "pattern": "^https://"},
        "author": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {"name": TEXT, "url": TEXT},
        },
        "repository": {
            "type": "object",
            "additionalProperties": False,
            "required": ["type", "url"],
            "properties": {"type": TEXT, "url": TEXT},
        },
        "keywords": {"type": "array", "items": TEXT},
        "server": {
            "type": "object",
            "additionalProperties": False,
            "required": ["type", "entry_point", "mcp_config"],
            "properties": {
                "type": {"enum": ["python", "node", "binary", "uv"]},
                "entry_point": TEXT,
                "mcp_config": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["command"],
                    "properties": {
                        "command": TEXT,
                        "args": {"type": "array", "items": TEXT},
                        "env": {"type": "object", "additionalProperties": TEXT},
                    },
                },
            },
        },
        "tools": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {"name": TEXT, "description": TEXT},
            },
        },
        "compatibility": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "platforms": {"type": "array", "items": {"enum": ["darwin", "win32", "linux"]}},
                "runtimes": {"type": "object", "additionalProperties": False, "properties": {"python": TEXT}},
            },
        },
        "user_config": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "title", "description"],
                "properties": {
                    "type": {"enum": ["string", "number", "boolean", "directory", "file"]},
                    "title": TEXT,
                    "description": TEXT,
                    "required": {"type": "boolean"},
                    "sensitive": {"type": "boolean"},
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bundle_build", ROOT / "bundle" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bundle(builder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    built: Path = builder.build(tmp_path_factory.mktemp("bundle"))
    return built


@pytest.fixture(scope="module")
def manifest(bundle: Path) -> dict[str, Any]:
    with zipfile.ZipFile(bundle) as archive:
        found: dict[str, Any] = json.loads(archive.read("manifest.json"))
    return found


def test_the_manifest_keeps_the_formats_rules(manifest: dict[str, Any]) -> None:
    jsonschema.validate(manifest, RULES)


def test_the_manifest_says_what_the_package_is(manifest: dict[str, Any], bundle: Path) -> None:
    assert manifest["version"] == __version__
    assert bundle.name == f"wemasy-mcp-{__version__}.mcpb"
    assert manifest["tools"] == [{"name": endpoint.tool, "description": endpoint.description} for endpoint in ENDPOINTS]
    with zipfile.ZipFile(bundle) as archive:
        project = tomllib.loads(archive.read("pyproject.toml").decode())["project"]
    assert manifest["compatibility"]["runtimes"]["python"] == project["requires-python"]


def test_the_token_is_asked_for_as_a_secret_and_given_in_the_environment(manifest: dict[str, Any]) -> None:
    token = manifest["user_config"]["api_token"]
    assert (token["sensitive"], token["required"]) == (True, True)
    environment = manifest["server"]["mcp_config"]["env"]
    assert environment[variable_of("api_token")] == "${user_config.api_token}"


def test_the_same_source_gives_the_same_bytes(builder: ModuleType, bundle: Path, tmp_path: Path) -> None:
    assert builder.build(tmp_path).read_bytes() == bundle.read_bytes()


def test_only_what_is_needed_to_run_is_in_the_bundle(bundle: Path, manifest: dict[str, Any]) -> None:
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
    assert manifest["server"]["entry_point"] in names
    assert {name.split("/")[0] for name in names} == {
        "manifest.json",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "wemasy_mcp",
    }
    assert not [name for name in names if "__pycache__" in name]


def test_a_file_that_was_left_lying_about_is_not_packed(
    builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = set(builder.contents())
    shutil.copytree(builder.ROOT / "wemasy_mcp", tmp_path / "wemasy_mcp", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("leak.env", "core/.env", "sandbox/static/token.txt"):
        (tmp_path / "wemasy_mcp" / name).write_text("a-secret")
    monkeypatch.setattr(builder, "ROOT", tmp_path)

    assert set(builder.contents()) == packed


@pytest.fixture(scope="module")
def unpacked(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    return folder


def started(unpacked: Path, then: str) -> list[str]:
    """What runs `then` with the package of the bundle, and this environment's dependencies."""
    return ["-c", f"import sys; sys.path.insert(0, {str(unpacked)!r}); {then}"]


def test_the_unpacked_package_is_the_one_that_is_run(unpacked: Path) -> None:
    child = subprocess.run(
        [sys.executable, *started(unpacked, "import wemasy_mcp; print(wemasy_mcp.__file__)")],
        cwd=unpacked,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert child.stdout.startswith(str(unpacked))


async def test_what_is_in_the_bundle_starts_and_serves(unpacked: Path) -> None:
    # As the script that uv runs: its entry point in pyproject.toml.
    arguments = [*started(unpacked, "from wemasy_mcp.__main__ import main; sys.exit(main())"), "--sandbox"]
    server = StdioServerParameters(command=sys.executable, args=arguments, cwd=unpacked)

    assert await tools_and_outcome(server) == (TOOLS, "applied")


@pytest.mark.bundle
def test_the_manifests_own_command_installs_what_is_needed_and_serves(unpacked: Path, manifest: dict[str, Any]) -> None:
    from uv import find_uv_bin

    started = manifest["server"]["mcp_config"]
    assert started["command"] == "uv"
    arguments = [word.replace("${__dirname}", str(unpacked)) for word in started["args"]]
    # What Claude Desktop fills in, and the sandbox in place of an account.
    settings = started["env"] | {variable_of("api_token"): TOKEN, variable_of("sandbox"): "1"}
    environment = {"UV_PYTHON": sys.executable, **os.environ, **settings}
    first = subprocess.run(
        [find_uv_bin(), *arguments, "--version"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=True,
    )
    assert first.stdout.split() == [b"wemasy-mcp", __version__.encode()]

    server = StdioServerParameters(command=find_uv_bin(), args=arguments, env=environment)

    assert anyio.run(tools_and_outcome, server) == (TOOLS, "applied")


@pytest.mark.posix
def test_the_documented_command_builds_and_validates(
    builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # The format's own tool comes over the network: its place is taken by one that tells how it was called.
    npx = tmp_path / "npx"
    npx.write_text('#!/bin/sh\necho "$@"\ntest "$3" != info\n')
    npx.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert builder.main(["--folder", str(tmp_path)]) == 0
    assert builder.main(["--folder", str(tmp_path), "--validate"]) == 1

    bundle = tmp_path / f"wemasy-mcp-{__version__}.mcpb"
    tool = builder.VALIDATOR
    assert sorted(capfd.readouterr().out.splitlines()) == sorted(
        [
            str(bundle),
            str(bundle),
            f"--yes {tool} validate {ROOT / 'bundle' / 'manifest.json'}",
            f"--yes {tool} info {bundle}",
        ]
    )
