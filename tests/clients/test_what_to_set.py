"""What docs/client-notes.md advises to set does what it says there, and is needed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from .catalogue import HERE, Client, read_catalogue
from .environments import Program
from .judge import find_result
from .late import PENDING_AT_DEFAULTS
from .plan import HELD_MEMORY
from .published import SAVE
from .runs import run_script
from .scenarios import SAVED, SCENARIOS, Scenario
from .serving import pid_beside, stdio_server
from .sessions import TOKEN
from .upstream import Upstream

pytestmark = pytest.mark.clients

CLIENTS = {client.id: client for client in read_catalogue()}
REFUSED = next(scenario for scenario in SCENARIOS if scenario.name == "422")


@pytest.mark.parametrize("client", [CLIENTS["pydantic-ai"]], ids=lambda client: client.id)
@pytest.mark.parametrize(
    ("settings", "ended", "told"),
    [
        pytest.param({"tool_error_behavior": "failed"}, "Done.", 2, id="as advised"),
        pytest.param({}, "UnexpectedModelBehavior", 1, id="by default"),
    ],
)
def test_pydantic_ais_run_outlives_a_second_error_where_it_is_set_so(
    client: Client,
    settings: dict[str, str],
    ended: str,
    told: int,
    programs: dict[str, Program],
    upstream: Upstream,
    tmp_path: Path,
) -> None:
    environment = TOKEN | {"WEMASY_BASE_URL": upstream.base_url(f"second-error-{told}")}
    job = {
        "server": stdio_server(environment, "-m", "wemasy_mcp"),
        "call": {"tool": REFUSED.tool, "arguments": REFUSED.arguments},
        "settings": settings,
    }

    (line,) = run_script(_beside(programs[client.id], client, "errors.py"), job, tmp_path)

    assert line["ended"] == ended
    shown = [_without_id(find_result(text)) for text in line["shown"]]
    assert shown == [REFUSED.result] * told


@pytest.mark.parametrize("client", [CLIENTS["openai-agents"]], ids=lambda client: client.id)
@pytest.mark.parametrize(
    ("settings", "ended"),
    [
        pytest.param({"cache_tools_list": True}, "Done.", id="as advised"),
        pytest.param({}, "Connection closed", id="by default"),
    ],
)
def test_the_agents_sdk_tells_its_model_of_a_call_during_which_the_server_was_stopped_where_it_is_set_so(
    client: Client,
    settings: dict[str, bool],
    ended: str,
    programs: dict[str, Program],
    upstream: Upstream,
    tmp_path: Path,
) -> None:
    is_advised = bool(settings)
    name = f"stopped-{is_advised}"
    log = tmp_path / "server.log"
    environment = TOKEN | {"WEMASY_BASE_URL": upstream.base_url(name)}
    job = {
        "server": stdio_server(environment, str(HERE / "serve_logged.py"), str(log)),
        "call": {"tool": SAVE, "arguments": HELD_MEMORY},
        "settings": settings,
        "pid": str(pid_beside(log)),
        "arrived": upstream.arrived_url(name),
        "release": upstream.release_url(name),
    }

    (line,) = run_script(_beside(programs[client.id], client, "stopped.py"), job, tmp_path)

    assert ended in line["ended"]
    shown = [find_result(text) for text in line["shown"]]
    assert [one["success"] for one in shown] == [True] * is_advised
    assert len(upstream.bodies[name]) == 1


@pytest.mark.parametrize("client", [CLIENTS["smolagents"]], ids=lambda client: client.id)
@pytest.mark.parametrize(
    ("mode", "told", "requests"),
    [
        pytest.param("ToolCallingAgent", '"success":true', 1, id="as advised"),
        pytest.param("unchanged", "Argument embedding is required", 0, id="by default"),
    ],
)
def test_smolagents_tool_calling_agent_can_leave_an_argument_out_where_the_tools_are_set_so(
    client: Client,
    mode: str,
    told: str,
    requests: int,
    programs: dict[str, Program],
    upstream: Upstream,
    tmp_path: Path,
) -> None:
    environment = TOKEN | {"WEMASY_BASE_URL": upstream.base_url(f"left-out-{mode}")}
    job = _job(mode, stdio_server(environment, "-m", "wemasy_mcp"), [SAVED])

    (line,) = run_script(programs[client.id], job, tmp_path)

    assert told in line["model"]
    assert len(upstream.bodies[f"left-out-{mode}"]) == requests


@pytest.mark.parametrize("client", [CLIENTS["llama-index"]], ids=lambda client: client.id)
@pytest.mark.parametrize(
    ("settings", "is_told"),
    [
        pytest.param({"WEMASY_ANSWER_SECONDS": "20"}, True, id="as advised"),
        pytest.param({}, False, id="by default"),
    ],
)
def test_a_client_that_starts_a_server_for_every_call_is_told_how_it_ended_where_the_server_waits(
    client: Client,
    settings: dict[str, str],
    is_told: bool,
    programs: dict[str, Program],
    upstream: Upstream,
    tmp_path: Path,
) -> None:
    name = f"waiting-{len(settings)}"
    environment = TOKEN | settings | {"WEMASY_BASE_URL": upstream.base_url(name)}
    job = _job("BasicMCPClient", stdio_server(environment, "-m", "wemasy_mcp"), PENDING_AT_DEFAULTS[:1])

    (line,) = run_script(programs[client.id], job, tmp_path)

    assert find_result(line["model"])["success"] is is_told
    assert len(upstream.bodies[name]) == 1


def _job(mode: str, server: dict[str, Any], scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """One session of the client's own script."""
    calls = [{"name": one.name, "tool": one.tool, "arguments": one.arguments} for one in scenarios]
    return {"mode": mode, "sessions": [{"name": "only", "server": server, "calls": calls}]}


def _beside(program: Program, client: Client, script: str) -> Program:
    """Another script of the client, in the same environment."""
    return Program((program.command[0], str(client.directory / script)), client.directory)


def _without_id(result: Any) -> Any:
    result["error"].pop("request_id")
    return result
