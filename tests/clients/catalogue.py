"""Which clients there are: one for each directory beside this file that holds a `client.toml`."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

TRANSPORTS = ("stdio", "sse", "streamable-http")

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Mode:
    """One way in which a client is set."""

    name: str = ""
    cancels_over: tuple[str, ...] = TRANSPORTS
    """The transports over which the server learns that a call was cancelled."""
    can_cancel: bool = True
    """Whether a call can be cancelled at all."""


@dataclass(frozen=True)
class Client:
    """One client as its directory describes it."""

    directory: Path
    name: str
    package: str
    """The package whose version is the client's."""
    shows: str
    """`program`: results reach the calling code. `model`: a framework's loop shows them to a (scripted) model."""
    modes: tuple[Mode, ...] = (Mode(),)
    transports: tuple[str, ...] = TRANSPORTS
    fills_nulls: bool = False
    """Whether it sends null for every argument that is left out."""
    starts_anew: bool = False
    """Whether it starts a new server over stdio for every call, which then knows nothing of the calls before."""
    is_hurried: bool = False
    """Whether it gives up after five seconds unless it is told otherwise."""
    converts: bool = False
    """Whether it converts arguments by the input schema before it sends them."""

    @property
    def id(self) -> str:
        """The directory's name."""
        return self.directory.name

    @property
    def is_python(self) -> bool:
        """Whether it runs on Python; otherwise on Node."""
        return (self.directory / "requirements.txt").exists()

    @property
    def script(self) -> Path:
        """The program that makes the calls."""
        return self.directory / ("client.py" if self.is_python else "client.mjs")

    @property
    def requirements(self) -> Path:
        """The file that pins what is installed."""
        return self.directory / ("requirements.txt" if self.is_python else "package.json")

    @property
    def version(self) -> str:
        """The pinned version of `package`."""
        return self.pins[self.package]

    @property
    def pins(self) -> dict[str, str]:
        """Every package that is pinned by hand, with its version."""
        text = self.requirements.read_text()
        if self.is_python:
            return dict(_PIN.findall(text))
        pinned: dict[str, str] = json.loads(text)["dependencies"]
        return pinned


def read_catalogue() -> tuple[Client, ...]:
    """Return every client, by name of its directory."""
    return tuple(_read(manifest) for manifest in sorted(HERE.glob("*/client.toml")))


def _read(manifest: Path) -> Client:
    described: dict[str, Any] = tomllib.loads(manifest.read_text())
    if "modes" in described:
        described["modes"] = tuple(_read_mode(mode) for mode in described["modes"])
    if "transports" in described:
        described["transports"] = tuple(described["transports"])
    return Client(manifest.parent, **described)


def _read_mode(described: dict[str, Any]) -> Mode:
    cancels_over = described.get("cancels_over", TRANSPORTS)
    return Mode(described.get("name", ""), tuple(cancels_over), described.get("can_cancel", True))
