"""What is told of a certificate, whatever names it carries."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wemasy_mcp.doctor.certificate import read_certificate
from wemasy_mcp.doctor.network import _refused

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ([(NameOID.COMMON_NAME, "api.example"), (NameOID.ORGANIZATION_NAME, "Example")], "api.example"),
        ([(NameOID.ORGANIZATION_NAME, "Example")], "Example"),
        ([(NameOID.COUNTRY_NAME, "NL")], "C=NL"),
        ([(NameOID.COMMON_NAME, "evil\u202eexample")], "evilexample"),
        ([], "unnamed"),
    ],
)
def test_a_certificate_without_alternative_names_is_called_by_its_subject(
    subject: list[tuple[x509.ObjectIdentifier, str]], shown: str
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(kind, value) for kind, value in subject])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=9))
        .sign(key, hashes.SHA256())
    )

    found = read_certificate(certificate.public_bytes(serialization.Encoding.DER), NOW)

    assert str(found) == f"certificate for {shown}, issued by {shown}, 9 days left"


@pytest.mark.parametrize(
    ("code", "said"), [(85, "Missing Authority Key Identifier"), (92, "CA cert does not include key usage extension")]
)
def test_a_company_ca_that_only_newer_pythons_refuse_is_told_apart(code: int, said: str) -> None:
    refusal = ssl.SSLCertVerificationError()
    refusal.verify_code, refusal.verify_message = code, said

    check = _refused("api.wemasy.nl", refusal, "certificate for api.wemasy.nl, issued by Company CA, 90 days left")

    assert check.result == "failed"
    assert f"Python 3.13 and later enforce ({said})" in check.found
    assert "Python 3.12" in check.advice
