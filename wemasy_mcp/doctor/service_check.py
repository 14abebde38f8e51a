"""The checks of a server's dependencies besides the API: Redis and the issuer's keys. They write nothing."""

import time
from pathlib import Path

import anyio

from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.doctor.check import Check, failed, passed
from wemasy_mcp.settings import Settings

OLDEST_REDIS = 7
"""The version whose `PEXPIRE … GT` keeps the later of two waits."""


async def check_services(settings: Settings) -> list[Check]:
    """Return a check of each service that these settings use."""
    checks = []
    if settings.redis_url is not None and not settings.sandbox:
        checks.append(await _check_redis(settings.redis_url.get_secret_value(), settings.redis_password_file))
    if settings.transport != "stdio" and settings.auth_jwks_url:
        checks.append(await _check_keys(settings.auth_jwks_url))
    return checks


async def _check_redis(url: str, password_file: Path | None) -> Check:
    from wemasy_mcp.shared_state.redis_address import CONNECT_SECONDS, open_redis
    from wemasy_mcp.shared_state.redis_connection import PATIENCE_SECONDS, describe

    redis = open_redis(url, password_file)
    try:
        with anyio.fail_after(CONNECT_SECONDS):
            await redis.ping()
            started = time.perf_counter()
            said = await redis.info()
            seconds = time.perf_counter() - started
    # It may not be Redis, and may answer anything.
    except Exception as error:
        return failed("Redis", describe(error), "Check WEMASY_REDIS_URL, its password, and that Redis can be reached.")
    finally:
        await redis.aclose()
    version = sanitize(str(said.get("redis_version")), limit=20)
    mode, role = (sanitize(str(said.get(name)), limit=20) for name in ("redis_mode", "role"))
    found = f"{version}, answers in {seconds * 1000:.0f} ms"
    if mode != "standalone":
        return failed("Redis", f"{found}, in mode {mode}", "Give the address of a single server, the primary.")
    if role != "master":
        return failed("Redis", f"{found}, is a read-only replica", "Give the address of the primary.")
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_REDIS:
        return failed("Redis", found, f"Redis {OLDEST_REDIS} or later is needed.")
    if seconds > PATIENCE_SECONDS:
        return failed("Redis", found, f"A call waits {PATIENCE_SECONDS:g} s at most: use a Redis that is closer.")
    return passed("Redis", found)


async def _check_keys(url: str) -> Check:
    from wemasy_mcp.transports.http.auth.jwks import JwkSet

    keys = JwkSet(url)
    if await keys.could_admit():
        return passed("keys", f"{url} publishes keys that sign tokens")
    return failed(
        "keys", f"{url}: {keys.problem}", "Check WEMASY_AUTH_JWKS_URL: the issuer's metadata names it jwks_uri."
    )
