"""The command line: turns arguments and environment into settings, and runs a command. Imports what it needs late."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from wemasy_mcp import __version__
from wemasy_mcp.config import NAMES as HOST_NAMES
from wemasy_mcp.console import guard_streams, wrap
from wemasy_mcp.setting_sources import read_settings
from wemasy_mcp.settings import SettingsError
from wemasy_mcp.startup import import_alone, lasting_imports

DONE, CHECK_FAILED, UNUSABLE = 0, 1, 2

MAX_PORT = 2**16 - 1

_LEFT = errno.EINVAL if sys.platform == "win32" else errno.EPIPE
"""The error number of a write to a reader that is gone."""

DESCRIPTION = (
    "An MCP server for Wemasy's AI Assistant API. Without a command it serves MCP over stdio. "
    "The API token is never a flag: set WEMASY_API_TOKEN in the environment."
)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status: 0 done, 1 a check failed, 2 unusable arguments or settings."""
    words = list(arguments)
    if not words or (words[0].startswith("-") and words[0] not in {"-h", "--help", "--version"}):
        words.insert(0, "serve")
    options = build_parser().parse_args(words)
    prints = options.run is not _serve
    if prints:
        guard_streams()
    try:
        status: int | None = options.run(options)
        if prints:
            # If writing what is still buffered fails, it must fail here: at exit it would fail loudly.
            print(end="", flush=True)
        return DONE if status is None else status
    except SettingsError as error:
        return refuse(str(error))
    except OSError as error:
        if error.errno != _LEFT:
            raise
        # The reader of the output is gone, as `head` is after its lines. Buffered output would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CHECK_FAILED


def refuse(problem: str) -> int:
    """Print the problem, as one line in a pipe, and return the exit status for it."""
    print(wrap(f"wemasy-mcp: {problem}"), file=sys.stderr)
    return UNUSABLE


class _Help(argparse.HelpFormatter):
    """Help texts in which the names of hosts and flags stay whole, because people copy them."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        import textwrap

        return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, formatter_class=_Help, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(UNUSABLE, wrap(f"{self.prog}: {message} (`{self.prog} --help` shows what it takes)") + "\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    parser = _Parser(
        prog="wemasy-mcp",
        description=DESCRIPTION,
        epilog="`wemasy-mcp COMMAND --help` shows a command's own options.",
    )
    parser.add_argument("--version", action="version", version=f"wemasy-mcp {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve MCP (the default command)")
    serve.add_argument("--transport", choices=("stdio", "sse", "streamable-http"), help="how clients connect (stdio)")
    serve.add_argument("--host", help="the address to listen on, for SSE and streamable HTTP (127.0.0.1)")
    serve.add_argument("--port", type=_port, help="its port (8000)")
    serve.add_argument("--sandbox", action="store_true", default=None, help="use the embedded sandbox, no token needed")
    _add_common(serve)
    serve.set_defaults(run=_serve)

    doctor = commands.add_parser("doctor", help="check settings, network and token, writing nothing")
    doctor.add_argument("--host", choices=HOST_NAMES, metavar="HOST", help="check what the file of this host holds")
    doctor.add_argument("--name", help="the entry's name, where that file has several")
    doctor.add_argument("--file", type=Path, metavar="PATH", help="that file, where it is not the usual one")
    doctor.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    doctor.add_argument("--env-file", type=Path, metavar="PATH", help="read settings from this file too")
    doctor.set_defaults(run=_doctor)

    config = commands.add_parser("config", help="print or install a host's entry for this server")
    config.add_argument("host", metavar="HOST", choices=HOST_NAMES, help=f"one of {', '.join(HOST_NAMES)}")
    config.add_argument("--write", action="store_true", help="merge it into the host's file, keeping all else")
    config.add_argument("--file", type=Path, metavar="PATH", help="that file, where it is not the usual one")
    config.add_argument("--sandbox", action="store_true", help="the entry uses the embedded sandbox, no token needed")
    config.add_argument("--name", help="the entry's name (wemasy), for a second account")
    config.add_argument(
        "--transport", choices=("stdio", "sse", "streamable-http"), help="how the host reaches the server (stdio)"
    )
    config.add_argument("--user-token", action="store_true", help="send each user's own Wemasy token, over HTTP")
    config.add_argument("--url", help="where the server is reached, for SSE and streamable HTTP")
    config.set_defaults(run=_config)

    demo = commands.add_parser("demo", help="watch a real client save a memory in the sandbox")
    demo.set_defaults(run=_demo)

    sandbox = commands.add_parser("sandbox", help="run the embedded Wemasy API alone on loopback")
    sandbox.add_argument("--port", type=_port, default=8900, help="the port to listen on (8900)")
    sandbox.add_argument("--sandbox-db", default=":memory:", metavar="PATH", help="keep the records in this file")
    sandbox.set_defaults(run=_sandbox)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sandbox-db", metavar="PATH", help="keep the sandbox's records in this file")
    parser.add_argument("--env-file", type=Path, metavar="PATH", help="read settings from this file too")
    parser.add_argument("--log-level", type=str.upper, choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    parser.add_argument("--log-format", choices=("text", "json"))


def _port(text: str) -> int:
    # `int` also reads texts that nobody would write for a port, such as "1_0".
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_PORT)) and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"should be a number from 0 to {MAX_PORT}: {text}")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
    with lasting_imports():
        import_alone("mcp.server.lowlevel")
        from wemasy_mcp.app import serve
        from wemasy_mcp.observability.logging import log_json

    reading = read_settings(options.env_file, **_flags(options))
    is_real = not reading.settings.sandbox and not reading.problem_with("sandbox")
    if options.sandbox_db is not None and is_real:
        # A user who names the sandbox's file does not intend to use the real account.
        raise SettingsError("--sandbox-db", "needs --sandbox: without it calls go to the real API.")
    try:
        serve(reading)
    except SettingsError as error:
        if reading.settings.log_format != "json":
            raise
        log_json("CRITICAL", f"not started: {error}")
        return UNUSABLE
    return DONE


def _demo(options: argparse.Namespace) -> int:
    from wemasy_mcp.demo import run_demo

    return run_demo()


def _doctor(options: argparse.Namespace) -> int:
    from wemasy_mcp.doctor.doctor_command import run_doctor

    return run_doctor(options.env_file, is_json=options.json, host=options.host, name=options.name, file=options.file)


def _config(options: argparse.Namespace) -> int:
    from wemasy_mcp.config.config_command import run_config
    from wemasy_mcp.config.request import Request

    return run_config(
        Request(
            host=options.host,
            name=options.name,
            transport=options.transport,
            url=options.url,
            sandbox=options.sandbox,
            user_token=options.user_token,
            write=options.write,
            file=options.file,
        )
    )


def _sandbox(options: argparse.Namespace) -> None:
    from wemasy_mcp.sandbox.sandbox_command import run_sandbox

    run_sandbox(options.port, options.sandbox_db)


def _flags(options: argparse.Namespace) -> dict[str, Any]:
    """Return the given flags as settings; the environment supplies the others."""
    names = ("transport", "host", "port", "sandbox", "sandbox_db", "log_level", "log_format")
    return {name: value for name in names if (value := getattr(options, name)) is not None}
