"""An OAuth issuer: it signs tokens and publishes its keys."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://issuer.example/"
AUDIENCE = "https://mcp.example.com/mcp"


class Issuer:
    """Has one RSA key and one elliptic curve key."""

    def __init__(self) -> None:
        self._keys: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
            "rsa": rsa.generate_private_key(65537, 2048),
            "ec": ec.generate_private_key(ec.SECP256R1()),
        }

    def public_keys(self, *, ids: tuple[str, ...] = ("rsa", "ec")) -> dict[str, Any]:
        """The JWKS document."""
        return {"keys": [self._public(key_id) for key_id in ids]}

    def _public(self, key_id: str) -> dict[str, Any]:
        key = self._keys[key_id]
        if isinstance(key, rsa.RSAPrivateKey):
            text = RSAAlgorithm.to_jwk(key.public_key())
        else:
            text = ECAlgorithm.to_jwk(key.public_key())
        return {**json.loads(text), "kid": key_id, "use": "sig"}

    def token(
        self,
        key: str = "rsa",
        algorithm: str = "RS256",
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A valid token but for the claims that are changed; None leaves one out."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": now + 600,
            "iat": now,
            "nbf": now,
            "sub": "anna",
            "client_id": "desk",
            **changes,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        named = {name: value for name, value in {"kid": key, **(header or {})}.items() if value is not None}
        return jwt.encode(present, self._keys[key], algorithm, named)
