"""The checks that the server itself makes of its settings before it serves, without serving."""

from collections.abc import Callable

from wemasy_mcp.app import check_tools, open_shared_state, token_header
from wemasy_mcp.settings import Settings, SettingsError


def serving_problem(settings: Settings) -> SettingsError | None:
    """Return why the server would refuse these settings, including further reasons; None if it would serve.

    The token is checked separately, and no port is opened: the server may be running.
    """
    checks: list[Callable[[Settings], object]] = [check_tools]
    if not settings.sandbox:
        checks.append(open_shared_state)
    if settings.transport != "stdio":
        checks += _http_checks(settings)
    problems = []
    for check in checks:
        try:
            check(settings)
        except SettingsError as error:
            problems.append(error)
    if not problems:
        return None
    first, *further = problems
    return SettingsError(first.variable, first.problem, further)


def _http_checks(settings: Settings) -> list[Callable[[Settings], object]]:
    from wemasy_mcp.transports.http.auth.admission import client_verifier
    from wemasy_mcp.transports.http.auth.per_user_token import header_tokens
    from wemasy_mcp.transports.http.guard import own_hosts, own_origins
    from wemasy_mcp.transports.http.listener import check_address

    checks: list[Callable[[Settings], object]] = [
        lambda it: check_address(it.host, knows_clients=client_verifier(it) is not None),
        lambda it: own_hosts(it.allowed_hosts, it.port),
        lambda it: own_origins(it.allowed_origins, it.port),
    ]
    if (header := token_header(settings)) is not None:
        checks.append(lambda it: header_tokens(header))
    return checks
