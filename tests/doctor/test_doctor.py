"""`wemasy-mcp doctor` from the command line, against real sockets."""

import errno
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api_document import SAVE_MEMORY
from support.answers import answer
from support.raw_server import Script, Seen, raw_server
from wemasy_mcp.cli import run
from wemasy_mcp.doctor.network import trust_store
from wemasy_mcp.doctor.probe import PROBED
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.settings import Settings

SETTINGS = len(Settings.model_fields)
TOKEN = "wmsy-0123456789abcdef"
BUDGET = ("X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 57")
REFUSED_VALUES = answer(
    422,
    b'{"message": "The connection id field is required.", "errors": {"connection_id": ["The connection id field is '
    b'required."], "name": ["The name field is required."]}}',
    *BUDGET,
)
DENIED = b'{"error": true, "message": "Denied."}'
NOWHERE = "http://127.0.0.1:1/api"
HTML = b"<html><body>Welcome</body></html>"
ELSEWHERE = "Check WEMASY_BASE_URL: it should be https://api.wemasy.nl/api unless Wemasy gave you another."
CLOCK = "Check this machine's clock. If it is right, only the server's operator can fix it."
WINDOWS = sys.platform == "win32"
FAILING = "Try again. If it keeps failing, the problem is at Wemasy or on the way there."


@dataclass
class Report:
    exit_status: int
    checks: dict[str, tuple[str, str, str]]
    settings: dict[str, tuple[str, str]]
    stderr: str
    ok: bool


Doctor = Callable[..., Report]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("WEMASY_", "SSL_CERT_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs `doctor --json` with these variables set and returns what it says."""

    def examine(*flags: str, **environment: str) -> Report:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        exit_status = run(["doctor", "--json", *flags])
        said = capsys.readouterr()
        assert TOKEN not in said.out + said.err
        report: dict[str, Any] = json.loads(said.out)
        return Report(
            exit_status,
            {check["name"]: (check["result"], check["found"], check["advice"]) for check in report["checks"]},
            {setting["variable"]: (setting["source"], setting["shown"]) for setting in report["settings"]},
            said.err,
            report["ok"],
        )

    return examine


@pytest.fixture
def serve() -> Iterator[Callable[[Script], Seen]]:
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(raw_server(script))


Serve = Callable[[Script], Seen]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def presenting(authority: trustme.CA, *names: str, ends_in: timedelta = timedelta(days=1)) -> ssl.SSLContext:
    end = datetime.now(UTC) + ends_in
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_before=end - timedelta(days=30), not_after=end).configure_cert(context)
    return context


def plain(seen: Seen) -> str:
    return f"http://127.0.0.1:{seen.port}/api"


def secure(seen: Seen, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{seen.port}/api"


def test_a_good_token_is_told_by_one_empty_request_that_the_api_refuses(doctor: Doctor, serve: Serve) -> None:
    server = serve(Script(REFUSED_VALUES))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=plain(server))

    assert report.checks["API"] == (
        "ok",
        "it accepts the token: 422 for the empty request, and nothing was written",
        "",
    )
    assert report.checks["budget"] == ("ok", "57 requests left of 60 a minute", "")
    assert report.checks["TCP"] == ("ok", f"connected to 127.0.0.1 port {server.port}", "")
    assert (report.exit_status, report.ok, report.stderr) == (0, True, "")
    (request,) = server.requests
    assert request.head.startswith(b"POST /api/services/ai/v1/user/connections/update HTTP/1.1\r\n")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.body == b"{}"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.tool)
def test_an_empty_request_is_one_that_every_endpoint_refuses(endpoint: Any) -> None:
    assert any(field.is_required() for field in endpoint.arguments.model_fields.values())


def test_the_endpoint_that_is_asked_would_do_no_harm_twice() -> None:
    assert PROBED.idempotent


@pytest.mark.parametrize(
    ("answer", "api", "budget"),
    [
        pytest.param(
            answer(401, DENIED, *BUDGET),
            ("401: the token is not accepted", "Create a new token in Wemasy and put it in WEMASY_API_TOKEN."),
            ("ok", "57 requests left of 60 a minute", ""),
            id="401",
        ),
        pytest.param(
            answer(403, DENIED, *BUDGET),
            (
                "403: the token is valid but lacks the permission",
                "Grant it the permission for services/ai/v1/user/connections/update in Wemasy.",
            ),
            ("ok", "57 requests left of 60 a minute", ""),
            id="403",
        ),
        *(
            pytest.param(
                answer(status, b"<h1>Checking your browser</h1>", content_type="text/html"),
                (
                    f"{status} with text/html: something in front of Wemasy answered, so the token was not checked",
                    "Check WEMASY_BASE_URL, and any proxy, firewall or sign-in page in between.",
                ),
                ("skipped", "the answer does not include it", ""),
                id=f"{status} with a page",
            )
            for status in (401, 403)
        ),
        pytest.param(
            answer(429, DENIED, "X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 0", "Retry-After: 42"),
            ("429: the budget is used up; the token was not checked", "Run this again in 42 seconds."),
            (
                "failed",
                "0 requests left of 60 a minute",
                "Wait; all programs that use this token share its budget.",
            ),
            id="429",
        ),
        pytest.param(
            answer(429, DENIED),
            ("429: the budget is used up; the token was not checked", "Run this again in a minute."),
            ("failed", "0 requests left", "Wait; all programs that use this token share its budget."),
            id="429 without a wait",
        ),
        pytest.param(
            answer(404, HTML, content_type="text/html"),
            ("404: the API is not at this address", ELSEWHERE),
            None,
            id="404",
        ),
        pytest.param(
            answer(500, HTML, content_type="text/html"),
            ("500: the server failed", "Try again later; the problem is not on this machine."),
            None,
            id="500",
        ),
        pytest.param(
            answer(200, HTML, content_type="text/html"),
            ("200 with text/html: not an answer from the API", ELSEWHERE),
            None,
            id="a web page",
        ),
        pytest.param(
            answer(302, b"", "Location: https://user:secret@wemasy.nl/login?next=1"),
            ("302 with a redirect to wemasy.nl: not an answer from the API", ELSEWHERE),
            None,
            id="a redirect",
        ),
        pytest.param(
            answer(302, b"", "Location: /login"),
            ("302 with a redirect to another path: not an answer from the API", ELSEWHERE),
            None,
            id="a redirect to a path",
        ),
        pytest.param(
            answer(302, b"", "Location: https://[oops/login"),
            ("302 with a redirect to another path: not an answer from the API", ELSEWHERE),
            None,
            id="a redirect to nowhere",
        ),
        pytest.param(
            answer(422, b'{"detail": [{"loc": ["body", "x"]}]}'),
            ("422, but not in Wemasy's format", ELSEWHERE),
            None,
            id="the 422 of another API",
        ),
        pytest.param(
            answer(200, b'{"success": true, "data": {}}', *BUDGET),
            (
                "200: an empty request was accepted, although its documentation rules that out",
                f"Check in Wemasy whether something was updated. {ELSEWHERE}",
            ),
            ("ok", "57 requests left of 60 a minute", ""),
            id="an empty request that is accepted",
        ),
        pytest.param(
            b"HTTP/1.1 200",
            ("The connection broke before the answer was complete.", FAILING),
            ("skipped", "no answer came", ""),
            id="a broken answer",
        ),
    ],
)
def test_an_answer_is_told_with_what_to_do(
    doctor: Doctor, serve: Serve, answer: bytes, api: tuple[str, str], budget: tuple[str, str, str] | None
) -> None:
    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=plain(serve(Script(answer))))

    assert report.checks["API"] == ("failed", *api)
    assert report.checks["budget"] == (budget or ("skipped", "the answer does not include it", ""))
    assert (report.exit_status, report.ok) == (1, False)


def test_a_server_that_never_answers_is_given_up(doctor: Doctor, serve: Serve) -> None:
    server = serve(Script(None))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=plain(server), WEMASY_TIMEOUT_SECONDS="0.3")

    assert report.checks["API"] == ("failed", "Wemasy did not answer within 0.3 seconds.", FAILING)
    assert report.exit_status == 1


def test_a_limit_without_what_remains_is_no_budget(doctor: Doctor, serve: Serve) -> None:
    server = serve(Script(answer(401, DENIED, "X-RateLimit-Limit: 60")))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=plain(server))

    assert report.checks["budget"] == ("skipped", "the answer does not include it", "")


def test_over_tls_the_certificate_and_who_vouches_for_it_are_shown(
    doctor: Doctor, serve: Serve, authority: trustme.CA, trusted: str
) -> None:
    server = serve(Script(REFUSED_VALUES, tls=presenting(authority, "127.0.0.1", ends_in=timedelta(days=20, hours=1))))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=secure(server), SSL_CERT_FILE=trusted)

    result, found, advice = report.checks["TLS"]
    assert (result, advice) == ("ok", "")
    assert found.startswith("TLSv1.3, certificate for 127.0.0.1, issued by trustme v")
    assert found.endswith(f", 20 days left; trusted through SSL_CERT_FILE ({trusted})")
    assert report.exit_status == 0


@pytest.mark.parametrize(
    ("names", "ends_in", "told"),
    [
        pytest.param(
            ["elsewhere.invalid", "b.invalid", "c.invalid", "d.invalid"],
            timedelta(days=1),
            (
                "the certificate is not for 127.0.0.1: certificate for elsewhere.invalid, b.invalid, c.invalid, …,",
                "Check the host in WEMASY_BASE_URL; a sign-in page of this network may have answered instead.",
            ),
            id="another host's",
        ),
        pytest.param(
            ["127.0.0.1"],
            timedelta(days=-3, hours=1),
            ("the certificate has expired: certificate for 127.0.0.1, issued by", CLOCK),
            id="expired",
        ),
        pytest.param(
            ["127.0.0.1"],
            timedelta(days=40),
            ("the certificate is not valid yet: certificate for 127.0.0.1, issued by", CLOCK),
            id="not valid yet",
        ),
    ],
)
def test_a_certificate_that_is_refused_is_shown_and_no_request_is_sent(
    doctor: Doctor,
    serve: Serve,
    authority: trustme.CA,
    trusted: str,
    names: list[str],
    ends_in: timedelta,
    told: tuple[str, str],
) -> None:
    server = serve(Script(REFUSED_VALUES, tls=presenting(authority, *names, ends_in=ends_in)))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=secure(server), SSL_CERT_FILE=trusted)

    result, found, advice = report.checks["TLS"]
    assert (result, advice) == ("failed", told[1])
    assert found.startswith(told[0])
    assert report.checks["API"] == ("skipped", "not reached", "")
    assert report.exit_status == 1
    assert server.requests == []


def test_an_expired_certificate_is_told_with_its_days(
    doctor: Doctor, serve: Serve, authority: trustme.CA, trusted: str
) -> None:
    server = serve(Script(REFUSED_VALUES, tls=presenting(authority, "127.0.0.1", ends_in=timedelta(days=-3, hours=1))))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=secure(server), SSL_CERT_FILE=trusted)

    assert report.checks["TLS"][1].endswith("expired 3 days ago")


def test_a_certificate_that_is_refused_for_another_reason_is_told_with_it(
    doctor: Doctor, serve: Serve, authority: trustme.CA, trusted: str, tmp_path: Path
) -> None:
    server = serve(Script(REFUSED_VALUES, tls=presenting_a_client_certificate(authority, tmp_path)))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=secure(server), SSL_CERT_FILE=trusted)

    result, found, advice = report.checks["TLS"]
    assert (result, advice) == ("failed", "Show this to the administrator of this network.")
    assert found.startswith("refused (unsu")  # OpenSSL 1.1: unsupported, 3: unsuitable certificate purpose
    assert "certificate for 127.0.0.1, issued by" in found


def presenting_a_client_certificate(authority: trustme.CA, folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    issuer_key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(issuer.subject, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    unencrypted = serialization.NoEncryption()
    chain = folder / "client.pem"
    chain.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def test_an_issuer_that_nobody_trusts_is_named_beside_the_store(
    doctor: Doctor, serve: Serve, authority: trustme.CA, tmp_path: Path
) -> None:
    server = serve(Script(REFUSED_VALUES, tls=presenting(authority, "127.0.0.1")))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=secure(server), SSL_CERT_DIR=str(tmp_path))

    result, found, advice = report.checks["TLS"]
    assert result == "failed"
    assert found.startswith("its issuer is not trusted: certificate for 127.0.0.1, issued by trustme v")
    assert found.endswith(f"; trusted is SSL_CERT_DIR ({tmp_path})")
    assert "set SSL_CERT_FILE to a file with its CA certificate" in advice


def test_a_certificate_that_is_not_shown_twice_is_told_without_it(
    doctor: Doctor, serve: Serve, authority: trustme.CA, trusted: str
) -> None:
    server = serve(Script(REFUSED_VALUES, tls=presenting(authority, "elsewhere.invalid"), connections=1))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=secure(server), SSL_CERT_FILE=trusted)

    assert report.checks["TLS"][1] == "the certificate is not for 127.0.0.1: its certificate"


def test_a_server_that_speaks_no_tls_is_told(doctor: Doctor, serve: Serve) -> None:
    server = serve(Script(b"", connections=0))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=secure(server))

    assert report.checks["TLS"] == (
        "failed",
        f"127.0.0.1 port {server.port} broke off the handshake or does not speak TLS",
        "Check the scheme and the port in WEMASY_BASE_URL; a firewall may be in the way.",
    )


def test_a_handshake_that_is_never_answered_is_given_up(doctor: Doctor, serve: Serve) -> None:
    server = serve(Script(b"", greets=False))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=secure(server), WEMASY_TIMEOUT_SECONDS="0.3")

    assert report.checks["TLS"][:2] == ("failed", "the handshake did not finish in time")


def test_a_refused_connection_is_told_with_the_address(doctor: Doctor) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]

        report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=f"http://localhost:{port}/api")

    assert report.checks["DNS"][0] == "ok"
    assert "127.0.0.1" in report.checks["DNS"][1]
    assert report.checks["TCP"] == (
        "failed",
        f"localhost port {port}: {refusal()}",
        "Check the port in WEMASY_BASE_URL, firewalls, and whether a proxy is needed here.",
    )
    assert report.checks["API"] == ("skipped", "not reached", "")


def refusal() -> str:
    """The system's words for a connection that is refused."""
    if sys.platform == "win32":
        import ctypes

        return ctypes.FormatError(1225).rstrip(". ")  # ERROR_CONNECTION_REFUSED
    return os.strerror(errno.ECONNREFUSED)


def two_addresses(host: Any, port: int, *args: Any, **kwargs: Any) -> list[Any]:
    """What `socket.getaddrinfo` returns for a name with two addresses."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.1", "127.0.0.2")]


@pytest.mark.parametrize("variable", ["WEMASY_BASE_URL", "HTTPS_PROXY"])
def test_a_host_with_several_addresses_is_reported_with_all(
    variable: str, monkeypatch: pytest.MonkeyPatch, doctor: Doctor
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        monkeypatch.setattr(socket, "getaddrinfo", two_addresses)

        report = doctor(**{"WEMASY_API_TOKEN": TOKEN, variable: f"https://several.invalid:{port}"})

    assert report.checks["DNS"] == ("ok", "several.invalid is 127.0.0.1, 127.0.0.2", "")
    # On Windows the refusals do not name their addresses: asyncio passes one on as it is.
    told = refusal() if WINDOWS else "none of its addresses accepted the connection"
    assert report.checks["TCP"][:2] == ("failed", f"several.invalid port {port}: {told}")


def test_a_connection_that_is_never_taken_is_given_up(doctor: Doctor) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(3):  # fill the queue of connections that wait to be taken
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(("127.0.0.1", port))

        report = doctor(
            WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=f"https://127.0.0.1:{port}/api", WEMASY_TIMEOUT_SECONDS="0.3"
        )

    assert report.checks["TCP"][:2] == ("failed", f"127.0.0.1 port {port} did not accept a connection in time")
    assert report.checks["TLS"] == ("skipped", "not reached", "")


def test_a_host_name_that_does_not_exist_is_told(doctor: Doctor) -> None:
    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL="https://wemasy.invalid/api")

    assert report.checks["DNS"] == (
        "failed",
        "wemasy.invalid could not be resolved",
        "Check the spelling in WEMASY_BASE_URL, and this machine's network.",
    )
    assert report.checks["TCP"] == ("skipped", "not reached", "")
    assert report.exit_status == 1


def test_through_a_proxy_the_same_checks_are_made(
    doctor: Doctor, serve: Serve, authority: trustme.CA, trusted: str
) -> None:
    proxy = serve(
        Script(
            REFUSED_VALUES,
            tls=presenting(authority, "wemasy.invalid"),
            connect=b"HTTP/1.1 200 Connection established\r\n\r\n",
        )
    )

    report = doctor(
        WEMASY_API_TOKEN=TOKEN,
        WEMASY_BASE_URL="https://wemasy.invalid/api",
        HTTPS_PROXY=f"http://someone:secret@localhost:{proxy.port}",
        SSL_CERT_FILE=trusted,
    )

    assert report.checks["proxy"] == ("ok", f"localhost:{proxy.port} (HTTPS_PROXY)", "")
    assert report.checks["DNS"] == ("ok", "localhost is 127.0.0.1", "")
    assert report.checks["TLS"][0] == "ok"
    assert report.exit_status == 0
    connect, request = proxy.requests
    assert connect.head.startswith(b"CONNECT wemasy.invalid:443 HTTP/1.1\r\n")
    assert TOKEN.encode() not in connect.head
    assert request.body == b"{}"


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (407, "Put the proxy's user and password in its URL."),
        (403, "Have the proxy allow the host of WEMASY_BASE_URL, or exempt it with NO_PROXY."),
    ],
)
def test_a_proxy_that_refuses_is_told(doctor: Doctor, serve: Serve, status: int, advice: str) -> None:
    proxy = serve(Script(b"", connect=f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()))
    url = f"http://127.0.0.1:{proxy.port}"

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL="https://wemasy.invalid/api", all_proxy=url)

    refused = f"127.0.0.1:{proxy.port} (ALL_PROXY) answered {status} instead of opening a tunnel"
    assert report.checks["proxy"] == ("failed", refused, advice)
    assert report.checks["TLS"] == ("skipped", "not reached", "")
    assert len(proxy.requests) == 1


def test_a_proxy_that_inspects_tls_is_no_trusted_issuer(
    doctor: Doctor, serve: Serve, authority: trustme.CA, tmp_path: Path
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain = tmp_path / "chain.pem"
    # With the issuer's own certificate: Wine trusts a chain that ends before it.
    issued = authority.issue_cert("wemasy.invalid").private_key_and_cert_chain_pem
    chain.write_bytes(issued.bytes() + authority.cert_pem.bytes())
    tls.load_cert_chain(chain)
    proxy = serve(Script(b"", tls=tls, connect=b"HTTP/1.1 200 Connection established\r\n\r\n"))

    report = doctor(
        WEMASY_API_TOKEN=TOKEN,
        WEMASY_BASE_URL="https://wemasy.invalid/api",
        HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}",
    )

    result, found, _ = report.checks["TLS"]
    assert result == "failed"
    store = "the operating system's store" if sys.platform in {"win32", "darwin"} else "the system's store ("
    assert found.startswith(f"its issuer is not trusted: its certificate; trusted is {store}")


def test_a_proxy_whose_name_does_not_exist_is_told(doctor: Doctor) -> None:
    report = doctor(
        WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL="https://wemasy.nl/api", HTTPS_PROXY="http://proxy.invalid:8080"
    )

    assert report.checks["DNS"] == (
        "failed",
        "proxy.invalid could not be resolved",
        "Check the spelling in the proxy's variable, and this machine's network.",
    )


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        (
            "SSL_CERT_FILE",
            "/nonexistent/authority.pem",
            "SSL_CERT_FILE or SSL_CERT_DIR names certificates that cannot be read.",
        ),
        (
            "HTTPS_PROXY",
            "gopher://127.0.0.1:1",
            "HTTPS_PROXY names a proxy of an unknown kind; known are http, https and socks5.",
        ),
    ],
)
def test_an_environment_that_no_client_can_be_made_in_is_told(
    doctor: Doctor, variable: str, value: str, found: str
) -> None:
    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL="https://wemasy.invalid/api", **{variable: value})

    assert report.checks["API"] == ("failed", found, "Fix that variable, or remove it from the environment.")
    assert report.checks["TCP"] == ("skipped", "not reached", "")
    assert report.exit_status == 1


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_where_the_operating_system_decides_its_store_is_named(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)

    assert trust_store() == "the operating system's store"


def test_each_setting_is_told_with_its_source_and_secrets_by_length_only(
    doctor: Doctor, serve: Serve, tmp_path: Path
) -> None:
    file = tmp_path / "settings.env"
    file.write_text(f"WEMASY_API_TOKEN={TOKEN}\nWEMASY_TOOLS={SAVE_MEMORY.tool}\nWEMASY_LOG_LEVEL=debug\n")
    server = serve(Script(REFUSED_VALUES))

    report = doctor("--env-file", str(file), WEMASY_BASE_URL=plain(server), WEMASY_LOG_LEVEL="warning")

    assert report.settings["WEMASY_API_TOKEN"] == ("env file", "set (21 characters)")
    assert report.settings["WEMASY_TOOLS"] == ("env file", SAVE_MEMORY.tool)
    assert report.settings["WEMASY_LOG_LEVEL"] == ("environment", "WARNING")
    assert report.settings["WEMASY_TIMEOUT_SECONDS"] == ("default", "20")
    assert report.settings["WEMASY_REDIS_URL"] == ("default", "")
    assert report.checks["settings"] == (
        "ok",
        (
            "WEMASY_API_TOKEN set (21 characters) (env file)\n"
            f"WEMASY_BASE_URL {plain(server)} (environment)\n"
            f"WEMASY_TOOLS {SAVE_MEMORY.tool} (env file)\n"
            "WEMASY_LOG_LEVEL WARNING (environment)\n"
            f"{SETTINGS - 4} others at their defaults"
        ),
        "",
    )


def test_a_variable_that_is_no_setting_is_told_with_the_one_that_may_be_meant(doctor: Doctor) -> None:
    report = doctor(WEMASY_TOKEN=TOKEN, WEMASY_QQQQQQ="1", WEMASY_BASE_URL=NOWHERE)

    assert report.checks["settings"][1] == (
        f"WEMASY_BASE_URL {NOWHERE} (environment)\n{SETTINGS - 1} others at their defaults\n"
        "WEMASY_QQQQQQ is set, but no setting has that name\n"
        "WEMASY_TOKEN is set, but no setting has that name; did you mean WEMASY_API_TOKEN?"
    )


@pytest.mark.parametrize(
    ("given", "note"),
    [
        (TOKEN, ""),
        (f' "Bearer {TOKEN}" ', "; the spaces, quotes or `Bearer ` around it are ignored"),
    ],
)
def test_a_token_is_told_by_its_length_and_what_was_taken_off(
    doctor: Doctor, serve: Serve, given: str, note: str
) -> None:
    report = doctor(WEMASY_API_TOKEN=given, WEMASY_BASE_URL=plain(serve(Script(REFUSED_VALUES))))

    assert report.checks["token"] == ("ok", f"set (21 characters){note}", "")


def test_a_token_from_a_file_is_used(doctor: Doctor, serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    report = doctor(WEMASY_API_TOKEN_FILE=str(file), WEMASY_BASE_URL=plain(serve(Script(REFUSED_VALUES))))

    assert report.checks["token"] == ("ok", "set (21 characters)", "")
    assert report.settings["WEMASY_API_TOKEN_FILE"] == ("environment", str(file))
    assert report.exit_status == 0


def test_without_a_token_nothing_is_sent_and_the_settings_are_unusable(doctor: Doctor, serve: Serve) -> None:
    server = serve(Script(REFUSED_VALUES))

    report = doctor(WEMASY_BASE_URL=plain(server))

    assert report.checks["token"][0] == "failed"
    assert report.checks["token"][1] == "WEMASY_API_TOKEN is not set; put your Wemasy API token there."
    assert report.stderr == "wemasy-mcp: WEMASY_API_TOKEN cannot be used; the report above says why.\n"
    assert report.checks["TCP"] == ("ok", f"connected to 127.0.0.1 port {server.port}", "")
    assert report.checks["API"] == report.checks["budget"] == ("skipped", "not reached", "")
    assert report.exit_status == 2
    assert server.requests == []


def test_a_token_that_the_api_repeats_is_taken_out_of_the_report(doctor: Doctor, serve: Serve) -> None:
    server = serve(Script(answer(200, HTML, f"Location: https://{TOKEN}.example/", content_type=f"text/{TOKEN}")))

    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=plain(server), WEMASY_ALLOWED_HOSTS=TOKEN)

    assert report.checks["API"][1] == "200 with a redirect to [redacted].example: not an answer from the API"
    assert report.settings["WEMASY_ALLOWED_HOSTS"] == ("environment", "[redacted]")


@pytest.mark.parametrize("token", [f'{TOKEN}"\\', "long-" * 30], ids=["escaped in JSON", "longer than shown"])
@pytest.mark.parametrize("flags", [["--json"], []])
def test_a_token_that_a_setting_repeats_is_taken_out_of_the_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], token: str, flags: list[str]
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", token)
    monkeypatch.setenv("WEMASY_ALLOWED_HOSTS", f"{token}, {token[:8]}")
    monkeypatch.setenv("WEMASY_BASE_URL", NOWHERE)

    run(["doctor", *flags])

    said = capsys.readouterr().out
    assert token[:9] not in said
    assert "WEMASY_ALLOWED_HOSTS [redacted]" in said


def test_without_a_token_the_way_is_checked_through_proxy_and_tls(
    doctor: Doctor, serve: Serve, authority: trustme.CA, trusted: str
) -> None:
    opened = b"HTTP/1.1 200 Connection established\r\n\r\n"
    proxy = serve(Script(REFUSED_VALUES, tls=presenting(authority, "wemasy.invalid"), connect=opened))

    report = doctor(
        WEMASY_BASE_URL="https://wemasy.invalid/api",
        HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}",
        SSL_CERT_FILE=trusted,
    )

    assert report.checks["proxy"] == ("ok", f"127.0.0.1:{proxy.port} (HTTPS_PROXY)", "")
    assert report.checks["TLS"][0] == "ok"
    (connect, *rest) = proxy.requests
    assert connect.head.startswith(b"CONNECT ")
    assert rest == []


@pytest.mark.parametrize("transport", ["sse", "streamable-http"])
def test_where_each_request_brings_its_token_none_is_missed(doctor: Doctor, serve: Serve, transport: str) -> None:
    server = serve(Script(REFUSED_VALUES))

    report = doctor(
        WEMASY_TRANSPORT=transport, WEMASY_USER_TOKEN_HEADER="X-Wemasy-Token", WEMASY_BASE_URL=plain(server)
    )

    assert report.checks["token"] == ("skipped", "each request carries its own in X-Wemasy-Token", "")
    assert (report.exit_status, report.ok, server.requests) == (0, True, [])


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({"WEMASY_TOOLS": "nope"}, "WEMASY_TOOLS names unknown tools. Known: "),
        ({"WEMASY_REDIS_URL": "gopher://x"}, "WEMASY_REDIS_URL "),
        ({"WEMASY_TRANSPORT": "streamable-http", "WEMASY_HOST": "0.0.0.0"}, "WEMASY_HOST is not a loopback address"),
        ({"WEMASY_TRANSPORT": "sse", "WEMASY_SERVER_TOKEN": "two words"}, "WEMASY_SERVER_TOKEN cannot be used"),
        ({"WEMASY_TRANSPORT": "sse", "WEMASY_ALLOWED_HOSTS": "*"}, "WEMASY_ALLOWED_HOSTS should hold hosts"),
        ({"WEMASY_TRANSPORT": "sse", "WEMASY_ALLOWED_ORIGINS": "*"}, "WEMASY_ALLOWED_ORIGINS should hold origins"),
        ({"WEMASY_TRANSPORT": "sse", "WEMASY_USER_TOKEN_HEADER": "Host"}, "WEMASY_USER_TOKEN_HEADER should be"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_settings_that_the_server_refuses_are_refused_here(
    doctor: Doctor, serve: Serve, environment: dict[str, str], variable: str
) -> None:
    report = doctor(WEMASY_API_TOKEN=TOKEN, WEMASY_BASE_URL=plain(serve(Script(REFUSED_VALUES))), **environment)

    result, found, advice = report.checks["settings"]
    assert (result, advice) == ("failed", "It comes from the environment; fix it there.")
    assert found.startswith(variable)
    assert report.stderr.startswith(f"wemasy-mcp: {variable.split(maxsplit=1)[0]} cannot be used")
    assert (report.exit_status, report.ok) == (2, False)


@pytest.mark.parametrize(
    ("answer", "is_refused"),
    [
        pytest.param(REFUSED_VALUES, True, id="422"),
        pytest.param(answer(401, DENIED), True, id="401"),
        pytest.param(answer(200, b'{"success": true, "data": {}}'), False, id="a success"),
        pytest.param(answer(500, HTML, content_type="text/html"), False, id="500"),
        pytest.param(b"HTTP/1.1 200", False, id="a broken answer"),
        pytest.param(None, False, id="no answer"),
    ],
)
def test_only_a_proved_refusal_is_called_writing_nothing(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    serve: Serve,
    answer: bytes | None,
    is_refused: bool,
) -> None:
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)
    monkeypatch.setenv("WEMASY_BASE_URL", plain(serve(Script(answer))))
    monkeypatch.setenv("WEMASY_TIMEOUT_SECONDS", "0.5" if answer is None else "20")

    run(["doctor"])

    said = capsys.readouterr().out
    assert ("wrote nothing" in said) is is_refused
    assert ("This sent one request; it is not known whether it changed anything.\n" in said) is not is_refused


@pytest.mark.parametrize("placeholder", ["${WEMASY_API_TOKEN}", "YOUR_API_TOKEN"])
def test_a_placeholder_is_named_with_every_other_setting_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], placeholder: str, tmp_path: Path
) -> None:
    file = tmp_path / "settings.env"
    file.write_text("WEMASY_BASE_URL=ftp://user:secret@wemasy.nl\n")
    monkeypatch.setenv("WEMASY_API_TOKEN", placeholder)

    assert run(["doctor", "--env-file", str(file)]) == 2

    said = capsys.readouterr()
    assert "✗ settings  WEMASY_API_TOKEN still holds a placeholder instead of a token" in said.out
    assert "→ It comes from the environment; fix it there." in said.out
    assert "✗ settings  WEMASY_BASE_URL should be an https URL" in said.out
    assert "→ It comes from the env file; fix it there." in said.out
    assert "No request was sent." in said.out
    assert "secret" not in said.out
    assert said.err == "wemasy-mcp: WEMASY_API_TOKEN cannot be used; the report above says why.\n"


def test_an_env_file_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["doctor", "--env-file", str(tmp_path / "none")]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"wemasy-mcp: --env-file names no file: {tmp_path / 'none'}\n"


def test_in_the_sandbox_there_is_nothing_to_reach(doctor: Doctor) -> None:
    report = doctor(WEMASY_SANDBOX="1")

    found = "WEMASY_SANDBOX is on: calls go to the embedded sandbox, and no account is used"
    assert report.checks["API"] == ("skipped", found, "")
    assert report.exit_status == 0


def test_for_a_person_each_check_is_a_line_with_what_to_do_under_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], serve: Serve
) -> None:
    server = serve(Script(answer(401, DENIED, *BUDGET)))
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)
    monkeypatch.setenv("WEMASY_BASE_URL", plain(server))

    assert run(["doctor"]) == 1

    _, *lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "✓ settings  WEMASY_API_TOKEN set (21 characters) (environment)",
        f"            WEMASY_BASE_URL {plain(server)} (environment)",
        f"            {SETTINGS - 2} others at their defaults",
        "✓ token     set (21 characters)",
        f"✓ base URL  {plain(server)}",
        "✓ proxy     none",
        "– DNS       127.0.0.1 is an address",
        f"✓ TCP       connected to 127.0.0.1 port {server.port}",
        "– TLS       plain http to this machine",
        "✗ API       401: the token is not accepted",
        "            → Create a new token in Wemasy and put it in WEMASY_API_TOKEN.",
        "✓ budget    57 requests left of 60 a minute",
        "",
        "This used one request of the account's budget and wrote nothing.",
        "It relies on Wemasy checking the token before the values, which its documentation does not say.",
    ]


@pytest.mark.posix
@pytest.mark.parametrize(
    ("environment", "is_coloured"), [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False)]
)
def test_a_terminal_gets_colour_unless_it_wants_none(environment: dict[str, str], is_coloured: object) -> None:
    import pty

    master, slave = pty.openpty()
    child = subprocess.run(
        [sys.executable, "-m", "wemasy_mcp", "doctor"],
        env=os.environ | {"TERM": "xterm", "WEMASY_BASE_URL": NOWHERE} | environment,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    os.close(slave)
    said = os.read(master, 65_536).decode()
    os.close(master)

    assert child.returncode == 2
    assert ("\x1b[31m✗\x1b[0m token" in said) is is_coloured
    assert ("\x1b" in said) is is_coloured


def test_a_pipe_that_carries_no_check_marks_gets_plain_ones() -> None:
    child = subprocess.run(
        [sys.executable, "-m", "wemasy_mcp", "doctor"],
        env=os.environ | {"PYTHONIOENCODING": "cp1252", "WEMASY_BASE_URL": NOWHERE},
        capture_output=True,
        timeout=30,
        check=False,
    )

    lines = child.stdout.decode("cp1252").splitlines()
    assert [line for line in lines if line.startswith("+ settings  WEMASY_BASE_URL ")]
    assert [line for line in lines if line.startswith("x token     WEMASY_API_TOKEN is not set")]
