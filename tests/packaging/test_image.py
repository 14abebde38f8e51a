"""The container image: what its Dockerfile installs, and how its entry point behaves as PID 1."""

import json
import os
import re
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from api_document import TOOLS
from support.dockerfile import ROOT, build, dockerfile, health_check, only
from support.processes import SECONDS, ServerProcess
from wemasy_mcp import __version__
from wemasy_mcp.settings import Settings, variable_of

LOCKS = ("requirements.lock", "deploy/build.lock")
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_by_hash_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    packages = re.split(r"\n(?=\S)", text.strip())

    assert all(re.match(r"[a-z0-9._-]+==\S+( ; .*)? \\\n", package) for package in packages)
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text


def test_the_lock_holds_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    names = {name_of(it) for it in [*project["dependencies"], *optional["otel"], *optional["redis"]]}
    locked = {line.partition("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line}

    assert names <= locked


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0]


def test_the_context_of_the_build_holds_what_the_dockerfile_copies() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        name for it in dockerfile() if it.name == "COPY" and "--from" not in it.rest for name in it.rest.split()[:-1]
    }

    assert copied == allowed - {"Dockerfile"}


def test_the_image_runs_the_server_as_nobody_in_particular() -> None:
    user = only("USER").split(":")

    assert json.loads(only("ENTRYPOINT")) == ["wemasy-mcp"]
    assert all(int(number) > 0 for number in user)


@pytest.mark.parametrize(
    "name",
    [
        "deploy/compose.yaml",
        "deploy/compose.oauth.yaml",
        "deploy/kubernetes.yaml",
        "deploy/wemasy-mcp.service",
        "docs/deployment.md",
        "Dockerfile",
    ],
)
def test_every_setting_that_a_deployment_names_exists(name: str) -> None:
    known = {variable_of(field) for field in Settings.model_fields}

    assert set(re.findall(r"WEMASY_[A-Z_]+[A-Z]", (ROOT / name).read_text())) <= known


def test_no_service_of_kubernetes_sets_a_variable_in_a_pod() -> None:
    text = (ROOT / "deploy" / "kubernetes.yaml").read_text()

    assert text.count("enableServiceLinks: false") == text.count("kind: Deployment")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs in a fresh environment, made by the Dockerfile's own steps."""
    return build(tmp_path_factory.mktemp("image")) / "bin"


def image_environment(settings: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **settings}


def entry_point(installed: Path) -> str:
    (name,) = json.loads(only("ENTRYPOINT"))
    return str(installed / name)


@pytest.mark.image
def test_the_installed_server_holds_the_lock_and_nothing_else(installed: Path) -> None:
    code = "import importlib.metadata as m; print(*(f'{d.name.lower()}=={d.version}' for d in m.distributions()))"
    found = subprocess.run([installed / "python", "-c", code], capture_output=True, text=True, check=True).stdout

    lines = (ROOT / "requirements.lock").read_text().splitlines()
    locked = {normal(line.split()[0]) for line in lines if "==" in line}
    (own,) = {normal(name) for name in found.split()} - locked
    assert own == f"wemasy-mcp=={__version__}"


def normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package.partition("==")[0]).lower() + "==" + package.partition("==")[2]


@pytest.mark.image
def test_over_stdio_the_entry_point_answers_and_exits_at_the_end_of_input(installed: Path) -> None:
    initialize = {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    said = "".join(json.dumps(message) + "\n" for message in (initialize, LIST))
    done = subprocess.run(
        [entry_point(installed)],
        input=said,
        env=image_environment({"WEMASY_API_TOKEN": "7|a-token-of-no-account"}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [0, 1]
    assert len(answers[1]["result"]["tools"]) == len(TOOLS)
    assert done.returncode == 0


@pytest.mark.image
def test_over_http_the_health_check_of_the_image_follows_the_server(installed: Path) -> None:
    command = [entry_point(installed), "--transport", "streamable-http", "--port", "0", "--sandbox"]
    with subprocess.Popen(command, env=image_environment({}), stderr=subprocess.PIPE, text=True) as process:
        server = ServerProcess(process)
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://127.0.0.1:1")
        environment = image_environment({"WEMASY_PORT": str(server.port), **proxies})
        alive = subprocess.run([installed / "python", *health_check()[1:]], env=environment, check=False)
        process.terminate()
        status = server.wait()
    dead = subprocess.run(
        [installed / "python", *health_check()[1:]], env=environment, stderr=subprocess.DEVNULL, check=False
    )

    assert (alive.returncode, status, dead.returncode) == (0, 0, 1)


def can_be_pid_1() -> bool:
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and subprocess.run([unshare, "-pf", "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.image
@pytest.mark.skipif(not can_be_pid_1(), reason="no process may be made PID 1 here")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_pid_1_the_entry_point_obeys_signals(number: signal.Signals, installed: Path) -> None:
    """The kernel drops a signal to PID 1 that it does not handle."""
    command = ["unshare", "-pf", entry_point(installed), "--transport", "sse", "--port", "0", "--sandbox"]
    with subprocess.Popen(command, env=image_environment({}), stderr=subprocess.PIPE, text=True) as process:
        server = ServerProcess(process)
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), number)

        assert server.wait() == 0
