"""Tokens and keys as the issuers that people have document them, and what is close to them and wrong."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms
from jwt.utils import base64url_encode
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from support.issuer import AUDIENCE, ISSUER
from wemasy_mcp.transports.http.auth.admission import Admission
from wemasy_mcp.transports.http.auth.jwks import MAX_KEYS, JwkSet
from wemasy_mcp.transports.http.auth.oauth import JwtTokens

RSA, OTHER = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
ED25519, ED448 = ed25519.Ed25519PrivateKey.generate(), ed448.Ed448PrivateKey.generate()

METADATA = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"


def jwk(key: Any, **members: Any) -> dict[str, Any]:
    """The public key with these members; None leaves one out."""
    kinds = ((RSAAlgorithm, rsa.RSAPrivateKey), (ECAlgorithm, ec.EllipticCurvePrivateKey))
    algorithm = next((algorithm for algorithm, kind in kinds if isinstance(key, kind)), OKPAlgorithm)
    written = {**json.loads(algorithm.to_jwk(key.public_key())), "key_ops": None, **members}
    return {name: value for name, value in written.items() if value is not None}


def token(key: Any, algorithm: str = "RS256", header: dict[str, Any] | None = None, **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 600, "iat": now - 60, "sub": "anna", **changes}
    # Not PyJWT's own encoder, which refuses to write what it refuses to read.
    signed = b".".join(
        base64url_encode(json.dumps(part).encode()) for part in ({"alg": algorithm, **(header or {})}, claims)
    )
    signature = get_default_algorithms()["EdDSA" if algorithm.startswith("Ed") else algorithm].sign(signed, key)
    return f"{signed.decode()}.{base64url_encode(signature).decode()}"


async def who_am_i(scope: Scope, receive: Receive, send: Send) -> None:
    user: AuthenticatedUser = scope["user"]
    client = user.access_token
    await JSONResponse([client.client_id, client.subject])(scope, receive, send)


async def ask(
    keys: object, *presented: str, scopes: tuple[str, ...] = (), issuer: str = ISSUER, audience: str = AUDIENCE
) -> httpx2.Response:
    """The answer to a request with these tokens, where the issuer publishes these keys."""
    published = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"keys": keys}))
    verifier = JwtTokens(issuer, audience, JwkSet("https://issuer.example/keys", transport=published))
    transport = httpx2.ASGITransport(Admission(who_am_i, verifier, scopes, METADATA))
    async with httpx2.AsyncClient(transport=transport) as http:
        return await http.get(AUDIENCE, headers=[("Authorization", f"Bearer {each}") for each in presented])


ENTRA = "https://login.microsoftonline.com/9f1e0f6c-5a3b-4b4e-8a51-1a2b3c4d5e6f/v2.0"
KEYCLOAK = "https://sso.example.com/realms/tools"

ZITADEL_ROLES: dict[str, Any] = {"urn:zitadel:iam:org:project:2300:roles": {"memory.use": {"2200": "example.com"}}}

DOCUMENTED = {
    "entra, for a user": (
        [jwk(RSA, use="sig", kid="x5t", x5t="x5t", x5c=["MII"], issuer=ENTRA), jwk(OTHER, use="sig", kid="other")],
        token(RSA, header={"kid": "x5t", "x5t": "x5t"}, iss=ENTRA, azp="app-of-anna", scp="memory.use", ver="2.0"),
        ("api://7c1e/memory.use",),
        ["app-of-anna", "anna"],
    ),
    "entra, for an application": (
        [jwk(RSA, use="sig", kid="x5t", x5t="x5t", x5c=["MII"], issuer=ENTRA)],
        token(RSA, header={"kid": "x5t"}, iss=ENTRA, azp="app", roles=["memory.use"], idtyp="app"),
        ("api://7c1e/memory.use",),
        ["app", "anna"],
    ),
    "keycloak": (
        [
            jwk(OTHER, use="enc", kid="one", alg="RSA-OAEP", x5c=["MII"]),
            jwk(RSA, use="sig", kid="one", alg="RS256", x5c=["MII"]),
            jwk(ED25519, use="sig", kid="ed", alg="EdDSA"),
        ],
        token(
            RSA, header={"kid": "one"}, iss=KEYCLOAK, aud=[AUDIENCE, "account"], azp="desk", scope="openid memory.use"
        ),
        ("memory.use",),
        ["desk", "anna"],
    ),
    "auth0": (
        [jwk(RSA, use="sig", kid="a", alg="RS256", x5t="t"), jwk(OTHER, use="sig", kid="b", alg="RS256")],
        token(
            RSA,
            header={"kid": "a", "typ": "at+jwt"},
            aud=[AUDIENCE, f"{ISSUER}userinfo"],
            azp="desk",
            permissions=["memory.use"],
        ),
        ("memory.use",),
        ["desk", "anna"],
    ),
    "okta": (
        [jwk(RSA, use="sig", kid="a", alg="RS256", status="ACTIVE")],
        token(RSA, header={"kid": "a"}, ver=1, jti="AT.1", cid="0oa1", uid="00u1", scp=["memory.use", "openid"]),
        ("memory.use", "openid"),
        ["0oa1", "anna"],
    ),
    "zitadel": (
        [jwk(RSA, use="sig", kid="2331", alg="RS256"), jwk(OTHER, use="sig", kid="2332", alg="RS256")],
        token(
            RSA,
            header={"kid": "2331"},
            aud=["2311", AUDIENCE],
            client_id="2311",
            **ZITADEL_ROLES,
        ),
        ("memory.use",),
        ["2311", "anna"],
    ),
}


@pytest.mark.parametrize("name", DOCUMENTED)
async def test_a_token_as_its_issuer_documents_it_is_accepted(name: str) -> None:
    keys, presented, scopes, who = DOCUMENTED[name]
    claims = jwt.decode(presented, options={"verify_signature": False})

    answer = await ask(keys, presented, scopes=scopes, issuer=claims["iss"])

    assert (answer.status_code, answer.json()) == (200, who)


@pytest.mark.parametrize("name", DOCUMENTED)
async def test_a_token_without_the_scope_is_told_which_one_it_needs(name: str) -> None:
    keys, presented, _, _ = DOCUMENTED[name]
    claims = jwt.decode(presented, options={"verify_signature": False})

    answer = await ask(keys, presented, scopes=("memory.use", "memory.delete"), issuer=claims["iss"])

    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="memory.use memory.delete"' in challenge
    assert f'resource_metadata="{METADATA}"' in challenge


@pytest.mark.parametrize(
    "claims",
    [{"scope": "openid", "roles": ["memory.use"]}, {"scope": 7}, {"scp": [7, "memory"]}, {"scope": "memory.use.not"}],
    ids=str,
)
async def test_what_is_not_a_scope_of_the_token_grants_nothing(claims: dict[str, Any]) -> None:
    """Least of all a role of its user, where the client was granted less."""
    answer = await ask([jwk(RSA)], token(RSA, **claims), scopes=("memory.use",))

    assert answer.status_code == 403


# Tokens are made by the test itself: of one made while tests are collected the ids and the times would differ.
@pytest.mark.parametrize(
    ("keys", "presented"),
    [
        ([jwk(RSA)], lambda: token(RSA, "RS512", {"kid": "any"})),
        ([jwk(RSA, alg=None, kid="a")], lambda: token(RSA, "PS256", {"kid": "a"})),
        ([jwk(RSA, alg="PS384", kid="a")], lambda: token(RSA, "PS384", {"kid": "a"})),
        ([jwk(RSA, kid="a")], lambda: token(RSA)),
        ([jwk(OTHER, kid="a"), jwk(RSA, kid="b")], lambda: token(RSA)),
        ([jwk(OTHER, kid="a"), jwk(RSA, kid="a")], lambda: token(RSA, header={"kid": "a"})),
        (
            [jwk(RSA, kid="a", use="enc", alg="RSA-OAEP"), jwk(RSA, kid="a", use="sig")],
            lambda: token(RSA, header={"kid": "a"}),
        ),
        ([jwk(RSA, kid=None, use=None, key_ops=["verify"])], lambda: token(RSA, header={"kid": "a"})),
        ([{**jwk(RSA), "kid": None, "use": None, "alg": None, "crv": None, "x5c": None}], lambda: token(RSA)),
        (
            [jwk(OTHER, kid=["a"]), [], 7, {"kty": "RSA"}, {"kty": "RSA", "n": "!", "e": "AQAB"}, jwk(RSA)],
            lambda: token(RSA),
        ),
        ([jwk(P256, kid="a"), jwk(P384, kid="a")], lambda: token(P384, "ES384", {"kid": "a"})),
        ([jwk(ED25519, alg="Ed25519", kid="a")], lambda: token(ED25519, "Ed25519", {"kid": "a"})),
        ([jwk(ED25519, alg="Ed25519", kid="a")], lambda: token(ED25519, "EdDSA", {"kid": "a"})),
        ([jwk(ED25519, alg="EdDSA", kid="a")], lambda: token(ED25519, "Ed25519", {"kid": "a"})),
        ([jwk(ED25519, kid="a")], lambda: token(ED25519, "Ed25519", {"kid": "a"})),
        ([jwk(ED448, kid="a")], lambda: token(ED448, "Ed448", {"kid": "a"})),
        ([jwk(RSA)], lambda: token(RSA, iat=int(time.time()) + 30, nbf=int(time.time()) + 30)),
        ([jwk(RSA)], lambda: token(RSA, exp=int(time.time()) - 30)),
    ],
)
async def test_the_key_is_found_by_what_it_is_for_its_type_and_its_id(
    keys: list[object], presented: Callable[[], str]
) -> None:
    assert (await ask(keys, presented())).status_code == 200


@pytest.mark.parametrize(
    ("keys", "presented"),
    [
        ([jwk(RSA, use="enc")], lambda: token(RSA)),
        ([jwk(RSA, use="enc", alg="RS256", kid="a")], lambda: token(RSA, header={"kid": "a"})),
        ([jwk(RSA, use=["sig"])], lambda: token(RSA)),
        ([jwk(RSA, alg="RSA-OAEP-256")], lambda: token(RSA)),
        ([jwk(RSA, alg="RS256")], lambda: token(RSA, "RS512")),
        ([jwk(RSA, key_ops=["encrypt", "wrapKey"])], lambda: token(RSA)),
        ([jwk(RSA, key_ops="verify")], lambda: token(RSA)),
        ([jwk(OTHER)], lambda: token(RSA)),
        ([jwk(OTHER, kid="a"), jwk(RSA, kid="b")], lambda: token(RSA, header={"kid": "a"})),
        ([jwk(ED25519, alg="Ed448")], lambda: token(ED448, "Ed448")),
        ([jwk(ED25519)], lambda: token(ED25519, "Ed448")),
        ([jwk(RSA)], lambda: token(RSA, header={"kid": 7})),
        ([jwk(RSA)], lambda: token(RSA, header={"crit": ["exp"]})),
        ([jwk(rsa.generate_private_key(65537, 1024))], lambda: token(RSA)),
        ([*[jwk(OTHER)] * MAX_KEYS, jwk(RSA)], lambda: token(RSA)),
        ([jwk(RSA)], lambda: token(RSA, exp=int(time.time()) - 90)),
        ([jwk(RSA)], lambda: token(RSA, sub=None)),
        ([jwk(RSA)], lambda: "e" * 60_000),
        ([jwk(RSA)], lambda: "W1tb" * 15_000 + ".e30.e30"),
    ],
)
async def test_any_other_key_has_signed_nothing(keys: list[object], presented: Callable[[], str]) -> None:
    answer = await ask(keys, presented())

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_who_has_not_tried_to_authenticate_is_told_no_error_and_what_to_ask_for() -> None:
    answer = await ask([jwk(RSA)], scopes=("memory.use", "openid"))

    assert answer.headers["www-authenticate"] == f'Bearer scope="memory.use openid", resource_metadata="{METADATA}"'
    assert set(answer.json()) == {"error", "error_description"}


async def test_two_tokens_at_the_same_time_are_refused() -> None:
    answer = await ask([jwk(RSA)], token(RSA), token(RSA))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
