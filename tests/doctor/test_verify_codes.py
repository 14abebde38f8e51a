"""A certificate that the operating system refused is told as one that OpenSSL refused, whatever the numbers are."""

import ssl

import anyio
import pytest

from wemasy_mcp.doctor.network import check_network
from wemasy_mcp.doctor.observed import Observed


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0x800B0101, "the certificate has expired or is not valid yet: "),
        (0x800B010F, "the certificate is not for wemasy.invalid: "),
        (0x800B0109, "its issuer is not trusted: "),
        (0x800B010A, "its issuer is not trusted: "),
        (0x800B010C, "refused (Certificate chain policy error): "),
        (-67818, "the certificate has expired: "),
        (-67819, "the certificate is not valid yet: "),
        (-67602, "the certificate is not for wemasy.invalid: "),
        (-67843, "its issuer is not trusted: "),
        (-25318, "its issuer is not trusted: "),
        (80, "its CA violates RFC 5280, which Python 3.13 and later enforce (Certificate chain policy error): "),
    ],
)
def test_windows_and_macos_have_their_own_numbers_for_the_same_reasons(code: int, told: str) -> None:
    refusal = ssl.SSLCertVerificationError("Certificate chain policy error")
    refusal.verify_code, refusal.verify_message = code, "Certificate chain policy error"
    # Through a proxy, so that the certificate is not asked for again.
    observed = Observed(contacted=("127.0.0.1", 9), address="127.0.0.1", broken_at="start_tls", failure=refusal)

    *_, tls = anyio.run(check_network, "https://wemasy.invalid/api", observed)

    assert tls.result == "failed"
    assert tls.found.startswith(f"{told}its certificate")
