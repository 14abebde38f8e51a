"""The listening socket and the check that it may be opened: a port that others reach needs authenticated clients."""

import socket

from wemasy_mcp.settings import SettingsError, variable_of
from wemasy_mcp.system_error import reason_of
from wemasy_mcp.urls import is_loopback

BACKLOG = 1024


def listen(host: str, port: int, *, knows_clients: bool) -> socket.socket:
    """Return a listening socket; port 0 picks a free port.

    Args:
        host: The address or name to bind.
        port: The TCP port.
        knows_clients: Whether clients must authenticate.

    Raises:
        SettingsError: Listening on the address is not allowed or not possible.
    """
    check_address(host, knows_clients=knows_clients)
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise SettingsError(variable_of("host"), "is not an address of this machine.") from None
    try:
        # All IPv6 addresses include all IPv4 addresses wherever the operating system supports both.
        is_dual = address[0] == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server((address[0], port), family=family, backlog=BACKLOG, dualstack_ipv6=is_dual)
    except OSError as error:
        reason = reason_of(error) or "it cannot be bound"
        raise SettingsError(
            variable_of("port"),
            f"cannot be used: nothing can listen on {url_host(host)}:{port} ({reason}). "
            "Stop the program that uses it, or choose another port.",
        ) from None
    # Every connection inherits it; asyncio sets it only on sockets that name their protocol. Without it an answer in
    # two pieces waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def check_address(host: str, *, knows_clients: bool) -> None:
    """Check that listening on `host` is allowed.

    Raises:
        SettingsError: It can be reached from elsewhere, and clients need not authenticate.
    """
    if not is_loopback(host) and not knows_clients:
        raise SettingsError(
            variable_of("host"),
            "is not a loopback address, and anybody who reaches it could write to the account: set WEMASY_SERVER_TOKEN "
            "(or its _FILE), or WEMASY_AUTH_ISSUER, WEMASY_AUTH_AUDIENCE and WEMASY_AUTH_JWKS_URL, so that clients "
            "must authenticate; or listen on 127.0.0.1.",
        )


def url_host(host: str) -> str:
    """Return a host as written in a URL: an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host
