"""Finds variables that look like settings but are not: with `WEMASY_SANDBX=1` calls would go to the real account."""

import re
from collections.abc import Iterable, Mapping

_NAME = re.compile(r"[ \w.-]{1,64}", re.ASCII)
_LOOKS_LIKE_OURS = re.compile(r"\s*WEM|.*MASY[_.-]")
_LETTERS = sorted("WEMASY")
_SERVICE_LINK = re.compile(r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?")
SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")
"""The start of the value that Kubernetes and Docker links put in `NAME_PORT` for a service called NAME."""

_MIN_SIMILARITY = 0.7


def misspelt(given: Mapping[str, str | None], known: Iterable[str]) -> list[tuple[str, str]]:
    """Return the names in `given` that look like settings but are not, each with the `known` one it may stand for.

    Kubernetes sets variables for every service in a namespace; those for one called `wemasy` begin like ours.
    """
    settings = list(known)
    found = []
    for name, value in sorted(given.items()):
        upper = name.upper()
        is_link = _SERVICE_LINK.fullmatch(upper) or SERVICE_ADDRESS.match(value or "")
        if upper not in settings and _NAME.fullmatch(name) and _looks_like_ours(upper) and not is_link:
            found.append((upper, _meant(upper, settings)))
    return found


def _looks_like_ours(name: str) -> bool:
    # With letters swapped, as in WEAMSY_API_TOKEN, neither end of the word need be there.
    return bool(_LOOKS_LIKE_OURS.match(name)) or sorted(re.split(r"[_.-]", name, maxsplit=1)[0]) == _LETTERS


def _meant(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    if close := get_close_matches(name, known, 1, _MIN_SIMILARITY):
        return close[0]
    return "WEMASY_API_TOKEN" if re.search(r"KEY|PAT\b|SECRET|TOKEN", name) else ""
