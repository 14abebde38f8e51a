import json
import socket
from collections.abc import Iterator

import httpx2
import pytest

from support.processes import SECONDS, ServerProcess, serving

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
PATHS = [("POST", "/mcp"), ("GET", "/sse"), ("POST", "/messages/")]
MIB = 2**20


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, ServerProcess]]:
    with (
        serving("--transport", "streamable-http", "--sandbox") as streamable,
        serving("--transport", "sse", "--sandbox") as sse,
    ):
        yield {"/mcp": streamable, "/sse": sse, "/messages/": sse}


def ask(
    server: ServerProcess, method: str, path: str, headers: list[tuple[str, str]], content: bytes = b""
) -> httpx2.Response:
    given = [("Accept", "application/json"), ("Content-Type", "application/json"), *headers]
    return httpx2.request(method, server.origin + path, headers=given, content=content, timeout=SECONDS)


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost",
        "localhost:1",
        "localhost:{port}.evil.example",
        "127.0.0.1:{port}0",
        "localhost.evil.example:{port}",
        "",
    ],
)
def test_a_foreign_host_is_misdirected(method: str, path: str, host: str, servers: dict[str, ServerProcess]) -> None:
    server = servers[path]

    answer = ask(server, method, path, [("Host", host.format(port=server.port))])

    assert answer.status_code == 421


def test_blanks_around_a_header_s_value_are_no_part_of_it(servers: dict[str, ServerProcess]) -> None:
    server = servers["/mcp"]
    request = (
        f"POST /mcp HTTP/1.1\r\nHost: \t127.0.0.1:{server.port} \t\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nConnection: close\r\nContent-Length: 46\r\n\r\n"
        '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    )
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as connection:
        connection.sendall(request.encode())
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(("method", "path"), [*PATHS, ("GET", "/healthz")])
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://localhost",
        "https://localhost:{port}",
        "http://localhost:{port}.evil.example",
        "http://127.0.0.1:{port}@evil.example",
    ],
)
def test_a_foreign_origin_is_forbidden(method: str, path: str, origin: str, servers: dict[str, ServerProcess]) -> None:
    server = servers.get(path, servers["/sse"])

    answer = ask(server, method, path, [("Origin", origin.format(port=server.port))])

    assert answer.status_code == 403


def test_a_foreign_origin_beside_an_own_one_is_forbidden(servers: dict[str, ServerProcess]) -> None:
    server = servers["/mcp"]

    answer = ask(server, "POST", "/mcp", [("Origin", server.origin), ("Origin", "https://evil.example")])

    assert answer.status_code == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_every_loopback_name_with_the_port_is_served(name: str, servers: dict[str, ServerProcess]) -> None:
    server = servers["/mcp"]
    host = f"{name}:{server.port}"

    answer = ask(server, "POST", "/mcp", [("Host", host), ("Origin", f"http://{host}")], json.dumps(LIST).encode())

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_may_address_the_server_by_any_host(path: str, servers: dict[str, ServerProcess]) -> None:
    assert ask(servers["/mcp"], "GET", path, [("Host", "10.1.2.3:8000")]).status_code == 200


def test_allowed_hosts_and_origins_take_the_place_of_loopback() -> None:
    with serving(
        "--transport",
        "streamable-http",
        "--sandbox",
        WEMASY_ALLOWED_HOSTS="mcp.example.com, mcp.example.com:8443",
        WEMASY_ALLOWED_ORIGINS="https://app.example.com/",
    ) as server:
        body = json.dumps(LIST).encode()
        host = ("Host", "mcp.example.com")
        origin = ("Origin", "https://app.example.com")
        served = ask(server, "POST", "/mcp", [host, origin], body)
        elsewhere = ask(server, "POST", "/mcp", [("Host", "mcp.example.com:8443")], body)
        loopback = ask(server, "POST", "/mcp", [], body)
        local_page = ask(server, "POST", "/mcp", [host, ("Origin", server.origin)], body)
        asked_first = ask(server, "OPTIONS", "/mcp", [host, origin, ("Access-Control-Request-Method", "POST")])

    codes = [answer.status_code for answer in (served, elsewhere, loopback, local_page, asked_first)]
    assert codes == [200, 200, 421, 403, 200]
    assert served.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "POST" in asked_first.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", ["/mcp", "/messages/"])
@pytest.mark.parametrize("length", [f"Content-Length: {4 * MIB + 1}", "Transfer-Encoding: chunked"])
def test_a_body_of_more_than_4_mib_is_too_large(path: str, length: str, servers: dict[str, ServerProcess]) -> None:
    server = servers[path]
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Type: application/json\r\n{length}\r\n"
        )
        connection.sendall(f"{head}\r\n".encode())
        if "chunked" in length:
            connection.sendall(f"{4 * MIB + 1:x}\r\n".encode() + b" " * (4 * MIB + 1))

        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_client_that_leaves_amid_its_request_is_no_error(servers: dict[str, ServerProcess]) -> None:
    server = servers["/mcp"]
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        connection.sendall(
            f"POST /mcp HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Length: 9\r\n"
            "Content-Type: application/json\r\nAccept: application/json\r\n\r\n{".encode()
        )
    assert httpx2.get(f"{server.origin}/healthz").status_code == 200

    server.terminate()

    assert server.wait() == 0
    assert "ERROR" not in server.log
