"""A certificate authority and server certificates, made anew for each test run and trusted nowhere else."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = dt.timedelta(days=1)
_NOTHING_ELSE = dict.fromkeys(
    ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"),
    False,
)
_SIGNS_CERTIFICATES = x509.KeyUsage(key_cert_sign=True, encipher_only=False, decipher_only=False, **_NOTHING_ELSE)


class Authority:
    """Signs server certificates with a key of its own."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        self._certificate = (
            x509.CertificateBuilder(self._name, self._name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            # From Python 3.13 on, an authority that does not say so is refused.
            .add_extension(_SIGNS_CERTIFICATES, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def save(self, path: Path) -> Path:
        """Write the authority's certificate, for `SSL_CERT_FILE`."""
        path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def issue(self, folder: Path, host: str, *, expired: bool = False) -> ssl.SSLContext:
        """Return a server context whose certificate is for `host` alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = dt.datetime.now(dt.UTC) + (-_DAY if expired else _DAY)
        certificate = (
            x509.CertificateBuilder(
                self._name,
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]),
                key.public_key(),
                x509.random_serial_number(),
            )
            .not_valid_before(end - 3 * _DAY)
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        chain = folder / f"{certificate.serial_number:x}.pem"
        chain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@dataclass(frozen=True, slots=True)
class Certificates:
    """What an upstream may present, and the file that says whom to trust."""

    trusted: Path
    valid: ssl.SSLContext
    proxied: ssl.SSLContext
    """For the host that only a proxy can reach."""
    wrong_authority: ssl.SSLContext
    wrong_host: ssl.SSLContext
    expired: ssl.SSLContext


def make_certificates(folder: Path, host: str, proxied_host: str) -> Certificates:
    """Make one authority that is to be trusted, one that is not, and a certificate of each kind."""
    authority = Authority("Authority of this test run")
    return Certificates(
        trusted=authority.save(folder / "authority.pem"),
        valid=authority.issue(folder, host),
        proxied=authority.issue(folder, proxied_host),
        wrong_authority=Authority("Authority nobody trusts").issue(folder, host),
        wrong_host=authority.issue(folder, "elsewhere.invalid"),
        expired=authority.issue(folder, host, expired=True),
    )
