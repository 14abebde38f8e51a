"""Builds the Claude Desktop bundle: `python bundle/build.py [--validate]` writes dist/wemasy-mcp-VERSION.mcpb.

The bundle holds the package's source, pyproject.toml, and the manifest, into which the build puts the tools. Claude
Desktop's own uv installs what it needs (server type `uv` of the manifest's version 0.4,
https://github.com/modelcontextprotocol/mcpb). The same source gives the same bytes. `--validate` also asks the bundle
format's own tool, which needs Node.js.
"""

import argparse
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from wemasy_mcp.endpoints import ENDPOINTS

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "bundle" / "manifest.json"
VALIDATOR = "@anthropic-ai/mcpb@2.1.2"
KINDS = (".css", ".html", ".js", ".py", ".svg", "py.typed")
"""How the names of the package's files end."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip file can hold


def build(folder: Path) -> Path:
    """Write the bundle into `folder` and return its path."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    manifest["tools"] = [{"name": endpoint.tool, "description": endpoint.description} for endpoint in ENDPOINTS]
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / f"{manifest['name']}-{manifest['version']}.mcpb"
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(contents().items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, json.dumps(manifest, indent=2) if path == MANIFEST else path.read_bytes())
    return bundle


def contents() -> dict[str, Path]:
    """Return what goes into the bundle: names there, files here."""
    package = ROOT / "wemasy_mcp"
    # By kind: a file that was left lying about may hold a token.
    source = [path for kind in KINDS for path in package.rglob(f"*{kind}")]
    files = {path.relative_to(ROOT).as_posix(): path for path in source}
    return (
        files | {name: ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")} | {"manifest.json": MANIFEST}
    )


def main(arguments: Sequence[str]) -> int:
    """Build, validate if asked to, and return the exit status."""
    parser = argparse.ArgumentParser(description="Build the Claude Desktop bundle.")
    parser.add_argument("--validate", action="store_true", help=f"also run {VALIDATOR} on it, with npx")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist", help="where it is written (dist)")
    options = parser.parse_args(arguments)
    bundle = build(options.folder)
    sys.stdout.write(f"{bundle}\n")
    if options.validate:
        for words in (("validate", str(MANIFEST)), ("info", str(bundle))):
            status = subprocess.run(["npx", "--yes", VALIDATOR, *words], check=False).returncode  # noqa: S603, S607 - fixed words
            if status:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
