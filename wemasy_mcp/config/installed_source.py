"""The source of the running program, as a requirement that installs the same again."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from urllib.parse import urlsplit

from wemasy_mcp import strict_json
from wemasy_mcp.settings import SettingsError

SCRIPT = "wemasy-mcp"

_EXTRA = re.compile(r"\s*([A-Za-z0-9._-]+).*;.*\bextra == ['\"]([^'\"]+)['\"]")


def find_source() -> str:
    """Return the installed program as a requirement (PEP 508): its extras, and its source or version.

    Raises:
        SettingsError: It cannot be installed again.
    """
    try:
        installed = distribution(SCRIPT)
    except PackageNotFoundError:
        raise SettingsError(
            "config", "cannot tell where this program was installed from: it has no metadata."
        ) from None
    extras = ",".join(sorted(_find_extras(installed)))
    name = f"{SCRIPT}[{extras}]" if extras else SCRIPT
    # https://packaging.python.org/en/latest/specifications/direct-url/
    text = installed.read_text("direct_url.json")
    if text is None:
        return f"{name}=={installed.version}"
    found = strict_json.parse(text)
    url = str(found["url"])
    if "@" in urlsplit(url).netloc:
        raise SettingsError("config", "cannot name where this program was installed from: the URL carries credentials.")
    if "vcs_info" in found:
        url = f"{found['vcs_info']['vcs']}+{url}@{found['vcs_info']['commit_id']}"
    if subdirectory := found.get("subdirectory"):
        url += f"#subdirectory={subdirectory}"
    return f"{name} @ {url}"


def _find_extras(installed: Distribution) -> set[str]:
    """Return the extras that are fully installed; the ones requested are not recorded."""
    wanted: dict[str, list[str]] = {}
    for requirement in installed.requires or ():
        if found := _EXTRA.match(requirement):
            wanted.setdefault(found[2], []).append(found[1])
    return {extra for extra, names in wanted.items() if all(_is_installed(name) for name in names)}


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
