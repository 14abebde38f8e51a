"""The picture and the figures in docs/architecture.md, made from the package's imports.

`scripts/reference.py docs/architecture.md` puts them there, between their markers.
"""

from functools import cache
from pathlib import Path

import grimp

PACKAGE = "wemasy_mcp"
ROOT = Path(__file__).parent.parent


def imports_picture() -> str:
    """Return which room imports which, as a Mermaid flowchart; what follows from two other arrows is left out."""
    arrows = _room_imports()
    shown = sorted(arrow for arrow in arrows if not _follows(arrow, arrows))
    lines = [f"  {importer} --> {imported}\n" for importer, imported in shown]
    return f"```mermaid\nflowchart TD\n{''.join(lines)}```\n"


def sizes_table() -> str:
    """Return each room with its files and lines, largest first."""
    rooms: dict[str, list[int]] = {}
    for module in _modules():
        rooms.setdefault(_room(module), []).append(lines_of(module))
    rows = sorted(((name, len(files), sum(files)) for name, files in rooms.items()), key=lambda row: -row[2])
    total = ("all", sum(row[1] for row in rows), sum(row[2] for row in rows))
    shown = "".join(f"| {name} | {files} | {lines:,} |\n" for name, files, lines in [*rows, total])
    return f"| room | files | lines |\n| --- | --- | --- |\n{shown}"


def call_modules() -> list[str]:
    """Return the modules of `core` and `endpoints` that a call can pass through: what core/server.py leads to."""
    server = f"{PACKAGE}.core.server"
    reached = graph().find_upstream_modules(server) | {server}
    return sorted(module for module in reached if module.startswith((f"{PACKAGE}.core.", f"{PACKAGE}.endpoints.")))


def lines_of(module: str) -> int:
    """Return how long a module's file is."""
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return len(file.read_text("utf-8").splitlines())


@cache
def graph() -> grimp.ImportGraph:
    """Return every import inside the package, the late ones too."""
    return grimp.build_graph(PACKAGE)


def _modules() -> list[str]:
    return sorted(module for module in graph().modules if module != PACKAGE)


def _room(module: str) -> str:
    """Return the folder of the package that holds a module, or the module that stands beside them."""
    return module.split(".")[1]


def _room_imports() -> set[tuple[str, str]]:
    found = (
        (_room(module), _room(imported))
        for module in _modules()
        for imported in graph().find_modules_directly_imported_by(module)
        if imported != PACKAGE
    )
    return {(importer, imported) for importer, imported in found if importer != imported}


def _follows(arrow: tuple[str, str], arrows: set[tuple[str, str]]) -> bool:
    """Whether one gets from the importer to the imported without this arrow."""
    importer, wanted = arrow
    reached, waiting = {importer}, [importer]
    while waiting:
        room = waiting.pop()
        found = {to for start, to in arrows - {arrow} if start == room} - reached
        reached |= found
        waiting += found
    return wanted in reached
