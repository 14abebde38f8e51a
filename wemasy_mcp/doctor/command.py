"""The command: the checks in order, printed."""

import os
import sys
from pathlib import Path

import anyio
from pydantic import SecretStr

from wemasy_mcp.doctor.answer import check_answer, check_budget
from wemasy_mcp.doctor.check import Check, passed, skipped
from wemasy_mcp.doctor.local import check_settings, check_versions, good_token, unusable_token
from wemasy_mcp.doctor.network import check_network
from wemasy_mcp.doctor.probe import PROBED, send_empty_request
from wemasy_mcp.doctor.report import as_json, as_text, has_failed
from wemasy_mcp.doctor.sources import Sources
from wemasy_mcp.settings import Settings, SettingsError, api_token, load_settings

COST = (
    "This cost one request of the account's budget and wrote nothing.\n"
    "It rests on Wemasy checking the token before the values, which its documents do not say."
)

_PLAIN_MARKS = str.maketrans({"✓": "+", "✗": "x", "–": "-", "→": ">"})


def run_doctor(env_file: Path | None, *, is_json: bool) -> int:
    """Check everything, print the report, and return 0 if all is well, 1 if not.

    Raises:
        SettingsError: A setting cannot be used; unless it is the file of settings itself, the report says so too.
    """
    settings, problem = _read(env_file)
    sources = Sources(env_file)
    listed = sources.settings(settings)
    checks = [check_versions(), *check_settings(listed, sources, problem)]
    closing = "No request was sent."
    if settings is not None and settings.sandbox:
        checks.append(skipped("API", "WEMASY_SANDBOX is on: calls go to the embedded sandbox, no account is used"))
    elif settings is not None:
        try:
            token = api_token(settings)
        except SettingsError as error:
            problem = error
            checks.append(unusable_token(error))
        else:
            checks += [good_token(token, sources), passed("base URL", settings.base_url)]
            remote, is_sent = anyio.run(_check_remote, settings, token)
            checks += remote
            closing = COST if is_sent else closing
    _print(as_json(checks, listed) if is_json else as_text(checks, closing, is_coloured=_is_coloured()))
    if problem is not None:
        raise problem
    return int(has_failed(checks))


async def _check_remote(settings: Settings, token: SecretStr) -> tuple[list[Check], bool]:
    observed, outcome = await send_empty_request(settings, token)
    checks = [
        *await check_network(settings.base_url, observed),
        check_answer(PROBED, observed, outcome),
        check_budget(outcome),
    ]
    return checks, observed.sent


def _read(env_file: Path | None) -> tuple[Settings | None, SettingsError | None]:
    try:
        return load_settings(env_file), None
    except SettingsError as error:
        if error.variable.startswith("--"):
            raise
        return None, error


def _is_coloured() -> bool:
    # https://no-color.org
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _print(report: str) -> None:
    encoding = sys.stdout.encoding
    try:
        report.encode(encoding)
    except UnicodeEncodeError:
        # What a pipe on Windows carries may have no check marks.
        report = report.translate(_PLAIN_MARKS).encode(encoding, "replace").decode(encoding)
    sys.stdout.write(report)
