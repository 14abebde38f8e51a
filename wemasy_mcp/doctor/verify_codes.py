"""The reasons for which a certificate is refused: OpenSSL, Windows and macOS each have numbers of their own.

httpx2 asks the operating system where `SSL_CERT_FILE` and `SSL_CERT_DIR` are not set, and Python passes its number on.
"""

from typing import Literal

Reason = Literal["expired", "not yet valid", "out of date", "other host", "unknown issuer", "strict rules"]

_REASONS: dict[int, Reason] = {
    # X509_V_ERR_* of OpenSSL (openssl/x509_vfy.h).
    10: "expired",
    9: "not yet valid",
    62: "other host",
    64: "other host",
    **dict.fromkeys((18, 19, 20, 21), "unknown issuer"),
    # Only Python 3.13 and later look for these (`VERIFY_X509_STRICT`, the rules of RFC 5280 for certificates).
    **dict.fromkeys(range(80, 94), "strict rules"),
    # CERT_E_* of Windows (winerror.h): EXPIRED (also if not valid yet), CN_NO_MATCH, UNTRUSTEDROOT, CHAINING.
    0x800B0101: "out of date",
    0x800B010F: "other host",
    0x800B0109: "unknown issuer",
    0x800B010A: "unknown issuer",
    # errSec* of macOS (Security/SecBase.h): CertificateExpired, CertificateNotValidYet, HostNameMismatch, NotTrusted,
    # CreateChainFailed.
    -67818: "expired",
    -67819: "not yet valid",
    -67602: "other host",
    -67843: "unknown issuer",
    -25318: "unknown issuer",
}


def reason_of_refusal(code: int) -> Reason | None:
    """Return the reason that `ssl.SSLCertVerificationError.verify_code` stands for; None if it is another one."""
    return _REASONS.get(code)
