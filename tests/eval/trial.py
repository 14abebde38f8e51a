"""One trial: the API of a scenario, the server that is scored as a child process, a model, and the verdict."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TextIO
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from support.program import PROGRAM, TOKEN
from wemasy_mcp.urls import is_loopback

from .conversation import Conversation, OutOfTurnsError
from .endpoint import Endpoint, ModelError
from .judge import Record, ToolCall, judge
from .scenario import Scenario
from .scenario_api import ScenarioApi

MODEL_SECONDS = 120.0
"""How long a reply may take."""

Verdict = Literal["passed", "failed", "broken"]
"""Broken: nothing was judged, because the server or the model's endpoint did not work."""


@dataclass(frozen=True, slots=True)
class ScoredServer:
    """The command that is scored, and its environment: `{url}` is the API's base URL and `{token}` the token for it."""

    command: Sequence[str] = PROGRAM
    environment: Mapping[str, str] = field(
        default_factory=lambda: {"WEMASY_BASE_URL": "{url}", "WEMASY_API_TOKEN": "{token}"}
    )

    def parameters(self, url: str, token: str | None) -> StdioServerParameters:
        """Return how it is started; without a token, the variables that would hold it are not set."""
        variables = {
            name: value.replace("{url}", url).replace("{token}", token or "")
            for name, value in self.environment.items()
            if token is not None or "{token}" not in value
        }
        return StdioServerParameters(command=self.command[0], args=list(self.command[1:]), env=variables)


@dataclass(frozen=True, slots=True)
class Limits:
    """When a trial is ended."""

    turns: int = 30
    seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of it."""

    scenario: str
    number: int
    verdict: Verdict
    reasons: Sequence[str]
    seconds: float
    requests: Sequence[str]
    calls: Sequence[ToolCall]
    final_text: str


async def run_trial(scenario: Scenario, number: int, endpoint: Endpoint, server: ScoredServer, limits: Limits) -> Trial:
    """Play the scenario once and judge it."""
    began = time.perf_counter()
    async with ScenarioApi(scenario, TOKEN) as api:
        parameters = server.parameters(api.url, TOKEN if scenario.has_token else None)
        course = await _play(scenario.user, endpoint, parameters, limits)
    record = Record(tuple(api.requests), tuple(course.calls), course.final_text, TOKEN)
    reasons = [course.problem] if course.problem else []
    if not course.is_broken:
        reasons += judge(scenario, record)
    return Trial(
        scenario=scenario.name,
        number=number,
        verdict="broken" if course.is_broken else "failed" if reasons else "passed",
        reasons=reasons,
        seconds=round(time.perf_counter() - began, 1),
        requests=[f"{request.path} {request.body.decode('utf-8', 'replace')}" for request in record.requests],
        calls=record.calls,
        final_text=course.final_text,
    )


@dataclass(slots=True)
class _Course:
    """What happened so far, whatever ends it."""

    calls: list[ToolCall] = field(default_factory=list)
    final_text: str = ""
    problem: str = ""
    is_broken: bool = False


async def _play(user: str, endpoint: Endpoint, parameters: StdioServerParameters, limits: Limits) -> _Course:
    course = _Course()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        try:
            with anyio.fail_after(limits.seconds):
                await _converse(user, endpoint, parameters, log, limits.turns, course)
        except TimeoutError:
            course.problem = f"no end after {limits.seconds:g} seconds"
        except Exception as error:
            log.seek(0)
            last_words = (log.read().splitlines() or ["it logged nothing"])[-1]
            course.problem = f"the server does not work: {_innermost(error)!r}; its log ends: {last_words}"
            course.is_broken = True
    return course


async def _converse(
    user: str, endpoint: Endpoint, parameters: StdioServerParameters, log: TextIO, turns: int, course: _Course
) -> None:
    is_local = is_loopback(urlsplit(endpoint.url).hostname or "")
    async with (
        httpx2.AsyncClient(timeout=MODEL_SECONDS, trust_env=not is_local) as http,
        Client(stdio_client(parameters, log)) as client,
    ):
        conversation = Conversation(endpoint, http, client, course.calls)
        # Not outside: the client's task groups would wrap what leaves them.
        try:
            course.final_text = await conversation.hold(user, turns)
        except OutOfTurnsError as error:
            course.problem = str(error)
        except ModelError as error:
            course.problem, course.is_broken = f"the model does not work: {error}", True


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
