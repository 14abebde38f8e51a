"""The `serve` command: turns settings into a caller, a server and a transport."""

import logging
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
from pydantic import SecretStr

from wemasy_mcp.bounded_caller import MAX_CALLS, MAX_REQUESTS, BoundedCaller, weigh_call, weigh_request
from wemasy_mcp.console import is_terminal, wrap
from wemasy_mcp.core.client import Caller, WemasyClient
from wemasy_mcp.core.cooldown import Cooldown
from wemasy_mcp.core.errors import NotConfigured
from wemasy_mcp.core.server import Options, TokenSource, build_server
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.observability.export import start_export
from wemasy_mcp.observability.logging import start_logging
from wemasy_mcp.once.once_caller import OnceCaller
from wemasy_mcp.once.replicas import Replicas
from wemasy_mcp.secret_file import follow_api_token
from wemasy_mcp.setting_sources import Reading
from wemasy_mcp.settings import OVER_HTTP_ONLY, Settings, SettingsError, variable_of
from wemasy_mcp.transports.stdio.descriptors import fill_closed_descriptors
from wemasy_mcp.transports.stdio.session import serve_stdio

if TYPE_CHECKING:
    from wemasy_mcp.shared_state.redis_connection import RedisConnection

logger = logging.getLogger(__name__)

_AT_A_TERMINAL = """\
wemasy-mcp speaks MCP on stdin and stdout: an MCP client starts it and talks to it.
To see it work, run `wemasy-mcp demo`. To stop it, press {keys}."""

_IDLE_OVER_STDIO = frozenset(map(variable_of, OVER_HTTP_ONLY))

FINISH_SECONDS = 2.0
"""Seconds that requests whose calls have ended may continue once the server has stopped."""

_END_KEYS = "Ctrl-C, or Ctrl-Z and Enter" if sys.platform == "win32" else "Ctrl-C or Ctrl-D"

EXIT_SECONDS = 0.8
"""Maximum time for the process to exit once everything has been answered."""


def serve(reading: Reading) -> None:
    """Serve MCP until the client leaves or a signal arrives.

    Over stdio the server starts whatever the settings are, because otherwise a host would only show "disconnected".
    Each call then reports what cannot be used.

    Raises:
        SettingsError: Over HTTP, the settings cannot be used; or the transport itself cannot.
    """
    fill_closed_descriptors()
    settings = reading.settings
    if problem := reading.problem_with("transport"):
        raise problem
    if settings.transport != "stdio":
        reading.verify()
    elif is_terminal(sys.stdin):
        print(wrap(_AT_A_TERMINAL.format(keys=_END_KEYS)), file=sys.stderr)
    log = start_logging(settings.log_level, settings.log_format)
    end_export = start_export()
    try:
        for sentence in reading.misspelt:
            logger.warning("%s", sentence)
        if settings.transport == "stdio":
            anyio.run(_serve_stdio, reading)
        else:
            anyio.run(_serve_http, settings)
    finally:
        log.stop()
        end_export()


async def _serve_stdio(reading: Reading) -> None:
    settings = reading.settings
    problems = [problem for problem in reading.problems if problem.variable not in _IDLE_OVER_STDIO]
    for problem in reading.problems:
        if problem not in problems:
            logger.warning("ignored, because it applies only over HTTP: %s", problem)
    endpoints = offered(settings)
    try:
        check_tools(settings)
        if not problems:
            caller, token_source = build_caller(settings)
    except SettingsError as error:
        problems.append(error)
    if problems:
        for problem in problems:
            logger.warning("not configured: %s", problem)
        caller = WemasyClient(settings.base_url, timeout_seconds=settings.timeout_seconds)
        token_source = _none(problems, reading.misspelt)
    server = build_server(caller, endpoints, token_source, _options(settings))
    try:
        with _exit_in_time():
            await serve_stdio(server, caller.stop)
            await caller.finish(FINISH_SECONDS)
    finally:
        await caller.aclose()


@contextmanager
def _exit_in_time() -> Iterator[None]:
    """Keep a thread that waits for a resolver from delaying the exit: Python would join it, however long that takes."""
    yield
    last_resort = threading.Timer(EXIT_SECONDS, os._exit, (0,))
    last_resort.daemon = True
    last_resort.start()


async def _serve_http(settings: Settings) -> None:
    from wemasy_mcp.transports.http.run import serve_http

    check_tools(settings)
    caller, token_source = build_caller(settings)
    server = build_server(caller, offered(settings), token_source, _options(settings))
    try:
        with _exit_in_time():
            await serve_http(server, settings, caller.stop)
            await caller.finish(FINISH_SECONDS)
    finally:
        await caller.aclose()


def _options(settings: Settings) -> Options:
    return Options(drop_nulls=settings.null_arguments == "drop", sandbox=settings.sandbox)


def offered(settings: Settings) -> Sequence[Endpoint]:
    """Return the endpoints offered as tools: those that `WEMASY_TOOLS` names, or all if it is not set."""
    return [endpoint for endpoint in ENDPOINTS if endpoint.tool in settings.tools] or ENDPOINTS


def check_tools(settings: Settings) -> None:
    """Check that the tools to offer exist.

    Raises:
        SettingsError: `WEMASY_TOOLS` names a tool that does not exist.
    """
    known = [endpoint.tool for endpoint in ENDPOINTS]
    if not set(known).issuperset(settings.tools):
        raise SettingsError(variable_of("tools"), f"names unknown tools. Known: {', '.join(known)}.")


def build_caller(settings: Settings) -> tuple[Caller, TokenSource]:
    """Return the caller of the API, or of the embedded sandbox, and the source of its token.

    Raises:
        SettingsError: There is no usable token.
    """
    if settings.sandbox:
        from httpx2 import ASGITransport

        from wemasy_mcp.sandbox import SANDBOX_TOKEN, SandboxDatabaseError, build_sandbox

        try:
            transport = ASGITransport(build_sandbox(settings.sandbox_db))
        except SandboxDatabaseError as error:
            raise SettingsError(variable_of("sandbox_db"), f"cannot be used: {error}") from None
        client = WemasyClient("http://localhost/api", timeout_seconds=settings.timeout_seconds, transport=transport)
        return _once(client, settings), lambda ctx: SecretStr(SANDBOX_TOKEN)
    if (header := token_header(settings)) is not None:
        from wemasy_mcp.transports.http.auth.per_user_token import UserAccounts, header_tokens

        token_of = header_tokens(header)
        return UserAccounts(_build_client(settings)), token_of
    read_token = follow_api_token(settings)
    return _build_client(settings), lambda ctx: read_token()


def _build_client(settings: Settings) -> Caller:
    """Return the client of the real API. Call it after every other check: it starts connecting to Redis."""
    redis = open_shared_state(settings)
    cooldown, replicas = Cooldown(), None
    if redis is not None:
        from wemasy_mcp.shared_state.redis_cooldown import RedisCooldown
        from wemasy_mcp.shared_state.redis_repeats import PATIENCE_SECONDS, RedisRepeats

        redis.connect_soon()
        cooldown = RedisCooldown(redis)
        # A separate connection: a long wait for one question must not delay the other.
        if settings.repeats == "join" and (patient := open_shared_state(settings, PATIENCE_SECONDS)) is not None:
            patient.connect_soon()
            replicas = RedisRepeats(patient)
    client = WemasyClient(
        settings.base_url,
        timeout_seconds=settings.timeout_seconds,
        keepalive_seconds=settings.keepalive_seconds,
        cooldown=cooldown,
    )
    return _once(client, settings, replicas)


def _once(client: WemasyClient, settings: Settings, replicas: Replicas | None = None) -> Caller:
    # Two limits: what a call holds until it is answered, and what its request holds until that has ended.
    caller: Caller = BoundedCaller(client, MAX_REQUESTS, weigh_request)
    if settings.repeats == "join":
        caller = OnceCaller(
            caller,
            answer_seconds=settings.answer_seconds,
            timeout_seconds=settings.timeout_seconds,
            replicas=replicas,
        )
    return BoundedCaller(caller, MAX_CALLS, weigh_call)


def token_header(settings: Settings) -> str | None:
    """Return the header in which each request carries its user's Wemasy token; None if one token serves all."""
    return None if settings.sandbox or settings.transport == "stdio" else settings.user_token_header


def open_shared_state(settings: Settings, patience_seconds: float = 0.1) -> "RedisConnection | None":
    """Return a connection, not yet opened, to the Redis that replicas share; None if there is none.

    Args:
        settings: The settings, with the address of Redis.
        patience_seconds: Maximum wait of a call for its answer.

    Raises:
        SettingsError: The address cannot be used, or the Redis client library is not installed.
    """
    if settings.redis_url is None:
        if settings.redis_password_file is not None:
            raise SettingsError(variable_of("redis_password_file"), f"needs {variable_of('redis_url')}.")
        return None
    try:
        from wemasy_mcp.shared_state.redis_address import open_redis
        from wemasy_mcp.shared_state.redis_connection import RedisConnection
    except ImportError:
        raise SettingsError(
            variable_of("redis_url"), "needs the redis client: pip install 'wemasy-mcp[redis]'."
        ) from None
    redis = open_redis(settings.redis_url.get_secret_value(), settings.redis_password_file)
    return RedisConnection(redis, patience_seconds=patience_seconds)


def _none(problems: Sequence[SettingsError], misspelt: Sequence[str]) -> TokenSource:
    """Return a token source that answers every call with the problems."""
    first, *further = problems
    place = (
        "It is an argument of this server's command, in most hosts in the `args` of its entry."
        if first.variable.startswith("--")
        else "It is set in the environment of this server (in most hosts the `env` of its entry), "
        "or in the file named with --env-file."
    )
    sentences = [f"{str(first).rstrip('.')}. {place}", *misspelt]
    if further:
        sentences.insert(1, f"Also unusable: {', '.join(problem.variable for problem in further)}.")

    def token_of(ctx: object) -> SecretStr:
        raise NotConfigured(" ".join(sentences))

    return token_of
