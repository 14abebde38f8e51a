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
    gives_up_over: tuple[str, ...] = TRANSPORTS
    """The transports over which the server learns that the client's own limit has ended a call."""
    repeats: int | None = None
    """How often it sends a call by itself that it gives up, if it is set to repeat it."""
    over: tuple[str, ...] = TRANSPORTS
    """The transports over which it is run."""


@dataclass(frozen=True)
class Deviation:
    """Where a client does not show a result whole, or the API does not see one request for one call."""

    scenarios: tuple[str, ...]
    """Names of scenarios, or `every error`."""
    words: str
    """What the page says of it."""
    over: tuple[str, ...] = TRANSPORTS
    modes: tuple[str, ...] = ()
    """The modes it holds for; empty: all."""
    masks: bool = False
    """Whether the result does not reach the program or the model whole."""
    requests: int | None = None
    """How many requests the API sees, if not as many as usual."""
    before_python: tuple[int, ...] = ()
    """The version of Python from which on it no longer holds, if there is one."""


@dataclass(frozen=True)
class Client:
    """One client as its directory describes it."""

    directory: Path
    name: str
    package: str
    """The package whose version is the client's."""
    group: str
    """`always` for every run; the other groups take turns."""
    shows: str
    """`program`: results reach the calling code. `model`: a framework's loop shows them to a (scripted) model."""
    limit: str = ""
    """The setting that limits a call's time, which the script sets to `limit_seconds`; empty if it is not tried."""
    modes: tuple[Mode, ...] = (Mode(),)
    transports: tuple[str, ...] = TRANSPORTS
    fills_nulls: bool = False
    """Whether it sends null for every argument that is left out."""
    drops_nulls: bool = False
    """Whether it leaves out every null that it is given."""
    is_hurried: bool = False
    """Whether it gives up after five seconds unless it is told otherwise."""
    does: str = ""
    """What a program is seen to do in which no call can be made; such a one has no modes."""
    deviations: tuple[Deviation, ...] = ()

    @property
    def id(self) -> str:
        """The directory's name."""
        return self.directory.name

    @property
    def is_python(self) -> bool:
        """Whether it runs on Python; otherwise on Node."""
        return (self.directory / "requirements.txt").exists()

    @property
    def is_host(self) -> bool:
        """Whether it is a program that people sit in front of: its script runs it as `host_program.py` says."""
        return not self.is_python and (self.directory / "client.py").exists()

    @property
    def script(self) -> Path:
        """The program that makes the calls."""
        return self.directory / ("client.py" if self.is_python or self.is_host else "client.mjs")

    @property
    def requirements(self) -> Path:
        """The file that pins what is installed."""
        return self.directory / ("requirements.txt" if self.is_python else "package.json")

    @property
    def record(self) -> Path:
        """What was seen when it was last run."""
        return self.directory / "record.json"

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
    described = _frozen(tomllib.loads(manifest.read_text()))
    if "modes" in described:
        described["modes"] = tuple(Mode(**_frozen(mode)) for mode in described["modes"])
    if "deviations" in described:
        described["deviations"] = tuple(Deviation(**_frozen(deviation)) for deviation in described["deviations"])
    return Client(manifest.parent, **described)


def _frozen(described: dict[str, Any]) -> dict[str, Any]:
    """Return the same with tuples in place of lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in described.items()}
