"""The pages in docs/ and beside them: links lead somewhere, and what they name exists."""

import re
from pathlib import Path

import pytest

from config.documented import DOCUMENTED
from wemasy_mcp.config.registry import HOSTS
from wemasy_mcp.config.server_spec import API_TOKEN
from wemasy_mcp.core.errors import ERRORS
from wemasy_mcp.settings import Settings, variable_of
from wemasy_mcp.transports.http.uvicorn_server import MAX_CONNECTIONS

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@EVERY_PAGE
def test_a_link_to_another_file_leads_there(page: Path) -> None:
    links = _links(page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_links_and_images_are_found_in_markdown_and_in_html() -> None:
    text = """
        [a page](docs/a.md) [a part](b.md#part) [this page](#part) ![an image](c.png) [the web](https://d.example/d)
        <source media="(width)" srcset="e.png, f.png 2x"><img alt="a" src='g.png'><img src="https://h.example/h.png">
        <a href="i.md#part">i</a>
    """

    assert _links(text) == ["docs/a.md", "b.md", "c.png", "e.png", "f.png", "g.png", "i.md"]


@EVERY_PAGE
def test_a_variable_that_is_named_is_a_setting(page: Path) -> None:
    named = set(re.findall(r"WEMASY_[A-Z_]*[A-Z]", page.read_text("utf-8")))

    assert named - {variable_of(field) for field in Settings.model_fields} == set()


def test_a_module_that_the_architecture_names_is_in_the_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`([a-z0-9_/]+/(?:[a-z0-9_]+\.py)?)`", text)

    assert "core/client.py" in named
    assert [name for name in named if not ((ROOT / "wemasy_mcp" / name).exists() or (ROOT / name).exists())] == []


def test_idle_clients_cannot_fail_the_liveness_probe_and_the_limit_is_named() -> None:
    probe = (ROOT / "deploy" / "kubernetes.yaml").read_text("utf-8").partition("livenessProbe:")[2]

    assert re.sub(r"#.*", "", probe).split(maxsplit=1)[0] == "tcpSocket:"
    assert f"serves {MAX_CONNECTIONS:,} connections at the same time" in (ROOT / "docs" / "deployment.md").read_text(
        "utf-8"
    )


def test_the_variable_that_the_health_check_of_the_image_reads_is_named() -> None:
    (read,) = re.findall(
        r"^HEALTHCHECK .*environ\.get\('(\w+)'", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE
    )

    assert f"set `{read}` instead of giving `--port`" in (ROOT / "docs" / "deployment.md").read_text("utf-8")


def test_every_host_has_its_row_with_its_reference_its_page_and_when_that_was_read() -> None:
    text = (ROOT / "docs" / "hosts.md").read_text("utf-8")

    for host in HOSTS:
        (row,) = re.findall(rf"^\| `{host.name}` \|.*$", text, re.MULTILINE)
        _, _, title, _, token, page, read, _ = (cell.strip() for cell in row.split("|"))
        assert title == host.title
        assert page == f"<{DOCUMENTED[host.name].page}>" if host.name in DOCUMENTED else page.startswith("<https://")
        assert re.match(r"20\d\d-\d\d-\d\d, |not checked: its page could not be read(;|$)", read)
        if host.reference and host.reference != "{}" and not host.asks_for_secrets:
            assert f"`{host.reference.format(API_TOKEN)}`" in token


def test_the_errors_that_troubleshooting_explains_exist() -> None:
    headings = re.findall(r"^## .*$", (ROOT / "docs" / "troubleshooting.md").read_text("utf-8"), re.MULTILINE)
    named = {code for heading in headings for code in re.findall(r"`([a-z_]+)`", heading)}

    assert named <= {error.code for error in ERRORS}
    assert {"not_configured", "unauthenticated", "unreachable", "rate_limited", "timed_out"} <= named


def _links(text: str) -> list[str]:
    """Return the files that Markdown's links and HTML's attributes name, without their fragments."""
    targets = re.findall(r"\]\(([^)]+)\)", text)
    for name, _, value in re.findall(r"""\b(src|srcset|href)=(["'])(.*?)\2""", text):
        # A srcset is a list: each address may have its width or density behind it.
        targets += [one.split()[0] for one in value.split(",")] if name == "srcset" else [value]
    files = [target.partition("#")[0] for target in targets if ":" not in target]
    return [file for file in files if file]
