"""The checks of the route to the API: proxy, name, connection, TLS. They judge what the request encountered."""

import os
import socket
import ssl
import sys
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import anyio

from wemasy_mcp.core.sanitize import sanitize
from wemasy_mcp.doctor.certificate import now, read_certificate, shown_certificate
from wemasy_mcp.doctor.check import Check, failed, passed, skipped
from wemasy_mcp.doctor.observed import Observed
from wemasy_mcp.doctor.verify_codes import Reason, reason_of_refusal
from wemasy_mcp.upstream.dial import is_address
from wemasy_mcp.upstream.exchange import CONNECT_SECONDS

_NOT_REACHED = "not reached"
_SUCCESSFUL = 2  # 2xx
_PROXY_VARIABLES = ("HTTPS_PROXY", "ALL_PROXY")
_OUT_OF_DATE: dict[Reason | None, str] = {
    "expired": "has expired",
    "not yet valid": "is not valid yet",
    "out of date": "has expired or is not valid yet",
}


async def check_network(base_url: str, observed: Observed) -> list[Check]:
    """Return the checks of everything between this machine and the API."""
    url = urlsplit(base_url)
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    if observed.contacted is None:
        return [skipped(name, _NOT_REACHED) for name in ("proxy", "DNS", "TCP", "TLS")]
    is_direct = observed.contacted == (host, port)
    return [
        _check_proxy(observed, is_direct=is_direct),
        await _check_name(*observed.contacted, observed, is_direct=is_direct),
        _check_connection(*observed.contacted, observed),
        await _check_tls(host, port, observed, is_plain=url.scheme == "http", is_direct=is_direct),
    ]


def trust_store() -> str:
    """Return the name of the trust store that httpx2 chooses."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if path := os.environ.get(variable):
            return f"{variable} ({path})"
    is_built_in = sys.platform in {"win32", "darwin"}
    if is_built_in:
        return "the operating system's store"
    paths = ssl.get_default_verify_paths()
    found = [path for path in (paths.openssl_cafile, paths.openssl_capath) if Path(path).exists()]
    return f"the system's store ({' and '.join(found) or 'none found'})"


def _check_proxy(observed: Observed, *, is_direct: bool) -> Check:
    if is_direct:
        return passed("proxy", "none")
    host, port = observed.contacted or ("", 0)
    variable = next((name for name in _PROXY_VARIABLES if os.environ.get(name) or os.environ.get(name.lower())), None)
    used = f"{host}:{port} ({variable or 'set in the operating system'})"
    status = observed.proxy_status
    if status is None or status // 100 == _SUCCESSFUL:
        return passed("proxy", used)
    refused = f"{used} answered {status} instead of opening a tunnel"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return failed("proxy", refused, "Put the proxy's user and password in its URL.")
    return failed("proxy", refused, "Have the proxy allow the host of WEMASY_BASE_URL, or exempt it with NO_PROXY.")


async def _check_name(host: str, port: int, observed: Observed, *, is_direct: bool) -> Check:
    if is_address(host):
        return skipped("DNS", f"{host} is an address")
    if observed.address is not None:
        return passed("DNS", f"{host} is {observed.address}")
    try:
        with anyio.fail_after(CONNECT_SECONDS):
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        setting = "WEMASY_BASE_URL" if is_direct else "the proxy's variable"
        return failed(
            "DNS", f"{host} could not be resolved", f"Check the spelling in {setting}, and this machine's network."
        )
    return passed("DNS", f"{host} is {', '.join(dict.fromkeys(str(entry[4][0]) for entry in found))}")


def _check_connection(host: str, port: int, observed: Observed) -> Check:
    if observed.address is not None:
        return passed("TCP", f"connected to {observed.address} port {port}")
    if observed.cause(socket.gaierror):
        return skipped("TCP", _NOT_REACHED)
    if observed.is_late:
        reason = f"{host} port {port} did not accept a connection in time"
    elif observed.reason is None:
        # asyncio joins the errors from several addresses into one text.
        reason = f"{host} port {port}: none of its addresses accepted the connection"
    else:
        reason = f"{host} port {port}: {observed.reason}"
    return failed("TCP", reason, "Check the port in WEMASY_BASE_URL, firewalls, and whether a proxy is needed here.")


async def _check_tls(host: str, port: int, observed: Observed, *, is_plain: bool, is_direct: bool) -> Check:
    if is_plain:
        return skipped("TLS", "plain http to this machine")
    if observed.certificate is not None:
        certificate = read_certificate(observed.certificate, now())
        return passed("TLS", f"{observed.tls_version}, {certificate}; trusted through {trust_store()}")
    if observed.broken_at != "start_tls":
        return skipped("TLS", _NOT_REACHED)
    if (refusal := observed.cause(ssl.SSLCertVerificationError)) is not None:
        der = await shown_certificate(host, port, CONNECT_SECONDS) if is_direct else None
        return _refused(host, refusal, str(read_certificate(der, now())) if der else "its certificate")
    if observed.is_late:
        return failed("TLS", "the handshake did not finish in time", "Try again; a firewall may be in the way.")
    return failed(
        "TLS",
        f"{host} port {port} broke off the handshake or does not speak TLS",
        "Check the scheme and the port in WEMASY_BASE_URL; a firewall may be in the way.",
    )


def _refused(host: str, refusal: ssl.SSLCertVerificationError, certificate: str) -> Check:
    reason = reason_of_refusal(refusal.verify_code)
    if (state := _OUT_OF_DATE.get(reason)) is not None:
        advice = "Check this machine's clock. If it is right, only the server's operator can fix it."
        return failed("TLS", f"the certificate {state}: {certificate}", advice)
    if reason == "other host":
        advice = "Check the host in WEMASY_BASE_URL; a sign-in page of this network may have answered instead."
        return failed("TLS", f"the certificate is not for {host}: {certificate}", advice)
    if reason == "unknown issuer":
        return failed(
            "TLS",
            f"its issuer is not trusted: {certificate}; trusted is {trust_store()}",
            "Where a company's proxy inspects TLS, set SSL_CERT_FILE to a file with its CA certificate, "
            "or have it added to the system's store.",
        )
    if reason == "strict rules":
        return failed(
            "TLS",
            f"its CA violates RFC 5280, which Python 3.13 and later enforce ({sanitize(refusal.verify_message)}): "
            f"{certificate}; trusted is {trust_store()}",
            "Ask the operator of the CA, or of the proxy that inspects TLS, for certificates that comply, "
            "or run this server on Python 3.12.",
        )
    return failed(
        "TLS",
        f"refused ({sanitize(refusal.verify_message)}): {certificate}",
        "Show this to the administrator of this network.",
    )
