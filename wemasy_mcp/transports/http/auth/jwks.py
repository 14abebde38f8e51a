"""The public keys of an OAuth issuer (RFC 7517), fetched when needed and never more often than is polite."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
from jwt import PyJWK
from starlette.authentication import AuthenticationError

from wemasy_mcp.strict_json import parse
from wemasy_mcp.urls import is_loopback

logger = logging.getLogger(__name__)

ALGORITHMS: dict[str, tuple[str, str | None]] = {
    **{f"{family}{bits}": ("RSA", None) for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", None),
    "Ed25519": ("OKP", "Ed25519"),
    "Ed448": ("OKP", "Ed448"),
}
"""The algorithms that are accepted, and the type and curve of their keys (RFC 7518, RFC 8037, RFC 9864).

Asymmetric ones only: with a shared secret, whoever can check a token can also make one (RFC 8725, section 2.1).
"""

FETCH_SECONDS = 3.0
"""Maximum seconds for a fetch: the request that waits for it must still be answered in good time."""

MAX_BYTES = 2**18
MAX_KEYS = 64

FRESH_SECONDS = 600.0
"""Seconds before keys are fetched again: a key that the issuer withdraws is rejected within 10 minutes."""

TRUST_SECONDS = 3600.0
"""Seconds that keys stay in use when they cannot be fetched again. Access tokens rarely live longer."""

PAUSE_SECONDS = 30.0
"""Minimum seconds between fetches, so that tokens with made-up key ids cannot cause a storm of fetches."""


class KeysUnavailableError(AuthenticationError):
    """A token cannot be checked now, because the key that signed it may exist but is not known yet.

    Args:
        retry_after: Whole seconds until the keys are fetched again.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that may sign tokens."""

    public: Any
    """The `cryptography` object."""
    kty: str
    crv: str | None
    alg: str | None
    kid: str | None

    def fits(self, algorithm: str, key_id: str | None) -> bool:
        """Return whether this key may have signed a token of that algorithm and key id; either may have no id."""
        kty, crv = ALGORITHMS[algorithm]
        return (
            self.kty == kty
            and crv in {None, self.crv}
            and (self.alg is None or _family(self.alg) == _family(algorithm))
            and (self.kid is None or key_id is None or self.kid == key_id)
        )


class JwkSet:
    """The keys published at `url`.

    Args:
        url: The JWKS address.
        clock: Counts seconds.
        transport: Sends the requests; the network by default.
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
        self._keys: Sequence[Key] = ()
        self.problem = "none of the keys there signs tokens"
        """The reason that nobody could be admitted, where `could_admit` returns False."""
        self._fetched_at = -math.inf
        self._asked_at = -math.inf
        self._fetching = anyio.Lock()

    async def find(self, signed_with: Callable[[Key], bool], key_id: str | None, token_age: float) -> Key | None:
        """Return the key that signed a token; None if the issuer has no such key.

        Args:
            signed_with: Returns whether that key signed the token.
            key_id: The key that the token names.
            token_age: Whole seconds since the token was issued.

        Raises:
            KeysUnavailableError: The issuer has not been reached, or may have published the key since it was.
        """
        key, age = self._signer(signed_with), self._age()
        if key is not None and (age < FRESH_SECONDS or (self._fetching.locked() and age < TRUST_SECONDS)):
            return key
        await self._fetch_if_due()
        key, age = self._signer(signed_with), self._age()
        is_unknown = key_id is not None and all(each.kid != key_id for each in self._keys)
        if age >= TRUST_SECONDS or (key is None and is_unknown and token_age - 1 < age):
            raise KeysUnavailableError(max(1, math.ceil(self._asked_at + PAUSE_SECONDS - self._clock())))
        return key

    async def could_admit(self) -> bool:
        """Return whether there are keys with which a token could be accepted now."""
        if not self._keys or self._age() >= FRESH_SECONDS:
            await self._fetch_if_due()
        return bool(self._keys) and self._age() < TRUST_SECONDS

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _signer(self, signed_with: Callable[[Key], bool]) -> Key | None:
        return next((key for key in self._keys if signed_with(key)), None)

    async def _fetch_if_due(self) -> None:
        """Take what the issuer publishes, even if that is no keys; if it cannot be read, keep the known keys."""
        async with self._fetching:
            if self._clock() - self._asked_at < PAUSE_SECONDS:
                return
            self._asked_at = self._clock()
            try:
                with anyio.fail_after(FETCH_SECONDS):
                    document = await self._read()
                self._keys = read_keys(document)
            except Exception as error:
                # Whatever an issuer sends, the only effect is that a token cannot be checked.
                self.problem = _reason(error)
                logger.warning("the keys at WEMASY_AUTH_JWKS_URL could not be fetched: %s", self.problem)
            else:
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


def read_keys(document: bytes) -> Sequence[Key]:
    """Return the keys of a JWK set that may sign tokens, at most `MAX_KEYS`.

    Raises:
        ValueError: It is not a JWK set, or none of its members is a key of any kind.
    """
    value = parse(document.decode("utf-8-sig"))
    members = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(members, list):
        raise ValueError("not a JWK set")  # noqa: TRY004 - the type that every reader of foreign text raises here
    described = [member for member in members if isinstance(member, dict) and isinstance(member.get("kty"), str)]
    if members and not described:
        raise ValueError("not a JWK set")
    keys = (_read_key(member) for member in described[:MAX_KEYS])
    return [key for key in keys if key is not None]


def _read_key(member: dict[str, Any]) -> Key | None:
    """Return the key; None if it cannot be used: an encryption key, a shared secret, or a broken key."""
    # Some issuers write null for members they omit. Private members are not read.
    jwk = {
        name: member[name] for name in ("kty", "crv", "alg", "kid", "n", "e", "x", "y") if member.get(name) is not None
    }
    operations = member.get("key_ops")
    is_for_signing = member.get("use") in (None, "sig") and (
        operations is None or (isinstance(operations, list) and "verify" in operations)
    )
    if not is_for_signing or not all(isinstance(value, str) for value in jwk.values()):
        return None
    kty, crv, alg = jwk["kty"], jwk.get("crv"), jwk.pop("alg", None)
    if (kty, crv if kty != "RSA" else None) not in ALGORITHMS.values():
        return None
    try:
        public = PyJWK(jwk, "EdDSA" if kty == "OKP" else None).key
    except Exception:
        return None
    return Key(public, kty, crv, alg, jwk.get("kid"))


def _family(algorithm: str) -> str:
    """Return "EdDSA" for either of its curves, which RFC 9864 names separately; any other algorithm is itself."""
    return "EdDSA" if algorithm in {"Ed25519", "Ed448"} else algorithm


def _reason(error: Exception) -> str:
    if isinstance(error, httpx2.HTTPStatusError):
        return f"the answer has status {error.response.status_code}"
    if isinstance(error, TimeoutError):
        return f"no answer within {FETCH_SECONDS:.0f} seconds"
    if isinstance(error, ValueError):
        return "the answer is not a JSON Web Key Set of reasonable size"
    return type(error).__name__
