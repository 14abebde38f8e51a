"""`python -m tests.eval`: play the scenarios with a model, and say how it did. See tests/eval/README.md."""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence

import anyio

from .endpoint import VARIABLES, Endpoint, UnusableSettingError, read_endpoint
from .report import render_json, render_table
from .scenario import Scenario, load_scenarios
from .trial import Limits, ScoredServer, Trial, run_trial

DESCRIPTION = "Play scenarios with a model and an MCP server, and judge what was written and what the user was told."


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit status: 0 all passed, 1 not all, 2 unusable arguments or settings."""
    options = _parser().parse_args(arguments)
    try:
        scenarios = load_scenarios(options.scenario)
    except KeyError as error:
        print(f"no scenario is named {error}; --list shows them", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{scenario.name:24}{scenario.about}" for scenario in scenarios))
        return 0
    try:
        endpoint = read_endpoint(environment)
        server = _server(options)
    except UnusableSettingError as error:
        print(error, file=sys.stderr)
        return 2
    limits = Limits(options.turns, options.seconds)
    trials = anyio.run(run, scenarios, endpoint, server, limits, options.trials, options.parallel)
    print(render_json(trials, endpoint, server) if options.json else render_table(trials, endpoint))
    return 0 if all(trial.verdict == "passed" for trial in trials) else 1


async def run(
    scenarios: Sequence[Scenario],
    endpoint: Endpoint,
    server: ScoredServer,
    limits: Limits,
    trials: int,
    parallel: int,
) -> list[Trial]:
    """Play each scenario `trials` times, at most `parallel` at the same time, and return them in order."""
    limiter = anyio.CapacityLimiter(parallel)
    done: dict[tuple[int, int], Trial] = {}

    async def play(position: int, scenario: Scenario, number: int) -> None:
        async with limiter:
            done[position, number] = await run_trial(scenario, number, endpoint, server, limits)

    async with anyio.create_task_group() as group:
        for position, scenario in enumerate(scenarios):
            for number in range(1, trials + 1):
                group.start_soon(play, position, scenario, number)
    return [done[key] for key in sorted(done)]


def _parser() -> argparse.ArgumentParser:
    variables = "\n".join(f"  {name:20}{text}" for name, text in VARIABLES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.eval",
        description=DESCRIPTION,
        epilog=f"The model is named by the environment:\n{variables}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="*", help="play only these")
    parser.add_argument("--list", action="store_true", help="list the scenarios and play none")
    parser.add_argument("--trials", type=_count, default=1, metavar="N", help="play each scenario N times")
    parser.add_argument("--parallel", type=_count, default=1, metavar="N", help="play N at the same time")
    parser.add_argument("--json", action="store_true", help="print everything as JSON instead of a table")
    parser.add_argument("--turns", type=_count, default=Limits().turns, metavar="N", help="its replies at most")
    parser.add_argument("--seconds", type=_count, default=Limits().seconds, metavar="N", help="a trial's time at most")
    parser.add_argument("--server", metavar="COMMAND", help="score this MCP server over stdio instead of wemasy-mcp")
    parser.add_argument(
        "--server-env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable for it; {url} in VALUE is the API's base URL, {token} the API token",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _server(options: argparse.Namespace) -> ScoredServer:
    usual = ScoredServer()
    variables: dict[str, str] = {}
    for pair in options.server_env:
        name, separator, value = pair.partition("=")
        if not (name and separator):
            raise UnusableSettingError(f"--server-env takes NAME=VALUE, not {pair!r}")
        variables[name] = value
    command = shlex.split(options.server) if options.server else usual.command
    if not command:
        raise UnusableSettingError("--server names no command")
    return ScoredServer(command, {**usual.environment, **variables})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
