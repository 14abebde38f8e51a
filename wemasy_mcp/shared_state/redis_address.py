"""The address of a Redis server, fully checked before anything connects. No error shows it: it may hold a password."""

import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from wemasy_mcp.secret_file import read_secret_file
from wemasy_mcp.settings import SettingsError, variable_of

URL, PASSWORD_FILE = variable_of("redis_url"), variable_of("redis_password_file")

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 1.0
"""Seconds without an answer until a connection counts as dead. No call waits that long: see `redis_connection`."""

TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
OPTIONS = ("db", *TLS_OPTIONS)
"""The names allowed in the query. redis-py accepts any name; an unknown one, or a value of a type that it does not
expect, fails only when it connects (redis-py 3217)."""

CHOICES = {"db": r"0|\d+", "ssl_cert_reqs": "required|optional|none", "ssl_check_hostname": "true|false"}


def open_redis(url: str, password_file: Path | None = None) -> Redis:
    """Return the client of `url`, which has not connected yet and never sends anything twice.

    Raises:
        SettingsError: The address or its password file cannot be used.
    """
    parts = _split(url)
    _check_options(parts)
    credentials: dict[str, Any] = {}
    if password_file is not None:
        if parts.password:
            raise SettingsError(PASSWORD_FILE, f"stands beside a password in {URL}; keep one of them.")
        credentials["credential_provider"] = PasswordFile(parts.username, password_file)
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    redis: Redis = Redis.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        **credentials,
    )
    return redis


class PasswordFile(CredentialProvider):
    """Reads the password anew for each connection, so that a changed one needs no restart."""

    def __init__(self, username: str | None, path: Path) -> None:
        self._username = username
        self._path = path
        self.get_credentials()

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return the password, preceded by the user if one is named.

        Raises:
            SettingsError: The file cannot be read, or is empty.
        """
        password = read_secret_file(self._path, PASSWORD_FILE).strip("\r\n")
        if not password:
            raise SettingsError(PASSWORD_FILE, f"names an empty file: {self._path}.")
        return (self._username, password) if self._username else (password,)


def _split(url: str) -> SplitResult:
    scheme = url.partition("://")[0].casefold()
    several = next((name for name in ("sentinel", "cluster") if name in scheme), None)
    if several or "," in url.partition("://")[2].rpartition("@")[2].partition("/")[0]:
        raise SettingsError(
            URL,
            f"names {f'a Redis {several.title()}' if several else 'several servers'}, which is not supported; "
            "give the one address that always leads to the primary, such as a service or a proxy, as redis:// or rediss://.",
        )
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise _unusable() from None
    is_database = parts.scheme == "unix" or not parts.path.strip("/") or parts.path[1:].isdecimal()
    if parts.scheme not in {"redis", "rediss", "unix"} or not is_whole or not is_database or parts.fragment:
        raise _unusable()
    return parts


def _unusable() -> SettingsError:
    return SettingsError(
        URL,
        "should be a Redis address such as redis://127.0.0.1:6379/0, or rediss:// for TLS; "
        "reserved characters in a password are written as %23 and the like.",
    )


def _check_options(parts: SplitResult) -> None:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = OPTIONS if parts.scheme == "rediss" else OPTIONS[:1]
    if unknown := [name for name in options if name not in known]:
        names = ", ".join(name if name.isidentifier() else "…" for name in unknown)
        raise SettingsError(URL, f"has an option that is not supported: {names}. Known: {', '.join(known)}.")
    for name, forms in CHOICES.items():
        if not re.fullmatch(forms, options.get(name, forms.partition("|")[0])):
            raise SettingsError(URL, f"has an unusable value for its option {name}.")
    try:
        context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
        if certificate := options.get("ssl_certfile"):
            context.load_cert_chain(certificate, options.get("ssl_keyfile"))
    except OSError:
        raise SettingsError(URL, "names certificates or a key that cannot be read.") from None
