"""The one check of URLs in settings: complete, in plain ASCII, and safe to send a secret to."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_BARE = "should not have credentials, a query or a fragment."


def split_url(text: str) -> SplitResult | None:
    """Return the parts of an http or https URL that has a host and is plain ASCII; None for any other text."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        url = urlsplit(text)
        is_whole = url.scheme in {"https", "http"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return None
    return url if is_whole else None


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine only."""
    try:
        return host.casefold() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def read_url(text: str, example: str) -> str:
    """Return the URL, unchanged, if traffic to and from it can be trusted.

    Raises:
        ValueError: It is not an https URL (or http on loopback), or it contains credentials.
    """
    problem = f"should be an https URL such as {example} (http only on loopback)"
    if (url := split_url(text)) is None:
        raise ValueError(f"{problem}.")
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError(f"{problem}; over http the token could be read in transit.")
    if "@" in url.netloc:
        raise ValueError(_BARE)
    return text


def read_base_url(text: str, example: str) -> str:
    """Return the base URL of an API, without a trailing slash.

    Raises:
        ValueError: As for `read_url`, or it contains a query or a fragment.
    """
    text = read_url(text.strip().strip("'\"").rstrip("/"), example)
    if "?" in text or "#" in text:
        raise ValueError(_BARE)
    return text
