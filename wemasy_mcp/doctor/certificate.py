"""A server's certificate: its subject, issuer and remaining days. Also read if it was refused, for the diagnosis."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
from anyio.streams.tls import TLSAttribute, TLSStream
from cryptography import x509
from cryptography.x509.oid import NameOID

from wemasy_mcp.core.sanitize import sanitize

_MAX_NAMES = 3


@dataclass(frozen=True, slots=True)
class Certificate:
    """The details of a certificate that a person needs."""

    subject: str
    issuer: str
    days_left: int
    """Negative once it has expired."""

    def __str__(self) -> str:
        when = f"{self.days_left} days left" if self.days_left >= 0 else f"expired {-self.days_left} days ago"
        return f"certificate for {self.subject}, issued by {self.issuer}, {when}"


def read_certificate(der: bytes, now: datetime) -> Certificate:
    """Return the details in the certificate.

    Raises:
        ValueError: It cannot be read.
    """
    certificate = x509.load_der_x509_certificate(der)
    return Certificate(
        subject=_names(certificate) or _name(certificate.subject),
        issuer=_name(certificate.issuer),
        days_left=(certificate.not_valid_after_utc - now).days,
    )


def now() -> datetime:
    """Return the time against which certificates are checked."""
    return datetime.now(UTC)


async def shown_certificate(host: str, port: int, seconds: float) -> bytes | None:
    """Return the certificate that the server presents, trusted or not, as DER; None if it presents none.

    The connection carries only the handshake: no request or token is sent over it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with anyio.fail_after(seconds):
            async with await anyio.connect_tcp(host, port) as connection:
                stream = await TLSStream.wrap(connection, hostname=host, ssl_context=context, standard_compatible=False)
                return stream.extra(TLSAttribute.peer_certificate_binary)  # noqa: S610 - anyio's, not Django's
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream):
        return None


def _names(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    shown = [str(name.value) for name in names]
    more = ", …" if len(shown) > _MAX_NAMES else ""
    return sanitize(", ".join(shown[:_MAX_NAMES]) + more, limit=200)


def _name(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(kind):
            return sanitize(str(found[0].value), limit=100)
    return sanitize(name.rfc4514_string(), limit=100) or "unnamed"
