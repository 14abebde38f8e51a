"""The CA certificates that the API's certificate is checked against: the ones that httpx2 uses."""

import os
import re
import ssl
import sys
from pathlib import Path

import httpx2

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]")
"""The name of a certificate in a folder that OpenSSL can search."""


def create_ssl_context() -> ssl.SSLContext:
    """Return what `httpx2.create_ssl_context` does, on the usual Linux without importing httpcore2 for it.

    That import costs 6 MB and a twentieth of the time until the first answer, and nothing else here needs it.

    Raises:
        OSError: The environment names certificates that cannot be read.
    """
    if cafile := os.environ.get("SSL_CERT_FILE"):
        return ssl.create_default_context(cafile=cafile)
    if capath := os.environ.get("SSL_CERT_DIR"):
        return ssl.create_default_context(capath=capath)
    paths = ssl.get_default_verify_paths()
    file = paths.openssl_cafile if Path(paths.openssl_cafile).is_file() else None
    folder = paths.openssl_capath if Path(paths.openssl_capath).is_dir() else None
    is_linux = sys.platform.startswith("linux")
    if not is_linux or not (file or (folder and _is_searchable(folder))):
        return httpx2.create_ssl_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(file, folder)
    return context


def _is_searchable(folder: str) -> bool:
    return any(_HASHED.fullmatch(file.name) for file in Path(folder).iterdir())
