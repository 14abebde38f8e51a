"""The certificates that are trusted are the ones that httpx2 trusts, read without importing httpcore2."""

import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from support.certificates import Certificates, make_certificates
from wemasy_mcp.upstream.certificates import create_ssl_context

NAMED = ("SSL_CERT_FILE", "SSL_CERT_DIR")

IN_A_NEW_PROCESS = """
import sys
from wemasy_mcp.upstream.open import open_upstream
open_upstream("https://api.example.org/api", 4)
print("httpcore2" in sys.modules)
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), "127.0.0.1", "proxied.invalid")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, str | None]]:
    """The files and folders that a context was told to trust."""
    told: list[tuple[str | None, str | None]] = []

    class Context(ssl.SSLContext):
        def load_verify_locations(self, cafile: object = None, capath: object = None, cadata: object = None) -> None:
            told.append((None if cafile is None else str(cafile), None if capath is None else str(capath)))

    for variable in NAMED:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(ssl, "SSLContext", Context)
    return told


def openssl_looks_in(monkeypatch: pytest.MonkeyPatch, file: Path, folder: Path) -> None:
    paths = ssl.DefaultVerifyPaths("", "", NAMED[0], str(file), NAMED[1], str(folder))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)


@pytest.mark.parametrize("variable", NAMED)
def test_what_the_environment_names_is_trusted_instead(
    variable: str, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in NAMED:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, str(certificates.trusted if variable == NAMED[0] else tmp_path))

    ours, theirs = create_ssl_context(), httpx2.create_ssl_context()

    assert ours.get_ca_certs() == theirs.get_ca_certs()
    assert len(ours.get_ca_certs()) == (variable == NAMED[0])
    assert (ours.verify_mode, ours.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert ours.verify_flags == theirs.verify_flags


@pytest.mark.parametrize("variable", NAMED)
def test_certificates_that_the_environment_names_and_that_cannot_be_read_are_an_error(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in NAMED:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "absent"))

    if variable == NAMED[0]:
        with pytest.raises(OSError, match="No such file"):
            create_ssl_context()
    else:
        assert create_ssl_context().cert_store_stats()["x509_ca"] == 0


@pytest.mark.parametrize("has_file", [True, False], ids=["a file", "no file"])
@pytest.mark.parametrize("name", ["5ad8a5d6.0", "README", None])
def test_what_openssl_would_find_is_read_as_httpx2_reads_it(
    has_file: bool,
    name: str | None,
    tmp_path: Path,
    read: list[tuple[str | None, str | None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, folder = tmp_path / "cert.pem", tmp_path / "certs"
    if has_file:
        file.touch()
    if name is not None:
        folder.mkdir()
        (folder / name).touch()
    openssl_looks_in(monkeypatch, file, folder)

    ours, theirs = create_ssl_context(), httpx2.create_ssl_context()

    half = len(read) // 2
    assert read[:half] == read[half:]
    assert (ours.verify_mode, ours.check_hostname, ours.verify_flags) == (
        theirs.verify_mode,
        theirs.check_hostname,
        theirs.verify_flags,
    )


def test_elsewhere_httpx2_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in NAMED:
        monkeypatch.delenv(variable, raising=False)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    monkeypatch.setattr(httpx2, "create_ssl_context", lambda: theirs)
    monkeypatch.setattr(sys, "platform", "darwin")

    assert create_ssl_context() is theirs


@pytest.mark.process
def test_no_other_http_library_is_imported_for_it(certificates: Certificates) -> None:
    run = subprocess.run(
        [sys.executable, "-c", IN_A_NEW_PROCESS],
        env={"SSL_CERT_FILE": str(certificates.trusted)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert run.stdout.strip() == "False"
