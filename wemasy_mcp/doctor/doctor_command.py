"""The command: the checks in order, printed."""

import sys
from pathlib import Path

import anyio
from pydantic import SecretStr

from wemasy_mcp.app import token_header
from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.doctor.api_check import check_answer, check_budget
from wemasy_mcp.doctor.check import Check, passed, skipped
from wemasy_mcp.doctor.local import check_settings, check_versions, good_token, unusable_token
from wemasy_mcp.doctor.network import check_network
from wemasy_mcp.doctor.probe import PROBED, send_empty_request
from wemasy_mcp.doctor.report import as_json, as_text, has_failed
from wemasy_mcp.doctor.serving import serving_problem
from wemasy_mcp.doctor.sources import Sources
from wemasy_mcp.settings import Settings, SettingsError, api_token, load_settings

NOTHING_SENT = "No request was sent."
REFUSED = (
    "This cost one request of the account's budget and wrote nothing.\n"
    "It rests on Wemasy checking the token before the values, which its documents do not say."
)
NOT_KNOWN = "This sent one request; whether it changed anything is not known."


def run_doctor(env_file: Path | None, *, is_json: bool) -> int:
    """Check everything, print the report, and return 0 if all is well, 1 if not.

    Raises:
        SettingsError: A setting cannot be used; unless it is the file of settings itself, the report says so too.
    """
    settings, problem = _read(env_file)
    if settings is not None:
        problem = serving_problem(settings)
    sources = Sources(env_file)
    listed = sources.settings(settings)
    checks = [check_versions(), *check_settings(listed, sources, problem)]
    closing = NOTHING_SENT
    if settings is not None and settings.sandbox:
        checks.append(skipped("API", "WEMASY_SANDBOX is on: calls go to the embedded sandbox, no account is used"))
    elif settings is not None:
        token = None
        if (header := token_header(settings)) is not None:
            checks.append(skipped("token", f"each request brings its own in {header}"))
        else:
            try:
                token = api_token(settings)
            except SettingsError as error:
                problem = problem or error
                checks.append(unusable_token(error))
            else:
                checks.append(good_token(token, sources))
        remote, closing = anyio.run(_check_remote, settings, token)
        checks += [passed("base URL", settings.base_url), *remote]
    sys.stdout.write(as_json(checks, listed) if is_json else as_text(checks, closing))
    if problem is not None:
        raise SettingsError(problem.variable, "cannot be used; the report says why.")
    return int(has_failed(checks))


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
        if error.variable.startswith("--"):
            raise
        return None, error
