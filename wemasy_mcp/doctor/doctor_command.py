"""The command: the checks in order, printed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from pydantic import SecretStr

from wemasy_mcp.app import token_header
from wemasy_mcp.config.host_program import HostProgram
from wemasy_mcp.config.registry import find_host
from wemasy_mcp.config.server_spec import API_TOKEN
from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.doctor.api_check import check_answer, check_budget
from wemasy_mcp.doctor.check import Check, passed, skipped
from wemasy_mcp.doctor.host_check import check_file
from wemasy_mcp.doctor.host_entry import find_hosts
from wemasy_mcp.doctor.host_start import build_environment, check_start
from wemasy_mcp.doctor.local import check_settings, check_versions, good_token, unusable_token
from wemasy_mcp.doctor.network import check_network
from wemasy_mcp.doctor.probe import PROBED, send_empty_request
from wemasy_mcp.doctor.report import as_json, as_text, has_failed, redact
from wemasy_mcp.doctor.service_check import check_services
from wemasy_mcp.doctor.serving import serving_problem
from wemasy_mcp.doctor.sources import Setting, Sources
from wemasy_mcp.pasted_token import MIN_LENGTH
from wemasy_mcp.secret_file import api_token
from wemasy_mcp.setting_sources import load_settings
from wemasy_mcp.settings import Settings, SettingsError

NOTHING_SENT = "No request was sent."
REFUSED = (
    "This used one request of the account's budget and wrote nothing.\n"
    "It relies on Wemasy checking the token before the values, which its documentation does not say."
)
NOT_KNOWN = "This sent one request; it is not known whether it changed anything."


@dataclass(slots=True)
class Examined:
    """The findings, and the problem that prevents the settings from being used."""

    checks: list[Check]
    settings: list[Setting]
    problem: SettingsError | None
    secrets: list[str]
    closing: str = NOTHING_SENT


def run_doctor(
    env_file: Path | None, *, is_json: bool, host: str | None = None, name: str | None = None, file: Path | None = None
) -> int:
    """Check everything, print the report, and return 0 if all is well, 1 if not.

    Args:
        env_file: A file of settings.
        is_json: Print one JSON object.
        host: Check the content of this host's file, with the environment that it gives, instead of this one.
        name: The entry's name, if the file has several.
        file: The host's file, if it is not the usual one.

    Raises:
        SettingsError: A setting in this environment cannot be used; the report says so too, unless it is a file that
            cannot be read.
    """
    if host is None and (name or file):
        raise SettingsError("--name" if name else "--file", "needs --host.")
    found = _examine(Sources(env_file), env_file) if host is None else _examine_host(find_host(host), name, file)
    report = as_json(found.checks, found.settings) if is_json else as_text(found.checks, found.closing)
    for secret in sorted(found.secrets, key=len, reverse=True):
        report = redact(report, secret)
    sys.stdout.write(report)
    if found.problem is not None and host is None:
        raise SettingsError(found.problem.variable, "cannot be used; the report above says why.")
    return int(has_failed(found.checks))


def _examine_host(host: HostProgram, name: str | None, file: Path | None) -> Examined:
    checks, entry = check_file(host, file, name)
    if entry is None:
        return Examined([check_versions(), *checks], [], None, [])
    environment = build_environment(entry)
    headers = entry.headers(dict(os.environ))
    started = anyio.run(check_start, entry, environment, headers)
    if not entry.command:
        secrets = [value.rpartition(" ")[2] for value in headers.values()]
        return Examined([check_versions(), *checks, started], [], None, _keep_long(secrets))
    keeper = host.title if "${input:" in environment.get(API_TOKEN, "") else ""
    if keeper:
        del environment[API_TOKEN]
    with _replace_environment(environment | entry.implied_settings()):
        sources = Sources(entry.env_file, f"the entry {sanitize(entry.name)} of {host.title}")
        found = _examine(sources, entry.env_file, host=host, keeper=keeper)
    found.checks[1:1] = [*checks, started]
    return found


@contextmanager
def _replace_environment(environment: dict[str, str]) -> Iterator[None]:
    """Give this process the environment that the host gives: everything here reads the process's own."""
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(environment)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _examine(sources: Sources, env_file: Path | None, *, host: HostProgram | None = None, keeper: str = "") -> Examined:
    settings, problem = _read(env_file)
    if settings is not None:
        problem = serving_problem(settings)
    found = Examined([check_versions()], sources.settings(settings), problem, _keep_long(sources.secrets()))
    found.checks += check_settings(found.settings, sources, problem, host)
    if settings is not None and settings.sandbox:
        found.checks.append(
            skipped("API", "WEMASY_SANDBOX is on: calls go to the embedded sandbox, and no account is used")
        )
    elif settings is not None:
        token = None
        if (header := token_header(settings)) is not None:
            found.checks.append(skipped("token", f"each request carries its own in {header}"))
        elif keeper:
            found.checks.append(skipped("token", f"{keeper} asks for it and stores it; it cannot be read from here"))
        else:
            try:
                token = api_token(settings)
            except SettingsError as error:
                found.problem = found.problem or error
                hosts = [] if host or sources.raw("api_token") else list(find_hosts())
                found.checks.append(unusable_token(error, hosts))
            else:
                found.secrets += _keep_long([token.get_secret_value()])
                found.checks.append(good_token(token, sources))
        remote, found.closing = anyio.run(_check_remote, settings, token)
        found.checks += [passed("base URL", settings.base_url), *remote]
        if problem is None:
            found.checks += anyio.run(check_services, settings)
    return found


def _keep_long(secrets: list[str]) -> list[str]:
    # A shorter one would be removed from ordinary words.
    return [secret for secret in secrets if len(secret) >= MIN_LENGTH]


async def _check_remote(settings: Settings, token: SecretStr | None) -> tuple[list[Check], str]:
    observed, outcome = await send_empty_request(settings, token)
    checks = [
        *await check_network(settings.base_url, observed),
        check_answer(PROBED, observed, outcome),
        check_budget(observed, outcome),
    ]
    if not observed.sent:
        return checks, NOTHING_SENT
    is_refused = isinstance(outcome, WemasyError) and outcome.outcome == "not_applied"
    return checks, REFUSED if is_refused else NOT_KNOWN


def _read(env_file: Path | None) -> tuple[Settings | None, SettingsError | None]:
    try:
        return load_settings(env_file), None
    except SettingsError as error:
        return None, error
