"""The checks that need no network: versions, settings, the token's form."""

import platform
from collections.abc import Sequence
from importlib.metadata import version

from pydantic import SecretStr

from wemasy_mcp import __version__
from wemasy_mcp.config.host_program import HostProgram
from wemasy_mcp.console import own_command
from wemasy_mcp.doctor.check import Check, failed, passed
from wemasy_mcp.doctor.sources import Setting, Sources
from wemasy_mcp.settings import PREFIX, SettingsError, variable_of

_SHOWN_PACKAGES = ("mcp", "httpx2", "pydantic")


def check_versions() -> Check:
    """Return the versions that run here."""
    packages = ", ".join(f"{name} {version(name)}" for name in _SHOWN_PACKAGES)
    system = f"{platform.system()} {platform.machine()}"
    return passed("versions", f"wemasy-mcp {__version__}, Python {platform.python_version()} on {system}, {packages}")


def check_settings(
    settings: list[Setting], sources: Sources, problem: SettingsError | None, host: HostProgram | None = None
) -> list[Check]:
    """Return what is set and where, with one failed check for each setting that cannot be used."""
    if problem is not None:
        return [
            failed("settings", str(one), f"It comes from {_where(one.variable, sources)}; {_mend(one.variable, host)}.")
            for one in (problem, *problem.further)
        ]
    given = [setting for setting in settings if setting.source != "default"]
    lines = [f"{setting.variable} {setting.shown} ({setting.source})" for setting in given]
    lines.append(f"{len(settings) - len(given)} others at their defaults" if given else "all at their defaults")
    for name, meant in sources.unknown():
        hint = f"; did you mean {meant}?" if meant else ""
        lines.append(f"{name} is set, but no setting has that name{hint}")
    return [passed("settings", "\n".join(lines))]


def good_token(token: SecretStr, sources: Sources) -> Check:
    """Describe the token without showing it."""
    raw = sources.raw("api_token")
    is_changed = isinstance(raw, str) and raw != token.get_secret_value()
    note = "; the spaces, quotes or `Bearer ` around it are ignored" if is_changed else ""
    return passed("token", f"set ({len(token)} characters){note}")


def unusable_token(problem: SettingsError, hosts: Sequence[HostProgram]) -> Check:
    """Return why the token cannot be used, and which hosts' files hold one instead."""
    advice = (
        f"In most hosts that is the `env` of this server's entry, and `{own_command()} config HOST` prints one; "
        f"{variable_of('api_token_file')} may name a file that holds it instead."
    )
    if hosts:
        titles, commands = (
            [host.title for host in hosts],
            [f"`{own_command()} doctor --host {host.name}`" for host in hosts],
        )
        advice = (
            f"{' and '.join(titles)} on this machine {'has' if len(hosts) == 1 else 'have'} an entry for this server: "
            f"{' or '.join(commands)} checks it."
        )
    return failed("token", str(problem), advice)


def _mend(variable: str, host: HostProgram | None) -> str:
    if variable != variable_of("api_token") or host is None or host.reference is not None:
        return "fix it there"
    return f"fix it there, or run `{own_command()} config {host.name} --write`, which asks for it"


def _where(variable: str, sources: Sources) -> str:
    source = sources.source_of(variable.removeprefix(PREFIX).lower())
    return {"environment": sources.environment_name, "env file": "the env file"}.get(source, "a default")
