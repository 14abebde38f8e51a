"""Static bearer tokens that the operator hands out: in a variable, or in a file with one on each line."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mcp.server.auth.provider import AccessToken, TokenVerifier

from wemasy_mcp.pasted_token import read_token
from wemasy_mcp.secret_file import SecretFile, read_secret_file
from wemasy_mcp.settings import Settings, SettingsError, variable_of

MIN_LENGTH = 16
"""Minimum characters of a token: a shorter one could be guessed."""

_LINE = re.compile(r"(?:(?P<name>[\w.@+-]{1,64}):[ \t]*)?(?P<token>.*)")
"""A token, with or without a name before it. RFC 6750, section 2.1: a token has no colon."""

Digests = Mapping[bytes, str | None]
"""The hash of each token, and its holder's name where the operator gave one."""


class StaticTokens(TokenVerifier):
    """Recognises clients by the tokens that the operator handed out. Only the hashes are kept."""

    def __init__(self, read: Callable[[], Digests]) -> None:
        self._read = read
        self._numbers: dict[bytes, int] = {}
        self._number_tokens(read())

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the client that presents `token`; None if unknown. The time taken reveals nothing about the tokens."""
        presented = _digest(token)
        known = self._read()
        matches = [digest for digest in known if hmac.compare_digest(presented, digest)]
        if not matches:
            return None
        self._number_tokens(known)
        # The SDK lets only the client that opened a session use it, so a number is never given to another token.
        client = known[matches[0]] or f"token-{self._numbers[matches[0]]}"
        return AccessToken(token="", client_id=client, scopes=[])

    def _number_tokens(self, known: Digests) -> None:
        for digest in known:
            self._numbers.setdefault(digest, len(self._numbers) + 1)


def static_tokens(settings: Settings) -> StaticTokens | None:
    """Return the verifier of the tokens in `WEMASY_SERVER_TOKEN` or its file; None if neither is set.

    Raises:
        SettingsError: There is no token, or one that cannot be used.
    """
    if settings.server_token is not None:
        variable, words = variable_of("server_token"), settings.server_token.get_secret_value().split(",")
        fixed = _digests(variable, {f"entry {number}": (None, word) for number, word in enumerate(words, 1)})
        return StaticTokens(lambda: fixed)
    if (path := settings.server_token_file) is not None:
        return StaticTokens(SecretFile(path, lambda: _read_file(path)).value)
    return None


def _read_file(path: Path) -> Digests:
    variable = variable_of("server_token_file")
    lines = enumerate(read_secret_file(path, variable).split("\n"), 1)
    found = {f"line {number}": _LINE.fullmatch(line.strip()) for number, line in lines if not _is_comment(line)}
    return _digests(variable, {place: (match["name"], match["token"]) for place, match in found.items() if match})


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _digests(variable: str, found: Mapping[str, tuple[str | None, str]]) -> Digests:
    digests: dict[bytes, str | None] = {}
    for place, (name, text) in found.items():
        if not text.strip() and name is None:
            continue
        try:
            token = read_token(text)
        except ValueError:
            token = ""
        if not token or "," in token:
            raise SettingsError(
                variable,
                f"cannot be used: {place} should hold one token and nothing else, without a space or a comma in it, "
                "and no placeholder. A comment is a line of the file that begins with #.",
            )
        if len(token) < MIN_LENGTH:
            raise SettingsError(
                variable,
                f"cannot be used: {place} holds a token of fewer than {MIN_LENGTH} characters, which could be guessed; "
                "`openssl rand -hex 32` makes a good one.",
            )
        digests.setdefault(_digest(token), name)
    if not digests:
        raise SettingsError(variable, "holds no token.")
    return digests


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
