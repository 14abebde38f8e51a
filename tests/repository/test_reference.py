"""The generated parts of the documents: complete, and as they stand in the files."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reference import SECTIONS, error_examples, errors_table, settings_table, tools_table, updated, with_version
from wemasy_mcp.core.errors import ERRORS
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.settings import Settings, variable_of

ROOT = Path(__file__).parents[2]
DOCUMENTS = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.is_file()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_generated_parts_of_a_document_are_current(path: Path) -> None:
    """When this fails: `python scripts/reference.py README.md docs/errors.md docs/architecture.md`."""
    text = path.read_text("utf-8")

    assert _without_figures(updated(text)) == _without_figures(text)


def test_the_documents_have_every_generated_part_once() -> None:
    text = "".join(path.read_text("utf-8") for path in DOCUMENTS)

    assert {name: text.count(f"<!-- generated: {name} -->\n") for name in SECTIONS} == dict.fromkeys(SECTIONS, 1)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 200


def test_the_tables_name_everything() -> None:
    for endpoint in ENDPOINTS:
        assert f"| `{endpoint.tool}` |" in tools_table()
        assert all(f"`{name}`" in tools_table() for name in endpoint.arguments.model_fields)
    for error in ERRORS:
        assert f"| `{error.code}` |" in errors_table()
    for name in Settings.model_fields:
        assert f"| `{variable_of(name)}` |" in settings_table()


def test_the_settings_table_shows_the_defaults_and_what_they_mean() -> None:
    assert "| `WEMASY_TIMEOUT_SECONDS` | `20` | limit for the whole call" in settings_table()
    assert "| `WEMASY_SANDBOX` | `off` |" in settings_table()
    assert "| `WEMASY_API_TOKEN` |  | the Wemasy API token" in settings_table()


def test_every_example_of_an_error_is_json_with_its_code() -> None:
    blocks = [part.partition("```")[0] for part in error_examples().split("```json\n")[1:]]

    codes = [json.loads(block)["error"]["code"] for block in blocks]
    assert list(dict.fromkeys(codes)) == [error.code for error in ERRORS]


@pytest.mark.parametrize("name", ["server.json", "bundle/manifest.json"])
def test_the_version_is_the_packages_wherever_a_file_names_one(name: str) -> None:
    """When this fails: `python scripts/reference.py server.json bundle/manifest.json`."""
    text = (ROOT / name).read_text("utf-8")

    assert '"version": "' in text
    assert with_version(text) == text


def test_a_file_is_brought_up_to_date_between_its_markers_only(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("before\n<!-- generated: tools -->\nold\n<!-- end -->\nafter é\n", "utf-8")

    subprocess.run([sys.executable, str(ROOT / "scripts" / "reference.py"), str(file)], check=True, timeout=30)

    expected = f"before\n<!-- generated: tools -->\n{tools_table()}<!-- end -->\nafter é\n"
    assert file.read_text("utf-8") == expected


def _without_figures(text: str) -> str:
    """Leave out how many files and lines each room has: a figure for readers, which every change would outdate."""
    return re.sub(r"(<!-- generated: sizes -->\n).*?(?=<!-- end -->)", r"\1", text, flags=re.DOTALL)
