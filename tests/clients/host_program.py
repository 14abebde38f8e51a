"""What the scripts of programs that people sit in front of share: the job on standard input, a line for each call.

The program runs once, headless, in a home of its own. Its file has an entry for each session of the job, put there by
the real command, `wemasy-mcp config HOST --write`. A scripted model asks for all calls, one after the other, and a line
holds what the model was shown of its call.

Runs in the environment of the tests, unlike the other clients' scripts: what is installed for it is the program.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit

sys.path.append(str(Path(__file__).parents[1]))

from support.scripted_model import Call, Conversation, ServedModel, Turn, play, serve_model

RUN_SECONDS = 150.0
"""How long the program may take for all calls."""

POLL_SECONDS = 0.2

FOLLOW_SECONDS = 20.0

SLACK_SECONDS = 10.0
"""How much longer than a call may take the program is waited for: its model's next turn takes its time, too."""

MAIN_ENTRY = "wemasy"
"""The name of the first session's entry, as `config` gives it; the others are named after their sessions."""

_WRAPPER = """\
#!{python}
import os, sys
if not sys.argv[1:]:
    os.execv({command!r}, {arguments!r})
from wemasy_mcp.__main__ import main
sys.exit(main())
"""
"""A `wemasy-mcp` that is the real one but that, when it is to serve, it serves as the job says: with a log."""


@dataclass(frozen=True)
class Run:
    """The places of one run."""

    home: Path
    packages: Path
    """Where the program is installed."""
    node: Path
    model_url: str
    limit_seconds: float
    """The program's own limit on a call, the longest that a session of the run has."""

    @property
    def project(self) -> Path:
        """The folder that the program is started in."""
        return self.home / "project"

    def binary(self, pattern: str) -> str:
        """Return the program's file; of several, as for older processors, the last."""
        return str(max((self.packages / "node_modules").glob(pattern)))


@dataclass(frozen=True)
class Host:
    """One program."""

    name: str
    """Its name for `wemasy-mcp config`."""
    file: str
    """Its file, in the home."""
    container: tuple[str, ...]
    """The path of the entries in it."""
    command: Callable[[Run], list[str]]
    """Starts it with a prompt, and without a person to ask."""
    variables: Callable[[Run], Mapping[str, str]] = lambda run: {}
    environment: str = "env"
    """The member of an entry that holds variables."""
    limit: Callable[[float], Mapping[str, Any]] = lambda seconds: {}
    """The members of an entry that limit a call."""
    limits_more: bool = False
    """Whether its limit holds for more, as for the start: the calls that it gives up are then made in a run apart."""
    unattended: Mapping[str, Any] = field(default_factory=dict)
    """The members of an entry without which it would not call every tool when nobody sits in front of it."""
    prepare: Callable[[Run], None] = lambda run: None
    """Writes what the program needs beside the entries, before they are there."""


@dataclass
class Step:
    """One call of the job."""

    session: Mapping[str, Any]
    call: dict[str, Any]
    asked: float | None = None
    """When the model asked for it."""

    @property
    def entry(self) -> str:
        """The name of its session's entry."""
        return str(self.session["entry"])

    @property
    def is_overdue(self) -> bool:
        """Whether the program has waited longer than the call may take."""
        patience = self.call.get("patience_seconds")
        return (
            patience is not None and self.asked is not None and time.monotonic() > self.asked + patience + SLACK_SECONDS
        )


def main(host: Host) -> None:
    """Make every call of the job; the arguments are the program's packages and Node."""
    job = json.load(sys.stdin)
    packages, node = map(Path, sys.argv[1:])
    sessions: list[dict[str, Any]] = sorted(job["sessions"], key=lambda session: bool(session.get("may_break")))
    apart = [session for session in sessions if host.limits_more and session["gives_up"]]
    beside = [session for session in sessions if session not in apart]
    for number, together in enumerate(filter(None, (beside, apart))):
        _hold(host, together, Path.home() / f"home-{number}", packages, node)


def _hold(host: Host, sessions: list[dict[str, Any]], home: Path, packages: Path, node: Path) -> None:
    """Run the program once, with an entry for each of these sessions."""
    for index, session in enumerate(sessions):
        session["entry"] = session["name"] if index else MAIN_ENTRY
    steps = [Step(session, call) for session in sessions for call in session["calls"]]
    limit_seconds = max(_limit_of(session) for session in sessions)
    with serve_model(_player(steps)) as model:
        run = Run(home, packages, node, model.url, limit_seconds)
        run.project.mkdir(parents=True)
        host.prepare(run)
        for session in sessions:
            _write_entry(host, run, session)
        said = _run_program(host, run, sessions, steps)
        _tell(steps, model, said)


def _player(steps: list[Step]) -> Callable[[Conversation], Turn]:
    choose = play(*(Call(f"{step.entry} {step.call['tool']}", step.call["arguments"]) for step in steps))

    def follow_and_choose(conversation: Conversation) -> Turn:
        made = len(conversation.results)
        for step in steps[:made]:
            if url := step.call.pop("after", None):
                _follow(url)
        turn = choose(conversation)
        if turn.calls:
            steps[made].asked = time.monotonic()
        return turn

    return follow_and_choose


def _follow(url: str) -> None:
    """Ask the API to go on; what the program says to the server may take its own way there."""
    time.sleep(0.2)
    with urllib.request.urlopen(url, timeout=FOLLOW_SECONDS) as answer:
        answer.read()


def _limit_of(session: Mapping[str, Any]) -> float:
    return float(session["server"]["limit_seconds"] or RUN_SECONDS)


def _write_entry(host: Host, run: Run, session: Mapping[str, Any]) -> None:
    """Have `config` write the session's entry, and add to it what a user would by hand."""
    server = session["server"]
    named = () if session["entry"] == MAIN_ENTRY else ("--name", session["entry"])
    reached: tuple[str, ...] = ()
    program = run.home / "bin" / session["entry"] / "wemasy-mcp"
    program.parent.mkdir(parents=True)
    if server["kind"] == "stdio":
        arguments = [server["command"], *server["args"]]
        text = _WRAPPER.format(python=sys.executable, command=server["command"], arguments=arguments)
    else:
        text = _WRAPPER.format(python=sys.executable, command=sys.executable, arguments=[])
        reached = ("--transport", server["kind"], "--url", server["url"])
    program.write_text(text)
    program.chmod(0o755)
    settings = dict(server.get("env") or {})
    token = {name: settings.pop(name) for name in ("WEMASY_API_TOKEN",) if name in settings}
    done = subprocess.run(
        [program, "config", host.name, "--write", *named, *reached],
        cwd=run.project,
        env=_plain_environment(run) | token,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        sys.exit(f"config {host.name} --write: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    members: dict[str, Any] = {**host.unattended, **host.limit(_limit_of(session))}
    if settings:
        members[host.environment] = settings
    _add_members(run.home / host.file, (*host.container, session["entry"]), members)


def _add_members(file: Path, path: tuple[str, ...], members: Mapping[str, Any]) -> None:
    is_toml = file.suffix == ".toml"
    text = file.read_text()
    content: Any = tomlkit.parse(text) if is_toml else json.loads(text)
    entry = content
    for name in path:
        entry = entry[name]
    for name, value in members.items():
        if isinstance(value, Mapping) and isinstance(entry.get(name), MutableMapping):
            entry[name].update(value)
        else:
            entry[name] = value
    file.write_text(tomlkit.dumps(content) if is_toml else json.dumps(content, indent=2))


def _run_program(host: Host, run: Run, sessions: list[dict[str, Any]], steps: list[Step]) -> str:
    """Run the program to its end, or until it waits too long; return what it printed last."""
    tokens = {
        "WEMASY_API_TOKEN" if session["entry"] == MAIN_ENTRY else _token_of(session["entry"]): token
        for session in sessions
        if (token := (session["server"].get("env") or {}).get("WEMASY_API_TOKEN"))
    }
    output = run.home / "output"
    with output.open("w") as kept:
        process = subprocess.Popen(
            host.command(run),
            cwd=run.project,
            env=_plain_environment(run) | _proxied_to(run.model_url) | tokens | dict(host.variables(run)),
            stdin=subprocess.DEVNULL,
            stdout=kept,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        ends = time.monotonic() + RUN_SECONDS
        while process.poll() is None and time.monotonic() < ends and not _waiting(steps):
            time.sleep(POLL_SECONDS)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return output.read_text(errors="replace")[-4000:]


def _waiting(steps: list[Step]) -> bool:
    """Whether the call that is under way is overdue."""
    asked = [step for step in steps if step.asked is not None]
    return bool(asked) and asked[-1].is_overdue


def _tell(steps: list[Step], model: ServedModel, said: str) -> None:
    if outside := [what for what in model.unknown if what.startswith("CONNECT") or "://" in what]:
        sys.exit(f"It tried to reach the internet: {', '.join(sorted(set(outside)))}")
    shown = list(model.results.values())
    for step, result in zip(steps, (*shown, *[None] * len(steps)), strict=False):
        line: dict[str, Any] = {"session": step.session["name"], "call": step.call["name"], "protocol": None}
        if result is not None:
            line |= {"model": result.text, "is_error": result.is_error}
        elif step.asked is None or "patience_seconds" not in step.call:
            sys.exit(f"It did not get to {step.session['name']}, {step.call['name']}; {len(shown)} results:\n{said}")
        else:
            line |= {"waits": True} if step.is_overdue else {"exception": said}
        sys.stdout.write(json.dumps(line) + "\n")


def _token_of(entry: str) -> str:
    """Return the variable from which a program takes the token of an account with a name of its own."""
    return f"TOKEN_OF_{entry.replace('-', '_').upper()}"


def _plain_environment(run: Run) -> dict[str, str]:
    return {"HOME": str(run.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


def _proxied_to(url: str) -> dict[str, str]:
    """Return what leads every request that is not for this machine to the model, which refuses and remembers it."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    return dict.fromkeys(names, url) | dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
