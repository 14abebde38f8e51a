"""The public keys of an OAuth issuer (RFC 7517), fetched when they are needed and never more often than is polite."""

import json
import logging
import time
from collections.abc import Callable

import anyio
import httpx2
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError
from starlette.authentication import AuthenticationError

from wemasy_mcp.settings import is_loopback

logger = logging.getLogger(__name__)

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Asymmetric ones only: with a shared secret, whoever can check a token can also make one (RFC 8725, section 2.1)."""

FETCH_SECONDS = 5.0
MAX_BYTES = 2**18

FRESH_SECONDS = 600.0
"""How long keys are used before they are asked for again: an issuer that withdraws one is obeyed within 10 minutes."""

PAUSE_SECONDS = 30.0
"""How long after one fetch the next waits, so that tokens with made-up key ids cannot make a storm of them."""


class KeysUnavailableError(AuthenticationError):
    """The issuer's keys have never been fetched, so no token can be judged."""


class JwkSet:
    """The keys published at `url`.

    Args:
        url: The JWKS address.
        clock: Counts seconds.
        transport: What sends the requests; the network when left out.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._clock = clock
        self._transport = transport
        self._keys: list[PyJWK] = []
        self._fetched_at = -FRESH_SECONDS
        self._asked_at = -PAUSE_SECONDS
        self._fetching = anyio.Lock()

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key of that id, or the only one when a token names none; None when the issuer has no such key.

        Raises:
            KeysUnavailableError: The issuer has not been reached yet.
        """
        key = self._known(key_id)
        is_fresh = self._clock() - self._fetched_at < FRESH_SECONDS
        if key is not None and (is_fresh or self._fetching.locked()):
            return key
        async with self._fetching:
            if self._clock() - self._asked_at >= PAUSE_SECONDS:
                self._asked_at = self._clock()
                await self._fetch()
        if not self._keys:
            raise KeysUnavailableError
        return self._known(key_id)

    def _known(self, key_id: str | None) -> PyJWK | None:
        if key_id is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == key_id), None)

    async def _fetch(self) -> None:
        """Take the issuer's keys; keep those known when that fails."""
        try:
            with anyio.fail_after(FETCH_SECONDS):
                found = PyJWKSet.from_dict(json.loads(await self._read())).keys
        except (httpx2.HTTPError, httpx2.InvalidURL, PyJWTError, OSError, ValueError, AttributeError) as error:
            logger.warning("the keys at WEMASY_AUTH_JWKS_URL could not be fetched (%s)", type(error).__name__)
            return
        self._keys = [key for key in found if key.algorithm_name in ALGORITHMS] or self._keys
        self._fetched_at = self._clock()

    async def _read(self) -> bytes:
        url = httpx2.URL(self._url)
        async with (
            httpx2.AsyncClient(transport=self._transport, trust_env=not is_loopback(url.host)) as http,
            http.stream("GET", url, headers={"Accept": "application/json"}) as answer,
        ):
            answer.raise_for_status()
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError("too long")
            return bytes(body)
