"""URLs that people set: which are taken, and why another is refused, without being shown."""

import re

import pytest

from wemasy_mcp.settings import DEFAULT_BASE_URL
from wemasy_mcp.urls import is_loopback, read_base_url

NO_URL = "should be an https URL such as https://api.wemasy.nl/api (http only on loopback)"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://api.wemasy.nl/api", "https://api.wemasy.nl/api"),
        (" 'https://api.wemasy.nl/api/' ", "https://api.wemasy.nl/api"),
        ("https://proxy.example:8443", "https://proxy.example:8443"),
        ("http://localhost:8900/api", "http://localhost:8900/api"),
        ("http://127.0.0.1/api", "http://127.0.0.1/api"),
        ("http://[::1]:8900/api", "http://[::1]:8900/api"),
        ("HTTPS://api.wemasy.nl", "HTTPS://api.wemasy.nl"),
    ],
)
def test_a_base_url_is_taken_without_its_last_slash(given: str, read: str) -> None:
    assert read_base_url(given, DEFAULT_BASE_URL) == read


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        *(
            (given, f"{NO_URL}.")
            for given in ("", "api.wemasy.nl/api", "ftp://a", "https://", "https:///api", "file:///a")
        ),
        *((given, f"{NO_URL}.") for given in ("https://a:0", "https://a:65536", "https://a:b", "https://[::1")),
        *((given, f"{NO_URL}.") for given in ("https://a b", "https://ä.nl", "https://a\nb")),
        *(
            (given, f"{NO_URL}; over http the token could be read in transit.")
            for given in ("http://api.wemasy.nl/api", "http://localhost.evil.example", "http://127.0.0.1.evil.example")
        ),
        *(
            (given, "should not have credentials, a query or a fragment.")
            for given in ("https://user:secret@a", "https://@a", "https://a?token=1", "https://a?", "https://a#b")
        ),
    ],
)
def test_what_is_not_a_base_url_is_refused_without_being_shown(given: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        read_base_url(given, DEFAULT_BASE_URL)


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local
